"""The captured requests of one variant in a window of time, measured one after the other."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from groundloop.detections.captures.requests import CapturedRequest, CaptureFiles, CaptureFinding, CaptureReader
from groundloop.detections.drift.captured import CapturedWindow, finding_notes
from groundloop.detections.drift.window import Window
from groundloop.detections.expected_mistakes import ImageDetections
from groundloop.errors import UserError
from groundloop.images.difference_hash import difference_hash
from groundloop.images.size import encoded_size
from groundloop.review.candidates import Candidate
from groundloop.review.mixed_selection import Captured
from groundloop.spec.data_capture import CaptureSource


@dataclass
class MonitoredWindow(CapturedWindow):
    """What was captured of one variant.

    Attributes:
        captured: the images with answers that can be reviewed, by the name that is made from their content.
        findings: what in its files is no request.
    """

    captured: dict[str, Captured] = field(default_factory=dict)
    findings: Sequence[CaptureFinding] = ()
    _file: dict[str, str] = field(default_factory=dict)

    def notes(self) -> list[str]:
        """Say what of the requests could not be used, a sentence each."""
        return [*super().notes(), *finding_notes(self.findings)]

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
            name = request.content_name
            if name in missing:
                missing.discard(name)
                yield name, request
        if missing:
            raise UserError(f"{len(missing)} captured images have gone while they were read: run the pipeline again")

    def take(self, request: CapturedRequest, place: str) -> None:
        """Measure a request; its image may be reviewed if it has an answer and can be read.

        Args:
            request: of the variant.
            place: S3 prefix under which the image gets its URI.
        """
        measured = self.add(request)
        if measured is None:
            return
        detections, distance = measured
        if detections is None:
            return
        try:
            width, height = encoded_size(request.image).stored
        except UserError:
            return  # the window has a note of it
        boxes = ImageDetections(tuple(detections.names), detections.confidence, detections.pixels(width, height))
        name = request.content_name
        candidate = Candidate(f"{place}/{name}", width, height, boxes)
        self._file[name] = request.file
        self.captured[name] = Captured(candidate, distance.value, distance.reasons, difference_hash(request.image))


def read_window(
    files: CaptureFiles,
    window: Window,
    since: datetime,
    until: datetime,
    *,
    is_of_variant: Callable[[CaptureSource | None], bool],
    max_images: int,
    place: str,
) -> MonitoredWindow:
    """Read and measure the requests of a window, the newest files first.

    Args:
        files: of the variant.
        window: measures the images.
        since, until: the window's ends.
        is_of_variant: tells whether a request belongs to the variant, where it says what answered it.
        max_images: how many different images at most.
        place: S3 prefix under which the images get their URIs.
    """
    found = MonitoredWindow(None, window)
    reader = CaptureReader(files)
    for request in reader.requests(reversed(files.names())):
        if len(window) >= max_images:
            break
        if since <= request.time < until and is_of_variant(request.source):
            found.take(request, place)
    found.findings = reader.findings
    return found
