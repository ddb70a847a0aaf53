"""Windows of captured requests, one for each variant, read in one pass with one request in memory at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from groundloop.detections.captures.requests import CapturedRequest, CaptureFiles, CaptureFinding, CaptureReader
from groundloop.detections.drift.baseline import Baseline
from groundloop.detections.drift.sample import MAX_IMAGES
from groundloop.detections.drift.window import Distance, Window
from groundloop.detections.predictions import Detections
from groundloop.errors import UserError
from groundloop.spec.data_capture import CaptureSource, source_of
from groundloop.wording import quantity

#: Returns the baseline of what answered a request; None leaves the request out.
BaselineOf = Callable[["CaptureSource | None"], "Baseline | None"]


@dataclass
class CapturedWindow:
    """The requests of one variant.

    Attributes:
        source: endpoint and variant; None where they are not known.
        window: their statistics.
        requests: how many were looked at, repeated and unusable ones too.
        repeated: requests of an image that the window has already.
        unanswered: images without a captured response.
        unusable: why the response of a request can't be used, a sentence each.
    """

    source: CaptureSource | None
    window: Window
    requests: int = 0
    repeated: int = 0
    unanswered: int = 0
    unusable: list[str] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)

    def add(self, request: CapturedRequest) -> tuple[Detections | None, Distance] | None:
        """Measure a request; an image that was sent several times counts once, since it says nothing new.

        Returns:
            The detections, if they were captured, and how unlike the baseline's images the image is; None for a
            request that does not count.
        """
        self.requests += 1
        name = request.content_name
        if name in self._seen:
            self.repeated += 1
            return None
        try:
            detections = request.detections(self.window.baseline.classes)
        except UserError as error:
            self.unusable.append(str(error))
            return None
        self._seen.add(name)
        self.unanswered += detections is None
        return detections, self.window.add(request.place, request.image, detections)

    def notes(self) -> list[str]:
        """Say what of the requests could not be used, a sentence each."""
        found = []
        if self.unusable:
            found.append(f"{quantity(len(self.unusable), 'request')} can't be used, first: {self.unusable[0]}")
        if self.repeated:
            repeated = quantity(self.repeated, "request repeats", "requests repeat")
            found.append(f"{repeated} an image: each image counts once")
        if self.unanswered:
            unanswered = quantity(self.unanswered, "image has", "images have")
            found.append(f"{unanswered} no captured response: only the images themselves are compared")
        if self.window.unreadable:
            name, why = next(iter(self.window.unreadable.items()))
            found.append(f"{quantity(len(self.window.unreadable), 'image')} can't be read, first: {name}: {why}")
        return found


def finding_notes(findings: Sequence[CaptureFinding]) -> list[str]:
    """Say how many lines and outputs give no request; nothing where all do."""
    if not findings:
        return []
    return [f"{quantity(len(findings), 'captured line gives', 'captured lines give')} no request, first: {findings[0]}"]


def read_windows(
    reader: CaptureReader,
    files: CaptureFiles,
    baseline_of: BaselineOf,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    max_images: int = MAX_IMAGES,
) -> list[CapturedWindow]:
    """Read the newest requests of each variant.

    Args:
        reader: of the files; it keeps findings of what is no request.
        files: where the requests are.
        baseline_of: the baseline of each variant's own model.
        since, until: only requests that came from the one and before the other.
        max_images: of a variant at most, the newest files first.

    Returns:
        A window for each variant with requests, by endpoint and variant.
    """
    windows: dict[CaptureSource | None, CapturedWindow] = {}

    def is_full(source: CaptureSource | None) -> bool:
        return source in windows and len(windows[source].window) >= max_images

    for name in reversed(files.names()):
        of_folders = source_of(name)
        if of_folders is not None and is_full(of_folders):
            continue
        for request in reader.requests([name]):
            if (since and request.time < since) or (until and request.time >= until) or is_full(request.source):
                continue
            if request.source not in windows:
                baseline = baseline_of(request.source)
                if baseline is None:
                    continue
                windows[request.source] = CapturedWindow(request.source, Window(baseline))
            windows[request.source].add(request)
    return sorted(windows.values(), key=lambda one: one.source or ("", ""))
