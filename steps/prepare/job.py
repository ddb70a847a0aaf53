"""The Prepare job: a Ground Truth manifest in; checked, unified and split manifests out."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from groundloop.errors import UserError
from groundloop.images.access import MEGABYTE, ImageFault, UnusableImageError
from groundloop.images.listing import ListedS3Images
from groundloop.images.s3 import S3Images
from groundloop.images.size import image_sizes
from groundloop.labels.attributes import AUTO, find_attributes
from groundloop.labels.boxes import CLIP_TOLERANCE
from groundloop.labels.classes import ClassList, similar_names, unused_classes
from groundloop.labels.duplicates import Duplicates
from groundloop.labels.findings import LabelCode, LabelFinding, Tally
from groundloop.labels.grouping import Grouping
from groundloop.labels.image_check import ImageCheck
from groundloop.labels.line_reader import ByteRange, byte_ranges
from groundloop.labels.manifest import open_manifest, raw_lines
from groundloop.labels.records import LineStatus
from groundloop.labels.split import HashSplit, Split
from groundloop.labels.training_requirements import IMAGE_SHAPE, Overview, missing_from_splits
from groundloop.suggestions import first_of
from steps import jobs
from steps.jobs import say
from steps.prepare import outputs
from steps.prepare.dataset import PreparedDataset, SplitCounts
from steps.prepare.image_checks import ChangedImageChecker, ImageChecks, decode_checks, write_checks
from steps.prepare.parallel import PROCESSES, SPARK, Engine, choose_executor
from steps.prepare.reading import ReadOptions, ReadTask, attributes_in, read
from steps.prepare.source_use import check_rejected
from steps.prepare.sources import (
    NO_IMAGES,
    ManifestSource,
    SourceArgument,
    find_manifest,
    is_blank,
    resolve_additional_source,
    reviewed_attribute,
    unpacked,
    with_attribute,
)
from steps.prepare.summary import summary
from steps.prepare.writing import write_manifests, write_rejected, write_training_data

#: Objects that are listed at most for each image: listing takes a thousandth of the requests.
_LISTED_PER_IMAGE = 5

if TYPE_CHECKING:
    from steps.prepare.start_model import StartModel


def parse(argv: Sequence[str] | None) -> Namespace:
    """Parse the arguments; every path defaults to SageMaker's."""
    processing = Path("/opt/ml/processing")
    parser = ArgumentParser(prog="prepare", description=__doc__)
    parser.add_argument("--manifest", type=Path, default=processing / "input/manifest", help="folder with the manifest")
    parser.add_argument("--manifest-uri", default="", help="the manifest's S3 URI: picks the file in the folder")
    parser.add_argument(
        "--additional-source",
        nargs=5,
        action="append",
        metavar=("FOLDER", "FORMAT", "ATTRIBUTE", "IMAGES", "URI"),
        help=f"further labels, which take precedence over earlier ones: {AUTO} recognises the format or attribute, "
        f"{NO_IMAGES} where no folder of images is needed",
    )
    parser.add_argument(
        "--reviewed-manifest",
        type=Path,
        default=processing / "input/reviewed-manifest",
        help="folder with the labels that people reviewed, which take precedence over all others",
    )
    parser.add_argument("--reviewed-manifest-uri", default="", help="its manifest's S3 URI; empty: there is none")
    parser.add_argument("--label-attribute", default=AUTO, help="auto: the only one that holds boxes")
    parser.add_argument("--classes", nargs="+", help="class names in id order; default: all names of the maps, sorted")
    parser.add_argument("--validation-fraction", type=float, default=0.15)
    parser.add_argument("--test-fraction", type=float, default=0.15)
    parser.add_argument("--split-seed", type=int, default=0)
    parser.add_argument("--stratify", action="store_true", help="balance classes and negatives instead of hashing")
    parser.add_argument("--group-pattern", help="images whose URIs match alike stay together: a regular expression")
    parser.add_argument("--group-key", help="images whose lines have an equal value under this key stay together")
    parser.add_argument("--train-negatives", choices=["drop", "keep"], default="drop")
    parser.add_argument("--shuffle-seed", type=int, default=0, help="order of the train manifest")
    policies = [policy.value for policy in Duplicates]
    parser.add_argument("--duplicates", choices=policies, default="last", help="which label of an image counts")
    parser.add_argument("--clip-tolerance", type=float, default=CLIP_TOLERANCE, help="pixels beyond the image, clipped")
    parser.add_argument(
        "--max-rejected", type=float, help="share of each source's lines with labels that may be rejected; default: any"
    )
    parser.add_argument("--mini-batch-size", type=int, default=1, help="the train split must hold as many images")
    parser.add_argument("--image-shape", type=int, default=IMAGE_SHAPE, help="side that training resizes images to")
    parser.add_argument(
        "--check-images", choices=[check.value for check in ImageCheck], default=ImageCheck.EXISTS.value
    )
    parser.add_argument("--image-checks-uri", help="S3 URI of the image checks of earlier executions")
    parser.add_argument(
        "--image-checks-output", type=Path, help="folder that gets the image checks for later executions"
    )
    parser.add_argument("--max-image-mb", type=float, default=6, help="Batch Transform's payload limit")
    parser.add_argument("--start-from", help="model to start from: champion, a version, or S3 URI of a model.tar.gz")
    parser.add_argument("--model-package-group", default="", help="group that --start-from looks into")
    parser.add_argument("--base-network", default="vgg-16", help="network that the training job uses")
    parser.add_argument("--engine", choices=[PROCESSES, SPARK], default=PROCESSES, help="where the lines are read")
    parser.add_argument(
        "--processes", type=int, default=0, help="number of processes that read and write; 0: as many as are worth it"
    )
    parser.add_argument("--manifests-output", type=Path, default=processing / "output/manifests")
    parser.add_argument("--report-output", type=Path, default=processing / "output/report")
    parser.add_argument(
        "--training-data-output",
        type=Path,
        default=processing / "output/training-data",
        help="folder that gets the manifests of the training job, in a folder named by their content",
    )
    jobs.add_message_file(parser)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job; 0, or 1 after a user's mistake."""
    arguments = parse(argv)
    return jobs.run(lambda: prepare(arguments), arguments.message_file)


