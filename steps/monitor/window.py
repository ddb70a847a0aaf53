"""The captured requests of one variant in a window of time, measured one after the other."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from groundloop.detections.captures.requests import CapturedRequest, CaptureFiles, CaptureReader
from groundloop.detections.drift.window import Window
from groundloop.detections.expected_mistakes import ImageDetections
from groundloop.detections.predictions import Detections
from groundloop.errors import UserError
from groundloop.images.difference_hash import difference_hash
from groundloop.images.size import encoded_size
from groundloop.review.candidates import Candidate
from groundloop.review.mixed_selection import Captured
from groundloop.spec.data_capture import CaptureSource


@dataclass
class CapturedWindow:
    """What was captured of one variant.

    Attributes:
        window: the measured images.
        captured: the images with answers, by the name that is made from their content.
        requests: how many requests were looked at, also of the same image.
        notes: what can't be used, a sentence each.
    """

    window: Window
    captured: dict[str, Captured] = field(default_factory=dict)
    requests: int = 0
    notes: list[str] = field(default_factory=list)
    _file: dict[str, str] = field(default_factory=dict)

    def images(self, files: CaptureFiles, names: Collection[str]) -> Iterator[tuple[str, CapturedRequest]]:
        """Yield some of the images with their names, one in memory at a time.

        Args:
            files: of the same requests.
            names: of the images.

        Raises:
            UserError: an image is no longer there.
        """
        missing = set(names)
        for request in CaptureReader(files).requests(sorted({self._file[name] for name in missing})):
            name = content_name(request)
            if name in missing:
                missing.discard(name)
                yield name, request
        if missing:
            raise UserError(f"{len(missing)} captured images have gone while they were read: run the pipeline again")


def read_window(
    files: CaptureFiles,
    window: Window,
    since: datetime,
    until: datetime,
    *,
    is_of_variant: Callable[[CaptureSource | None], bool],
    max_images: int,
    place: str,
) -> CapturedWindow:
    """Read and measure the requests of a window, the newest files first.

    An image that was sent several times counts once: repeated requests are no independent observations.

    Args:
        files: of the variant.
        window: measures the images.
        since, until: the window's ends.
        is_of_variant: tells whether a request belongs to the variant, where it says what answered it.
        max_images: how many different images at most.
        place: S3 prefix under which the images get their URIs.
    """
    found = CapturedWindow(window)
    reader = CaptureReader(files)
    classes = window.baseline.classes
    unusable: list[str] = []
    unanswered = 0
    seen: set[str] = set()
    for request in reader.requests(reversed(files.names())):
        if len(seen) >= max_images:
            break
        if not (since <= request.time < until and is_of_variant(request.source)):
            continue
        found.requests += 1
        name = content_name(request)
        if name in seen:
            continue
        try:
            size = encoded_size(request.image)
            detections = request.detections(classes)
        except UserError as error:
            unusable.append(str(error))
            continue
        seen.add(name)
        distance = window.add(request.place, request.image, detections)
        if detections is None:
            unanswered += 1
            continue
        # Boxes are on the pixels as they are stored, whatever the EXIF orientation says.
        width, height = (size.height, size.width) if size.rotated else (size.width, size.height)
        candidate = Candidate(f"{place}/{name}", width, height, _image_detections(detections, width, height))
        found._file[name] = request.file
        found.captured[name] = Captured(candidate, distance.value, distance.reasons, difference_hash(request.image))
    found.notes += _notes(reader, unusable, unanswered, window)
    return found


def content_name(request: CapturedRequest) -> str:
    """Return a file name made from an image's content: the same image is one file, whenever it was sent."""
    return f"{hashlib.sha256(request.image).hexdigest()}{request.suffix}"


def _image_detections(detections: Detections, width: int, height: int) -> ImageDetections:
    return ImageDetections(tuple(detections.names), detections.confidence, detections.pixels(width, height))


def _notes(reader: CaptureReader, unusable: list[str], unanswered: int, window: Window) -> Iterator[str]:
    if unusable:
        yield f"{len(unusable)} captured requests can't be used, first: {unusable[0]}"
    if unanswered:
        yield f"{unanswered} images have no captured response: only the images themselves are compared"
    if window.unreadable:
        name, why = next(iter(window.unreadable.items()))
        yield f"{len(window.unreadable)} images can't be decoded, first: {name}: {why}"
    if reader.findings:
        yield f"{len(reader.findings)} captured lines give no request, first: {reader.findings[0]}"
