"""Checking images in S3 with what earlier executions found: only those that changed since are read and decoded."""

from __future__ import annotations

import hashlib
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from groundloop.errors import UserError
from groundloop.images.access import ImageFault, ImageVersion, UnusableImageError, VersionedImages
from groundloop.images.decoding import image_problem
from groundloop.labels.findings import LabelFinding
from groundloop.labels.image_check import (
    ImageCheck,
    Problem,
    image_finding,
    in_parallel,
    record_of,
    size_problem,
)
from groundloop.labels.records import Line, Record

#: File name of the checks in their folder, in S3 too.
FILE = "checks.msgpack"
#: Part of every key: a decoder that finds other faults forgets what earlier ones found.
_DECODER = 1
#: Checks of images that a run doesn't use are kept, for other manifests, until there are this many times those it does.
_KEPT = 4


class _Stored(msgspec.Struct):
    """The content of the file: keys of images without a fault as sorted 8-byte numbers, and the faults of others."""

    passed: bytes = b""
    faults: dict[int, tuple[str, str]] = {}


@dataclass(frozen=True, slots=True)
class CheckedImage:
    """The result of checking one image.

    Attributes:
        finding: what is wrong with it; None: nothing.
        key: number that changes with the image's content and URI; 0 if it can't be read.
    """

    finding: LabelFinding | None
    key: int


class ImageChecks:
    """The checks of images by key: those of earlier executions, and new ones."""

    def __init__(self, content: bytes = b"") -> None:
        stored = msgspec.msgpack.decode(content, type=_Stored) if content else _Stored()
        self._passed = array("Q", stored.passed)
        self._faults: dict[int, Problem] = {
            key: (ImageFault(code), message) for key, (code, message) in stored.faults.items()
        }
        self._used: set[int] = set()
        self._new: dict[int, Problem | None] = {}

    def find(self, key: int) -> tuple[Problem | None] | None:
        """Return the stored result in a tuple of its own, since it may be None; None if there is none."""
        position = bisect_left(self._passed, key)
        found: tuple[Problem | None] | None = None
        if position < len(self._passed) and self._passed[position] == key:
            found = (None,)
        elif key in self._faults:
            found = (self._faults[key],)
        if found is not None:
            self._used.add(key)
        return found

    def add(self, key: int, problem: Problem | None) -> None:
        """Add a result."""
        self._new[key] = problem

    @property
    def added(self) -> int:
        """The number of images that were checked and not found."""
        return len(self._new)

    def encoded(self) -> bytes:
        """Return the content of the file for later executions."""
        keep = len(self._passed) + len(self._faults) <= _KEPT * (len(self._used) + len(self._new))
        passed = {key for key in self._passed if keep or key in self._used}
        faults = {key: problem for key, problem in self._faults.items() if keep or key in self._used}
        for key, problem in self._new.items():
            if problem is None:
                passed.add(key)
            else:
                faults[key] = problem
        stored = _Stored(
            array("Q", sorted(passed)).tobytes(),
            {key: (fault.value, message) for key, (fault, message) in faults.items()},
        )
        return msgspec.msgpack.encode(stored)


def decode_checks(content: bytes) -> ImageChecks:
    """Return the stored checks.

    Raises:
        UserError: the content is damaged.
    """
    try:
        return ImageChecks(content)
    except (msgspec.DecodeError, ValueError) as error:
        raise UserError(f"are damaged ({error})") from None


class ChangedImageChecker:
    """Checks images in parallel; an image with a stored check is not read again.

    Args:
        check: EXISTS asks for each image's size in bytes; DECODE also decodes the image.
        max_bytes: bigger images are findings: Batch Transform rejects them.
        images: where the images are kept.
        checks: of earlier executions; new ones are added.
    """

    def __init__(self, check: ImageCheck, max_bytes: int, images: VersionedImages, checks: ImageChecks) -> None:
        self._check, self._max_bytes, self._images, self._checks = check, max_bytes, images, checks

    def results(self, lines: Iterable[Line]) -> Iterator[CheckedImage]:
        """Yield the result for the image of each line, in order.

        Raises:
            UserError: S3 cannot be asked at all (no credentials, no connection, a refused key).
        """
        for _, result in in_parallel(self._result, lines):
            yield result

    def _result(self, line: Line) -> CheckedImage:
        record, key = record_of(line), 0
        try:
            version = self._images.version(record.source_ref)
            key = _key(record, version)
            problem = size_problem(version.size, self._max_bytes)
            if problem is None and self._check is ImageCheck.DECODE:
                problem = self._decoded(record, key)
        except UnusableImageError as error:
            problem = error.fault, str(error)
        return CheckedImage(image_finding(line, problem), key)

    def _decoded(self, record: Record, key: int) -> Problem | None:
        stored = self._checks.find(key)
        if stored is not None:
            return stored[0]
        problem = image_problem(self._images.body(record.source_ref), record.width, record.height)
        self._checks.add(key, problem)
        return problem


def _key(record: Record, version: ImageVersion) -> int:
    """Return a number that differs for other contents, and for labels of another image size."""
    parts = (record.source_ref, version.etag, version.size, record.width, record.height, _DECODER)
    digest = hashlib.blake2b("\0".join(map(str, parts)).encode("utf-8", "surrogatepass"), digest_size=8)
    return int.from_bytes(digest.digest(), "big")


def write_checks(checks: ImageChecks, folder: Path) -> None:
    """Write the checks into a folder, which is uploaded for later executions."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_bytes(checks.encoded())