def prepare(arguments: Namespace) -> str:
    """Read, unify, split, check the images, write.

    Returns:
        The name of the folder with the training data, which is made of their content.

    Raises:
        UserError: there is a mistake in the arguments, or nothing to train or evaluate on.
    """
    shares = HashSplit(arguments.validation_fraction, arguments.test_fraction, arguments.split_seed)
    configured = None if arguments.classes is None else ClassList.from_config(arguments.classes)
    options = ReadOptions(
        classes=configured.names if configured else None,
        clip_tolerance=arguments.clip_tolerance,
        image_shape=Overview(arguments.image_shape).image_shape,
        seed=arguments.split_seed,
        grouping=Grouping(arguments.group_pattern, arguments.group_key),
    )
    with TemporaryDirectory(prefix="groundloop-prepare-") as folder, ExitStack() as stack:
        work = Path(folder)
        start = start_model(arguments, work)
        plain = [unpacked(source, work) for source in sources_of(arguments, work)]
        reviewed = reviewed_source(arguments, work)
        plain += [reviewed] if reviewed else []
        engine = engine_for(arguments, sum(source.path.stat().st_size for source in plain))
        stack.callback(engine.close)
        engine.share([source.path for source in plain if source.path.parent == work])
        sources = [
            with_attribute(source, lambda item: engine.map(attributes_in, ranges(item, engine))) for source in plain
        ]
        for source in sources:
            say(f"prepare: {source.name}, label attribute {source.attribute!r}")
        dataset = PreparedDataset(sources, options, engine.map(read, read_tasks(sources, options, engine, work)))
        stack.callback(dataset.close)
        dataset.keep_one_label_per_image(Duplicates(arguments.duplicates))
        classes = start.class_list(configured) if start else configured
        if start and classes:
            start.check_labels(classes, dataset.overview().boxes)
        classes = classes or ClassList.from_union(name for name, lines in dataset.names.items() if lines)
        dataset.assign(shares, stratify=arguments.stratify, keep_train_negatives=arguments.train_negatives == "keep")
        image_keys = check_images(dataset, arguments)
        counts = check_dataset(dataset, classes, arguments.max_rejected, arguments.mini_batch_size)

        arguments.manifests_output.mkdir(parents=True, exist_ok=True)
        arguments.report_output.mkdir(parents=True, exist_ok=True)
        fingerprints = write_manifests(
            dataset, classes, arguments.shuffle_seed, arguments.manifests_output, work, engine, image_keys
        )
        training_data = write_training_data(
            arguments.manifests_output, fingerprints.training, arguments.training_data_output, start
        )
        write_rejected(dataset, arguments.report_output / "rejected.jsonl")
        content = summary(
            classes, counts, dataset, fingerprints.data, training_data, start, reviewed=reviewed is not None
        )
        outputs.write_json(arguments.report_output / "summary.json", content)
    say(f"written: {arguments.manifests_output} and {arguments.report_output}; training data {training_data}")
    return training_data


