"""Checking the images that labels name, before a job that a single bad image fails, as it does Batch Transform."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from itertools import islice
from typing import TypeAlias, TypeVar

import msgspec

from groundloop.images.access import MAX_THREADS, MEGABYTE, ImageFault, Images, UnusableImageError
from groundloop.images.decoding import image_problem
from groundloop.labels.findings import LabelCode, LabelFinding, Severity
from groundloop.labels.records import Line, LineStatus, Record

# Lines handed to the threads at a time: bounds what is in flight however long the manifest is.
_BATCH = 1024
_Result = TypeVar("_Result")
#: A fault of an image, and the message on it.
Problem: TypeAlias = tuple[ImageFault, str]


class ImageCheck(str, Enum):
    """How images are checked."""

    NONE = "none"
    EXISTS = "exists"
    DECODE = "decode"


class ImageChecker:
    """Checks images in parallel.

    Args:
        check: EXISTS asks for each image's size in bytes; DECODE also decodes the image.
        max_bytes: bigger images are findings: Batch Transform rejects them.
        images: where the images are kept.

    Raises:
        UserError: S3 cannot be asked at all (no credentials, no connection, a refused key).
    """

    def __init__(self, check: ImageCheck, max_bytes: int, images: Images) -> None:
        self._check = check
        self._max_bytes = max_bytes
        self._images = images

    def findings(self, lines: Iterable[Line]) -> Iterator[tuple[Line, LabelFinding | None]]:
        """Yield each line that has a record, in order, with what is wrong with its image (None: nothing)."""
        yield from in_parallel(self._finding, lines)

    def _finding(self, line: Line) -> LabelFinding | None:
        record = record_of(line)
        try:
            size = self._images.size(record.source_ref)
            problem = size_problem(size, self._max_bytes)
            if problem is None and self._check is ImageCheck.DECODE:
                problem = image_problem(self._images.body(record.source_ref), record.width, record.height)
        except UnusableImageError as error:
            problem = error.fault, str(error)
        return image_finding(line, problem)


def in_parallel(look: Callable[[Line], _Result], lines: Iterable[Line]) -> Iterator[tuple[Line, _Result]]:
    """Yield each line with what a look at its image gives, in order; several threads look."""
    remaining = iter(lines)
    with ThreadPoolExecutor(MAX_THREADS) as pool:
        while batch := list(islice(remaining, _BATCH)):
            yield from zip(batch, pool.map(look, batch), strict=True)


def record_of(line: Line) -> Record:
    """Return the record of a usable line.

    Raises:
        ValueError: the line has none.
    """
    if line.record is None:
        raise ValueError(f"line {line.number} has no record: only accepted lines have an image to check")
    return line.record


def size_problem(size: int, max_bytes: int) -> Problem | None:
    """Return what is wrong with the size of an encoded image, in bytes."""
    if size > max_bytes:
        return ImageFault.TOO_LARGE, (
            f"the image has {size / MEGABYTE:.1f} MB, over the {max_bytes / MEGABYTE:g} MB that Batch "
            "Transform is set to take: make it smaller or raise the payload limit (at most 100 MB)"
        )
    return (ImageFault.INVALID, "the image is empty (0 bytes): upload it again") if size == 0 else None


def image_finding(line: Line, problem: Problem | None) -> LabelFinding | None:
    """Return the finding on a line that its image's problem is; None without one."""
    if problem is None:
        return None
    return LabelFinding(LabelCode(problem[0].value), problem[1], line.number, record_of(line).source_ref)


def with_image_finding(line: Line, finding: LabelFinding | None) -> Line:
    """Add the finding on a line's image: an error rejects it, a warning is only reported."""
    if finding is None:
        return line
    warned = msgspec.structs.replace(line, findings=(*line.findings, finding))
    if finding.severity is Severity.WARNING:
        return warned
    return msgspec.structs.replace(warned, status=LineStatus.REJECTED, record=None)
