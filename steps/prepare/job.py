"""The Prepare job: a Ground Truth manifest in; checked, unified and split manifests out."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from labels.advice import IMAGE_SHAPE, Overview, missing_from_splits
from labels.attributes import choose_attribute, find_attributes
from labels.boxes import CLIP_TOLERANCE
from labels.classes import ClassList, similar_names, unused_classes
from labels.duplicates import Duplicates, one_line_per_image
from labels.errors import UserError
from labels.findings import Code, Tally
from labels.grouping import Grouping
from labels.manifest import ManifestReader, open_manifest, raw_lines
from labels.records import Kind, Line, Record
from labels.split import HashSplit, Split, position
from labels.stratify import stratified
from steps import jobs
from steps.jobs import say
from steps.prepare import outputs
from steps.prepare.images import MEGABYTE, Check, ImageChecker, judged

Splits = dict[Split, list[Line]]


def parse(argv: Sequence[str] | None) -> Namespace:
    """The arguments; every path has SageMaker's place as its default."""
    processing = Path("/opt/ml/processing")
    parser = ArgumentParser(prog="prepare", description=__doc__)
    parser.add_argument("--manifest", type=Path, default=processing / "input/manifest", help="folder with the manifest")
    parser.add_argument("--manifest-uri", default="", help="the manifest's S3 URI: picks the file in the folder")
    parser.add_argument("--label-attribute", default="auto", help="auto: the only one that holds boxes")
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
    parser.add_argument("--mini-batch-size", type=int, default=1, help="the train split must hold as many images")
    parser.add_argument("--image-shape", type=int, default=IMAGE_SHAPE, help="side that training resizes images to")
    parser.add_argument("--check-images", choices=[check.value for check in Check], default=Check.EXISTS.value)
    parser.add_argument("--max-image-mb", type=float, default=6, help="Batch Transform's payload limit")
    parser.add_argument("--manifests-output", type=Path, default=processing / "output/manifests")
    parser.add_argument("--report-output", type=Path, default=processing / "output/report")
    jobs.add_message_file(parser)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job; 0, or 1 after a user's mistake."""
    arguments = parse(argv)
    return jobs.run(lambda: prepare(arguments), arguments.message_file)


def prepare(arguments: Namespace) -> None:
    """Read, unify, split, look at the images, write.

    Raises:
        UserError: for every mistake in arguments, manifest or images that leaves nothing to train or evaluate on.
    """
    shares = HashSplit(arguments.validation_fraction, arguments.test_fraction, arguments.split_seed)
    grouping = Grouping(arguments.group_pattern, arguments.group_key)
    configured = None if arguments.classes is None else ClassList.from_config(arguments.classes)
    path = find_manifest(arguments.manifest, arguments.manifest_uri)
    name = arguments.manifest_uri or str(path)
    attribute = arguments.label_attribute
    if attribute in ("", "auto"):
        with open_manifest(path) as stream:
            attribute = choose_attribute(find_attributes(raw_lines(stream)))
    say(f"prepare: {name}, label attribute {attribute!r}")

    reader = ManifestReader(attribute, configured.names if configured else None, arguments.clip_tolerance)
    with open_manifest(path) as stream:
        lines = list(one_line_per_image(list(reader.read(stream)), Duplicates(arguments.duplicates)))
    classes = configured or ClassList.from_union(
        name for line in lines if line.record for name in line.record.class_names
    )
    split = split_of(lines, shares, grouping, stratify=arguments.stratify)
    assigned = assign(lines, split, keep_train_negatives=arguments.train_negatives == "keep")
    negatives_dropped = sum(line.record is not None for line in lines) - sum(map(len, assigned.values()))
    check = Check(arguments.check_images)
    if check is not Check.NONE and any(assigned.values()):
        lines, assigned = look(lines, assigned, ImageChecker(check, int(arguments.max_image_mb * MEGABYTE)))

    tally = Tally()
    for line in lines:
        tally.add(line.findings)
    tally.add(similar_names(classes))
    overview = Overview(arguments.image_shape)
    overview.add(line.record for line in lines if line.record)
    tally.add(unused_classes(classes, overview.boxes))
    tally.add(overview.findings())
    tally.add(missing_from_splits({part: records(assigned[part]) for part in Split}))
    kinds = Counter(line.kind for line in lines)
    report(classes, kinds, tally)
    if overview.machine_labelled:
        say(f"labelled by a machine: {overview.machine_labelled} of {overview.images} images")
    if not kinds[Kind.LABELLED]:
        raise UserError(no_usable_line(name, path, attribute, kinds, tally))
    counts = {part: outputs.SplitCounts.of(records(assigned[part])) for part in Split}
    for part, count in counts.items():
        dropped = f" ({negatives_dropped} dropped)" if part is Split.TRAIN and negatives_dropped else ""
        say(f"{part.value}: {count.images} images, {count.boxes} boxes, {count.negatives} negatives{dropped}")
    check_counts(counts, arguments.mini_batch_size)

    arguments.manifests_output.mkdir(parents=True, exist_ok=True)
    arguments.report_output.mkdir(parents=True, exist_ok=True)
    # By hash and not by a generator: the order of the others stays when images come or go.
    assigned[Split.TRAIN].sort(key=lambda line: position(_record(line).source_ref, arguments.shuffle_seed))
    to_predict = [record.source_ref for part in (Split.VALIDATION, Split.TEST) for record in records(assigned[part])]
    outputs.write_json(arguments.manifests_output / "predict-images.json", outputs.predict_images(to_predict))
    for part in Split:
        target = arguments.manifests_output / f"{part.value}.manifest"
        outputs.write_manifest(target, assigned[part], attribute, classes)
    outputs.write_rejected(arguments.report_output / "rejected.jsonl", lines)
    most_boxes = max(len(record.boxes) for part in Split for record in records(assigned[part]))
    figures = outputs.summary(classes, counts, negatives_dropped, overview.machine_labelled, most_boxes, kinds, tally)
    outputs.write_json(arguments.report_output / "summary.json", figures)
    say(f"written: {arguments.manifests_output} and {arguments.report_output}")