def start_model(arguments: Namespace, work: Path) -> StartModel | None:
    """Return the model that training starts from; None where it starts from the algorithm's own weights.

    Raises:
        UserError: training can't start from it.
    """
    if not arguments.start_from:
        return None
    # Here, because they bring boto3, which most runs don't need.
    from steps.clients import job_client
    from steps.prepare.start_model import load_start_model

    return load_start_model(
        arguments.start_from,
        arguments.model_package_group,
        arguments.base_network,
        arguments.image_shape,
        work,
        job_client,
    )


def sources_of(arguments: Namespace, work: Path) -> list[ManifestSource]:
    """Return the manifests in the order in which they override each other.

    Raises:
        UserError: a manifest can't be found or read.
    """
    path = find_manifest(arguments.manifest, arguments.manifest_uri)
    sources = [ManifestSource(path, arguments.manifest_uri or str(path), arguments.label_attribute)]
    for folder, label_format, attribute, images, uri in arguments.additional_source or ():
        argument = SourceArgument(Path(folder), label_format, attribute, "" if images == NO_IMAGES else images, uri)
        sources.append(
            resolve_additional_source(argument, work, lambda source_refs: image_sizes(source_refs, S3Images()))
        )
    return sources


def reviewed_source(arguments: Namespace, work: Path) -> ManifestSource | None:
    """Return the manifest of reviewed labels; None if there is none, or no line in it.

    Raises:
        UserError: the manifest can't be found or read.
    """
    uri = arguments.reviewed_manifest_uri
    if not uri:
        return None
    source = unpacked(ManifestSource(find_manifest(arguments.reviewed_manifest, uri), uri), work)
    return None if is_blank(source.path) else reviewed_attribute(source)


def engine_for(arguments: Namespace, size: int) -> Engine:
    """Return the engine that the tasks run on.

    Args:
        size: bytes to read.

    Raises:
        UserError: the engine is not available here.
    """
    if arguments.engine == SPARK:
        from steps.prepare.spark import Spark

        return Spark(size)
    return choose_executor(arguments.processes, size)


def ranges(source: ManifestSource, engine: Engine) -> list[tuple[ManifestSource, ByteRange]]:
    """Cut the source into ranges for the engine."""
    return [(source, within) for within in byte_ranges(source.path, engine.width)]


def read_tasks(sources: Sequence[ManifestSource], options: ReadOptions, engine: Engine, work: Path) -> list[ReadTask]:
    """Return the tasks of reading, in the order of sources and lines."""
    return [
        ReadTask(number, source, within, options, work / f"rejected-{number}-{within.start}")
        for number, source in enumerate(sources)
        for source, within in ranges(source, engine)
    ]


def check_images(dataset: PreparedDataset, arguments: Namespace) -> array[int]:
    """Check every image that is in a split; a line whose image is not usable is rejected.

    Returns:
        A number for each entry, which changes with the image's content; 0 for images that were not checked.
    """
    keys = array("Q", bytes(8 * len(dataset.index)))
    check = ImageCheck(arguments.check_images)
    if check is ImageCheck.NONE:
        return keys
    entries = [entry for split in Split for entry in dataset.entries(split)]
    images = ListedS3Images(_LISTED_PER_IMAGE * len(entries))
    checks = stored_checks(arguments.image_checks_uri, images)
    checker = ChangedImageChecker(check, int(arguments.max_image_mb * MEGABYTE), images, checks)

    def findings() -> Iterator[tuple[int, LabelFinding | None]]:
        results = checker.results(dataset.line(entry) for entry in entries)
        for entry, result in zip(entries, results, strict=True):
            keys[entry] = result.key
            yield entry, result.finding

    checked, rejected = dataset.apply_image_findings(findings())
    if checked:
        decoded = f"; {checks.added} decoded, the others did not change" if check is ImageCheck.DECODE else ""
        say(f"images: {checked} checked, {rejected} rejected{decoded}")
    if arguments.image_checks_output is not None:
        write_checks(checks, arguments.image_checks_output)
    return keys


