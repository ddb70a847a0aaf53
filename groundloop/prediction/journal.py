"""Results as JSON Lines: one line for each image that is done, so that an interrupted run goes on where it stopped."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType

import msgspec
import numpy as np

from groundloop.detections.predictions import Detections
from groundloop.errors import UserError


class DetectedObject(msgspec.Struct, frozen=True):
    """A detection: class, score, and xmin, ymin, xmax, ymax in pixels of the image as it is stored."""

    class_name: str = msgspec.field(name="class")
    score: float
    box: tuple[float, float, float, float]


class ImageResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """The detections on one image: a line of a results file.

    Attributes:
        image: path or S3 URI.
        width, height: of the image as it is stored, in pixels.
        model: what detected.
        thresholds: minimum score by class; the names are the class list, in id order.
        detections: those at or over the thresholds.
        orientation: of the image's EXIF; 1 is left out.
    """

    image: str
    width: int
    height: int
    model: str
    thresholds: dict[str, float]
    detections: tuple[DetectedObject, ...] = msgspec.field(default_factory=tuple)
    orientation: int = 1

    @classmethod
    def of(
        cls, image: str, detections: Detections, model: str, thresholds: dict[str, float], orientation: int = 1
    ) -> ImageResult:
        """Return the result of an image whose size the detections know."""
        width, height = detections.image_size or (0, 0)
        rows = zip(detections.names, detections.confidence.tolist(), detections.xyxy.tolist(), strict=True)
        objects = tuple(DetectedObject(name, score, tuple(box)) for name, score, box in rows)
        return cls(image, width, height, model, thresholds, objects, orientation)

    def as_detections(self) -> Detections:
        """Return the detections as arrays."""
        classes = tuple(self.thresholds)
        ids = {name: number for number, name in enumerate(classes)}
        size = np.array([self.width, self.height] * 2, dtype=np.float64)
        return Detections(
            classes,
            np.array([ids[one.class_name] for one in self.detections], dtype=np.int64),
            np.array([one.score for one in self.detections], dtype=np.float64),
            np.array([one.box for one in self.detections], dtype=np.float64).reshape(-1, 4) / size,
            (self.width, self.height),
        )


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(ImageResult)


def read_results(path: Path) -> list[ImageResult]:
    """Read a results file.

    Raises:
        UserError: the file can't be read, or a line is not a result.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: can't be read: {error.strerror}") from None
    return list(_results(content.splitlines(), path))


def is_results_file(path: Path) -> bool:
    """Tell whether a file's first line is a result."""
    try:
        with path.open("rb") as stream:
            _DECODER.decode(stream.readline(2**24))
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return False
    return True


def _results(lines: Iterable[bytes], path: Path) -> Iterator[ImageResult]:
    for number, line in enumerate(lines, start=1):
        try:
            result = _DECODER.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise UserError(f"{path}, line {number}: not a result of groundloop predict: {error}") from None
        unknown = [one.class_name for one in result.detections if one.class_name not in result.thresholds]
        if unknown or result.width < 1 or result.height < 1:
            why = f"class {unknown[0]!r} has no threshold" if unknown else "the image has no size"
            raise UserError(f"{path}, line {number}: not a result of groundloop predict: {why}")
        yield result


class Journal:
    """A results file that is open for appending; one process at a time.

    A last line that was cut off by a crash is dropped: its image is predicted again.

    Args:
        path: the file; created if it is missing.
        model: what detects.
        thresholds: minimum score by class.

    Attributes:
        done: the results that the file has, by image.

    Raises:
        UserError: the file is another process's, not a results file, or has results of another model or thresholds.
    """

    def __init__(self, path: Path, model: str, thresholds: dict[str, float]) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._stream = path.open("ab+", buffering=0)
        except OSError as error:
            raise UserError(f"{path}: can't be written: {error.strerror}") from None
        try:
            fcntl.flock(self._stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.done = self._read(model, thresholds)
        except BlockingIOError:
            self._stream.close()
            raise UserError(f"{path}: another groundloop predict is writing it: wait, or choose another file") from None
        except BaseException:
            self._stream.close()
            raise

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.fsync(self._stream.fileno())
        self._stream.close()

    def add(self, result: ImageResult) -> None:
        """Append a result with a single write, so that a killed process leaves whole lines."""
        line = _ENCODER.encode(result) + b"\n"
        while line:
            line = line[self._stream.write(line) :]
        self.done[result.image] = result

    def _read(self, model: str, thresholds: dict[str, float]) -> dict[str, ImageResult]:
        self._stream.seek(0)
        content = self._stream.read()
        whole = content.rfind(b"\n") + 1
        if whole < len(content) and whole == 0 and not content.startswith(b'{"image":'):
            raise UserError(f"{self.path} exists and is not a results file: choose another name with --output")
        done = {result.image: result for result in _results(content[:whole].splitlines(), self.path)}
        for result in done.values():
            if (result.model, result.thresholds) != (model, thresholds):
                other = "another model" if result.model != model else "other thresholds"
                raise UserError(
                    f"{self.path} has results of {other} ({result.model}): choose another file with --output, "
                    "or remove it"
                )
        if whole < len(content):
            self._stream.truncate(whole)
        return done
