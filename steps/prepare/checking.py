"""The checks of the whole data set: its images, and whether there is enough to train and evaluate on."""

from __future__ import annotations

from argparse import Namespace
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping

from groundloop.errors import UserError
from groundloop.images.access import MEGABYTE, ImageFault, UnusableImageError
from groundloop.images.listing import ListedS3Images
from groundloop.images.s3 import S3Images
from groundloop.labels.attributes import find_attributes
from groundloop.labels.classes import ClassList, similar_names, unused_classes
from groundloop.labels.findings import LabelCode, LabelFinding, Tally
from groundloop.labels.image_check import ImageCheck
from groundloop.labels.manifest import open_manifest, raw_lines
from groundloop.labels.records import LineStatus
from groundloop.labels.split import Split
from groundloop.labels.training_requirements import missing_from_splits
from groundloop.suggestions import first_of
from steps.jobs import say
from steps.prepare.dataset import PreparedDataset, SplitCounts
from steps.prepare.image_checks import ChangedImageChecker, ImageChecks, decode_checks, write_checks
from steps.prepare.source_use import check_rejected

#: Objects that are listed at most for each image: listing takes a thousandth of the requests.
_LISTED_PER_IMAGE = 5


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