def stored_checks(uri: str | None, images: S3Images) -> ImageChecks:
    """Return the image checks of earlier executions; without them, all images are checked again."""
    try:
        content = images.body(uri) if uri else b""
    except UnusableImageError as error:
        if error.fault is not ImageFault.MISSING:
            say(f"warning: S3 denies access to the image checks of earlier executions, {uri}: all images are checked")
        return ImageChecks()
    try:
        return decode_checks(content)
    except UserError as error:
        say(f"warning: the image checks of earlier executions, {uri}, {error}: all images are checked")
        return ImageChecks()


def check_dataset(
    dataset: PreparedDataset, classes: ClassList, max_rejected: float | None, mini_batch_size: int
) -> dict[Split, SplitCounts]:
    """Report what was read, with findings on the whole data set.

    Returns:
        The counts of each split.

    Raises:
        UserError: there is nothing to train or evaluate on, or too many lines are rejected.
    """
    tally, overview, statuses = dataset.tally, dataset.overview(), dataset.statuses
    tally.add(similar_names(classes))
    tally.add(unused_classes(classes, overview.boxes))
    tally.add(overview.findings())
    tally.add(missing_from_splits(dataset.images_by_class()))
    report(classes, statuses, tally)
    if overview.auto_labelled:
        say(f"auto-labelled: {overview.auto_labelled} of {overview.images} images")
    if not statuses[LineStatus.LABELLED]:
        raise UserError(no_usable_line(dataset))
    if max_rejected is not None:
        check_rejected(dataset.uses, max_rejected)
    counts = dataset.counts()
    for split, count in counts.items():
        dropped = dataset.negatives_dropped
        notes = [f"{dropped} dropped"] if split is Split.TRAIN and dropped else []
        notes += [f"{dataset.train_only} for train only"] if split is Split.TRAIN and dataset.train_only else []
        note = f" ({', '.join(notes)})" if notes else ""
        say(f"{split.value}: {count.images} images, {count.boxes} boxes, {count.negatives} negatives{note}")
    check_counts(counts, mini_batch_size)
    return counts


def check_counts(counts: Mapping[Split, SplitCounts], mini_batch_size: int) -> None:
    """Check that every split can be used, here and not after an hour of training.

    Raises:
        UserError: a split has no boxes, or the train split is smaller than one batch.
    """
    total = sum(count.images for count in counts.values())
    for split, count in counts.items():
        if not count.boxes:
            held = f"only {count.negatives} images without boxes" if count.images else "no image"
            raise UserError(
                f"the {split.value} split got {held} of {total} usable images: label more images, give it a larger "
                "fraction, or change the split seed"
            )
    train = counts[Split.TRAIN].images
    if train < mini_batch_size:
        raise UserError(
            f"the train split holds {train} images, fewer than mini_batch_size {mini_batch_size}: "
            f"set mini_batch_size to {train} or less, or label more images"
        )
    validation = counts[Split.VALIDATION].images
    if validation < mini_batch_size:
        say(
            f"warning: the validation split holds {validation} images, fewer than mini_batch_size {mini_batch_size}: "
            "if Train fails on it, lower mini_batch_size or raise prepare.split.validation"
        )


def report(classes: ClassList, statuses: Counter[LineStatus], tally: Tally) -> None:
    """Write the counts and findings to the log."""
    parts = ", ".join(f"{statuses[status]} {status.value}" for status in LineStatus)
    say(f"lines: {statuses.total()} read: {parts}")
    say(f"classes ({len(classes)}): {', '.join(classes) or 'none'}")
    for code, count in tally.by_code().items():
        say(f"{code}: {count}")
        for finding in tally.examples[LabelCode(code)]:
            where = [f"line {finding.line}"] if finding.line else []
            where += [finding.source_ref] if finding.source_ref else []
            say(f"    {': '.join(filter(None, [', '.join(where), finding.message]))}")


def no_usable_line(dataset: PreparedDataset) -> str:
    """Explain why there is nothing to train on, with the likeliest remedy."""
    statuses, tally = dataset.statuses, dataset.tally
    names = " and ".join(source.name for source in dataset.sources)
    text = f"the manifest {names} holds no usable labelled line: {statuses.total()} lines read, {tally.in_words()}"
    for source in dataset.sources:
        with open_manifest(source.path) as stream:
            attributes = find_attributes(raw_lines(stream))
        if attributes.detection and source.attribute not in attributes.detection:
            others = first_of(attributes.detection)
            text += f"; label attribute {source.attribute!r} is on no line, but these are: {others}"
    return text
