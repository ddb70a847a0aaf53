"""A manifest line, once read: an image and its boxes, classes by name."""

from __future__ import annotations

from enum import Enum

import msgspec

from groundloop.labels.findings import LabelFinding


class Box(msgspec.Struct, frozen=True):
    """One box in pixels: origin at the image's top-left corner, half-open (left + width may be the image's width)."""

    class_name: str
    left: float
    top: float
    width: float
    height: float


class Record(msgspec.Struct, frozen=True):
    """One labelled image.

    Attributes:
        source_ref: the image's S3 URI.
        width, height: image size in pixels, as the labelling tool saw it.
        boxes: may be empty: a human looked and found nothing (a negative).
        class_names: every valid name in the line's own class-map, used by a box or not.
        auto_labelled: by automated labelling, no person looked (`human-annotated` is `no`).
    """

    source_ref: str
    width: int
    height: int
    boxes: tuple[Box, ...]
    class_names: tuple[str, ...]
    auto_labelled: bool = False


class LineStatus(str, Enum):
    """The status of a line. Every line has exactly one, so the counts add up to the lines read."""

    LABELLED = "labelled"
    NEGATIVE = "negative"
    UNLABELLED = "unlabelled"
    FAILED = "failed"
    REJECTED = "rejected"
    BLANK = "blank"


class Line(msgspec.Struct, frozen=True):
    """One line of a manifest with its findings.

    Attributes:
        number: 1-based.
        raw: the line's bytes without line ending and byte order mark.
        record: present for labelled lines and negatives only.
    """

    number: int
    raw: bytes
    status: LineStatus
    record: Record | None = None
    findings: tuple[LabelFinding, ...] = ()


class TrainingLine(msgspec.Struct, frozen=True):
    """A line as the training algorithm reads it: an image and a label, without metadata.

    Attributes:
        number: from 1.
        source_ref: the image's S3 URI where the line has one, else "".
        boxes: their number; 0 where the line cannot be read.
        problem: why training cannot use the line; "" when it can.
    """

    number: int
    source_ref: str
    boxes: int
    problem: str = ""
