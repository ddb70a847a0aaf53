"""The input of a labelling job: its manifest, its label categories, and the tasks that they give."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import msgspec

from groundloop.errors import UserError
from groundloop.images.access import Images, UnusableImageError
from groundloop.images.size import encoded_size
from groundloop.labels.attributes import METADATA, choose_attribute, find_attributes
from groundloop.labels.class_maps import check_class_count
from groundloop.labels.classes import ClassList
from groundloop.labels.manifest import ManifestReader
from groundloop.labels.records import LineStatus
from groundloop.review.queue import NewTask
from groundloop.review.shown_boxes import pixel_box
from groundloop.review.wire import Shown
from groundloop.spec.labeling_jobs import CATEGORIES_VERSION, MAX_LINE_CHARACTERS, MAX_OBJECTS

#: The server is in this process: more would only queue.
_THREADS = 4
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])


class JobInputError(Exception):
    """An input for which Ground Truth fails the job; the text says why."""


class _Label(msgspec.Struct):
    label: str


class _Categories(msgspec.Struct, rename={"version": "document-version", "audited": "auditLabelAttributeName"}):
    labels: list[_Label]
    version: str = ""
    audited: str | None = None


@dataclass(frozen=True, slots=True)
class Categories:
    """The label categories: names in the order of their class ids, and the attribute that an adjustment is about."""

    names: tuple[str, ...]
    audited: str | None


def read_categories(content: bytes) -> Categories:
    """Read a label category configuration file.

    Raises:
        JobInputError: it isn't one.
    """
    try:
        categories = msgspec.json.decode(content, type=_Categories)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise JobInputError(f"the label category configuration file can't be read: {error}") from None
    if categories.version != CATEGORIES_VERSION:
        raise JobInputError(
            f"the label category configuration file has the document-version {categories.version!r}, "
            f"not {CATEGORIES_VERSION!r}"
        )
    names = tuple(one.label for one in categories.labels)
    if not names or len(set(names)) != len(names) or not all(names):
        raise JobInputError("the label category configuration file needs labels, each with another name")
    try:
        check_class_count(names)
    except UserError as error:
        raise JobInputError(str(error)) from None
    return Categories(names, categories.audited)


def read_lines(content: bytes) -> list[bytes]:
    """Return the lines of an input manifest, without a blank one at the end.

    Raises:
        JobInputError: it has none, too many, or one that names no image.
    """
    lines = content.removeprefix(b"\xef\xbb\xbf").splitlines()
    if not lines or len(lines) > MAX_OBJECTS:
        raise JobInputError(f"the input manifest has {len(lines)} lines; 1 to {MAX_OBJECTS} are possible")
    for number, line in enumerate(lines, start=1):
        try:
            source = msgspec.json.decode(_FIELDS.decode(line).get("source-ref", msgspec.Raw(b"null")))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise JobInputError(f"line {number} of the input manifest is not a JSON object: {error}") from None
        if not isinstance(source, str) or not source.startswith("s3://"):
            raise JobInputError(f"line {number} of the input manifest has no source-ref that names an image in S3")
        if len(line) > MAX_LINE_CHARACTERS:
            raise JobInputError(f"line {number} of the input manifest is longer than {MAX_LINE_CHARACTERS} characters")
    return lines


def earlier_attribute(lines: Sequence[bytes], template: str | None, categories: Categories) -> str:
    """Return the label attribute that an adjustment is about: the template's, the categories', or the only one.

    Raises:
        JobInputError: nothing says which.
    """
    try:
        return template or categories.audited or choose_attribute(find_attributes(lines))
    except UserError as error:
        raise JobInputError(str(error)) from None


def classes_of(lines: Sequence[bytes], attribute: str) -> tuple[str, ...]:
    """Return the names of the classes that the labels of an attribute have, sorted.

    Raises:
        JobInputError: no line has a label with a class, or there are too many.
    """
    reader = ManifestReader(attribute)
    records = (reader.read_line(number, line).record for number, line in enumerate(lines, start=1))
    try:
        classes = ClassList.from_union(name for record in records if record for name in record.class_names)
    except UserError as error:
        raise JobInputError(str(error)) from None
    if not len(classes):
        raise JobInputError(f"no label under {attribute} has a class")
    return classes.names


@dataclass(frozen=True, slots=True)
class JobObject:
    """A line that needs a label: its task, or why it can't be labelled."""

    position: int
    task: NewTask | None
    problem: str = ""


def job_objects(
    lines: Sequence[bytes], attribute: str, earlier: str | None, classes: Sequence[str], images: Images
) -> Iterator[JobObject]:
    """Yield the lines of a manifest that have no label under the job's attribute yet.

    Args:
        lines: of the manifest.
        attribute: the job's label attribute.
        earlier: attribute with the labels to be adjusted; None where images are labelled from nothing.
        classes: names in the order of their ids.
        images: where they are.
    """
    wanted = [place for place, line in enumerate(lines) if not _is_labelled(line, attribute)]
    with ThreadPoolExecutor(_THREADS) as pool:
        yield from pool.map(lambda place: _job_object(place, lines[place], earlier, classes, images), wanted)


def _is_labelled(line: bytes, attribute: str) -> bool:
    return attribute in (fields := _FIELDS.decode(line)) and attribute + METADATA in fields


def _job_object(position: int, line: bytes, earlier: str | None, classes: Sequence[str], images: Images) -> JobObject:
    source_ref = msgspec.json.decode(_FIELDS.decode(line)["source-ref"], type=str)
    try:
        width, height = stored_size(images, source_ref)
    except (UnusableImageError, UserError) as error:
        return JobObject(position, None, str(error))
    if earlier is None:
        return JobObject(
            position, NewTask(source_ref=source_ref, width=width, height=height, line=line, key=str(position))
        )
    read = ManifestReader(earlier).read_line(position + 1, line)
    if read.record is None:
        what = "no label" if read.status is LineStatus.UNLABELLED else "no label that can be read"
        return JobObject(position, None, f"the line has {what} under {earlier}")
    ids = {name: number for number, name in enumerate(classes)}
    if unknown := sorted({box.class_name for box in read.record.boxes} - set(ids)):
        return JobObject(position, None, f"the label categories lack {unknown[0]!r}, which a label of {earlier} has")
    boxes = tuple(
        pixel_box(
            ids[box.class_name],
            (box.left, box.top, box.left + box.width, box.top + box.height),
            width,
            height,
            score=None,
        )
        for box in read.record.boxes
    )
    task = NewTask(
        source_ref=source_ref, width=width, height=height, shown=Shown.LABELS, boxes=boxes, line=line, key=str(position)
    )
    return JobObject(position, task)


def stored_size(images: Images, source_ref: str) -> tuple[int, int]:
    """Return width and height of an image as it is stored, whatever its EXIF orientation says.

    Raises:
        UnusableImageError: it can't be read.
        UserError: it is no image.
    """
    return encoded_size(images.body(source_ref)).stored
