"""The images of captured requests, each once, with the detections that the endpoint answered."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from groundloop.detections.captures.requests import CaptureReader
from groundloop.detections.expected_mistakes import ImageDetections
from groundloop.errors import UserError
from groundloop.images.difference_hash import difference_hash
from groundloop.images.size import encoded_size
from groundloop.review.candidates import Candidate


@dataclass
class CapturedImages:
    """What a prefix of captured requests holds; the images themselves stay where they are.

    Attributes:
        by_name: by the name that is made from an image's content, the image with its newest detections.
        requests: how many requests were read.
        unanswered: requests whose response was not captured.
        notes: why others can't be used, the first of each kind.
    """

    by_name: dict[str, Candidate] = field(default_factory=dict)
    requests: int = 0
    unanswered: int = 0
    notes: list[str] = field(default_factory=list)
    _time: dict[str, datetime] = field(default_factory=dict)
    _hash: dict[str, int | None] = field(default_factory=dict)
    _file: dict[str, str] = field(default_factory=dict)

    def hash_of(self, name: str) -> int | None:
        """Return the difference hash of an image."""
        return self._hash[name]

    def store(self, reader: CaptureReader, names: Collection[str], folder: Path) -> None:
        """Write some of the images into a folder, those that are there already left out.

        Args:
            reader: of the same requests.
            names: of the images.
            folder: is made.

        Raises:
            UserError: an image is no longer among the requests.
        """
        folder.mkdir(parents=True, exist_ok=True)
        missing = {name for name in names if not (folder / name).is_file()}
        for request in reader.requests(sorted({self._file[name] for name in missing})):
            name = request.content_name
            if name in missing:
                partial = folder / f"{name}.partial"
                partial.write_bytes(request.image)
                partial.replace(folder / name)
                missing.discard(name)
        if missing:
            raise UserError(f"{len(missing)} captured images have gone while they were read: try again")


def captured_images(reader: CaptureReader, classes: Sequence[str]) -> CapturedImages:
    """Read captured requests.

    Args:
        reader: of the requests.
        classes: class list of the model that served, in id order.
    """
    found = CapturedImages()
    unusable: list[str] = []
    for request in reader.requests():
        found.requests += 1
        try:
            size = encoded_size(request.image)
            detections = request.detections(classes)
        except UserError as error:
            unusable.append(str(error))
            continue
        if detections is None:
            found.unanswered += 1
            continue
        name = request.content_name
        if name in found.by_name and request.time < found._time[name]:
            continue
        width, height = size.stored
        boxes = ImageDetections(tuple(detections.names), detections.confidence, detections.pixels(width, height))
        if name not in found.by_name:
            found._hash[name] = difference_hash(request.image)
        found.by_name[name] = Candidate(name, width, height, boxes)
        found._time[name] = request.time
        found._file[name] = request.file
    if unusable:
        found.notes.append(f"{len(unusable)} captured requests can't be used, first: {unusable[0]}")
    if found.unanswered:
        found.notes.append(f"{found.unanswered} captured requests have no response, so no detections")
    if reader.findings:
        found.notes.append(f"{len(reader.findings)} captured lines give no request, first: {reader.findings[0]}")
    return found