def find_manifest(folder: Path, uri: str) -> Path:
    """The manifest among what was downloaded: the URI's last part, or the only file.

    Raises:
        UserError: there is no such file, or no telling which one is meant.
    """
    if folder.is_file():
        return folder
    name = uri.rpartition("/")[2]
    if name:
        if (folder / name).is_file():
            return folder / name
        raise UserError(f"the manifest {uri} does not exist: there is no {name} in {folder}")
    if uri:
        raise UserError(f"the manifest URI {uri} names a folder: give the manifest itself, s3://.../output.manifest")
    files = sorted(path for path in folder.glob("*") if path.is_file())
    if len(files) == 1:
        return files[0]
    found = ", ".join(path.name for path in files[:5]) or "nothing"
    raise UserError(f"{folder} should hold one manifest but holds {found}: say which with --manifest-uri")


def split_of(
    lines: Sequence[Line], shares: HashSplit, grouping: Grouping, *, stratify: bool
) -> Callable[[Line], Split]:
    """How a usable line's split is found: by the hash of its group, or balanced over all of them."""
    if not stratify:
        return lambda line: shares(grouping(line))
    parts = stratified(((grouping(line), line.record) for line in lines if line.record), shares)
    return lambda line: parts[grouping(line)]


def assign(lines: Sequence[Line], split: Callable[[Line], Split], *, keep_train_negatives: bool) -> Splits:
    """Usable lines by split. Negatives always stay in validation and test: a false alarm there must count."""
    assigned: Splits = {part: [] for part in Split}
    for line in lines:
        if line.record is None:
            continue
        part = split(line)
        if part is Split.TRAIN and not line.record.boxes and not keep_train_negatives:
            continue
        assigned[part].append(line)
    return assigned


def look(lines: Sequence[Line], assigned: Splits, checker: ImageChecker) -> tuple[list[Line], Splits]:
    """Both again, after lines whose image is not usable have become rejected and left their split."""
    looked_at = [line for part in Split for line in assigned[part]]
    changed = {line.number: judged(line, finding) for line, finding in checker.findings(looked_at)}
    refused = sum(line.record is None for line in changed.values())
    say(f"images: {len(looked_at)} looked at, {refused} kept out")
    now = {part: [changed[line.number] for line in assigned[part]] for part in Split}
    left = {part: [line for line in now[part] if line.record is not None] for part in Split}
    return [changed.get(line.number, line) for line in lines], left


def records(lines: Sequence[Line]) -> list[Record]:
    """The records of usable lines."""
    return [_record(line) for line in lines]


def _record(line: Line) -> Record:
    if line.record is None:
        raise ValueError(f"line {line.number} is in a split without a record")
    return line.record


def check_counts(counts: Mapping[Split, outputs.SplitCounts], mini_batch_size: int) -> None:
    """Fail here and not after an hour of training.

    Raises:
        UserError: a split without boxes, or a train split smaller than one batch.
    """
    total = sum(count.images for count in counts.values())
    for part, count in counts.items():
        if not count.boxes:
            held = f"only {count.negatives} images without boxes" if count.images else "no image"
            raise UserError(
                f"the {part.value} split got {held} of {total} usable images: label more images, give it a larger "
                "fraction, or change the split seed"
            )
    train = counts[Split.TRAIN].images
    if train < mini_batch_size:
        raise UserError(
            f"the train split holds {train} images, fewer than mini_batch_size {mini_batch_size}: "
            f"set mini_batch_size to {train} or less, or label more images"
        )


def report(classes: ClassList, kinds: Counter[Kind], tally: Tally) -> None:
    """The log's account of what was read."""
    parts = ", ".join(f"{kinds[kind]} {kind.value}" for kind in Kind)
    say(f"lines: {kinds.total()} read: {parts}")
    say(f"classes ({len(classes)}): {', '.join(classes) or 'none'}")
    for code, count in tally.by_code().items():
        say(f"{code}: {count}")
        for finding in tally.examples[Code(code)]:
            where = [f"line {finding.line}"] if finding.line else []
            where += [finding.source_ref] if finding.source_ref else []
            say(f"    {': '.join(filter(None, [', '.join(where), finding.message]))}")


def no_usable_line(name: str, path: Path, attribute: str, kinds: Counter[Kind], tally: Tally) -> str:
    """Why nothing can be trained on, with the likeliest remedy."""
    text = f"the manifest {name} holds no usable labelled line: {kinds.total()} lines read, {tally.in_words()}"
    with open_manifest(path) as stream:
        found = find_attributes(raw_lines(stream))
    if found.detection and attribute not in found.detection:
        text += f"; label attribute {attribute!r} is on no line, but these are: {', '.join(found.detection)}"
    return text
