"""What captured requests are: numbers by endpoint, variant and hour, without keeping an image."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from groundloop.detections.captures.requests import CapturedRequest, CaptureFinding, CaptureReader
from groundloop.errors import UserError
from groundloop.images.size import encoded_size
from groundloop.spec.data_capture import hour_of, source_of

_TYPES = {".jpg": "JPEG", ".png": "PNG"}
#: Stands among the types for images whose header Pillow can't read.
UNREADABLE = "unreadable"
#: Different sizes that are counted by themselves; a folder of crops has as many as images.
_MAX_SIZES = 20


@dataclass
class CaptureGroup:
    """The requests of one variant in one hour.

    Attributes:
        endpoint, variant: that answered; None where they are not known.
        hour: its start, in UTC; None for findings in files without a time.
        requests: requests with an image.
        responses: those with a response.
        types: number of images by JPEG, PNG and `unreadable`.
        sizes: number of images by width and height as stored, the first twenty different ones.
        image_bytes: of all images.
        findings: number of lines and outputs that give no request, by code.
    """

    endpoint: str | None
    variant: str | None
    hour: datetime | None
    requests: int = 0
    responses: int = 0
    types: Counter[str] = field(default_factory=Counter)
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    image_bytes: int = 0
    findings: Counter[str] = field(default_factory=Counter)

    def add(self, request: CapturedRequest) -> None:
        """Count a request."""
        self.requests += 1
        self.responses += request.output is not None
        self.image_bytes += len(request.image)
        try:
            size = encoded_size(request.image)
        except UserError:
            self.types[UNREADABLE] += 1
            return
        self.types[_TYPES[request.suffix]] += 1
        if size.stored in self.sizes or len(self.sizes) < _MAX_SIZES:
            self.sizes[size.stored] += 1

    def as_json(self) -> dict[str, Any]:
        """Return plain values for `--json`."""
        return {
            "endpoint": self.endpoint,
            "variant": self.variant,
            "hour": self.hour.isoformat() if self.hour else None,
            "requests": self.requests,
            "responses": self.responses,
            "types": dict(sorted(self.types.items())),
            "sizes": {f"{width}x{height}": number for (width, height), number in self.sizes.most_common()},
            "image_bytes": self.image_bytes,
            "findings": dict(sorted(self.findings.items())),
        }


def summarize(reader: CaptureReader, requests: Iterable[CapturedRequest]) -> list[CaptureGroup]:
    """Count captured requests by endpoint, variant and hour, in this order.

    Args:
        reader: of the requests; its findings are counted too.
        requests: those that are counted.
    """
    groups: dict[tuple[str | None, str | None, datetime | None], CaptureGroup] = {}

    def group(endpoint: str | None, variant: str | None, hour: datetime | None) -> CaptureGroup:
        key = (endpoint, variant or None, hour)
        return groups.setdefault(key, CaptureGroup(*key))

    for request in requests:
        time = hour_of(request.file) or request.time.astimezone(timezone.utc)
        endpoint, variant = request.source or (None, None)
        group(endpoint, variant, time.replace(minute=0, second=0, microsecond=0)).add(request)
    for finding in reader.findings:
        endpoint, variant = source_of(finding.file) or (None, None)
        group(endpoint, variant, hour_of(finding.file)).findings[finding.code.value] += 1
    earliest = datetime.min.replace(tzinfo=timezone.utc)
    return sorted(groups.values(), key=lambda one: (one.endpoint or "", one.variant or "", one.hour or earliest))


def findings_by_code(findings: Iterable[CaptureFinding]) -> dict[str, tuple[int, CaptureFinding]]:
    """Return, by code, how many findings there are and the first of them."""
    found: dict[str, tuple[int, CaptureFinding]] = {}
    for finding in findings:
        number, first = found.get(finding.code.value, (0, finding))
        found[finding.code.value] = (number + 1, first)
    return found
