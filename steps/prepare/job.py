"""The Prepare job: a Ground Truth manifest in; checked, unified and split manifests out."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from groundloop.images.s3 import S3Images
from groundloop.images.size import image_sizes
from groundloop.labels.classes import ClassList
from groundloop.labels.duplicates import Duplicates
from groundloop.labels.grouping import Grouping
from groundloop.labels.line_reader import ByteRange, byte_ranges
from groundloop.labels.split import HashSplit
from groundloop.labels.training_requirements import Overview
from steps import jobs
from steps.jobs import say
from steps.prepare import outputs
from steps.prepare.arguments import parse
from steps.prepare.checking import check_dataset, check_images
from steps.prepare.dataset import PreparedDataset
from steps.prepare.parallel import SPARK, Engine, choose_executor
from steps.prepare.reading import ReadOptions, ReadTask, attributes_in, read
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

if TYPE_CHECKING:
    from steps.prepare.start_model import StartModel


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
    from steps.clients import transfer_client
    from steps.prepare.start_model import load_start_model

    return load_start_model(
        arguments.start_from,
        arguments.model_package_group,
        arguments.base_network,
        arguments.image_shape,
        work,
        transfer_client,
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
