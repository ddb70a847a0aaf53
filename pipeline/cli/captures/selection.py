"""Which captured requests a command reads: options, and the reader that they describe."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import cached_property
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.review.settings import ReviewConfig

if TYPE_CHECKING:
    from groundloop.detections.captures.requests import CapturedRequest, CaptureFiles, CaptureReader
    from pipeline.captures import CapturePlace

Captured = Annotated[
    str | None,
    typer.Option(
        "--captured",
        help="Folder or S3 prefix with captured requests or transform outputs; default: the endpoint's capture prefix.",
        metavar="DIR|s3://...",
    ),
]
InputImages = Annotated[
    str | None,
    typer.Option(
        "--images",
        help="Folder or S3 prefix with the images of transform outputs; default: those that the job itself names.",
        metavar="DIR|s3://...",
    ),
]
Hours = Annotated[int | None, typer.Option("--hours", min=1, help="Only requests of the last so many hours.")]
Variant = Annotated[str | None, typer.Option("--variant", help="Only requests that this variant answered.")]


@dataclass
class CaptureSelection:
    """Captured requests, as the options of a command name them."""

    settings: ReviewConfig
    captured: str | None
    endpoint: str | None
    images: str | None
    hours: int | None
    variant: str | None

    @cached_property
    def default_place(self) -> CapturePlace | None:
        """The endpoint's own prefix; None where another place is named."""
        from pipeline.captures import capture_place

        return None if self.captured else capture_place(self.settings(), self.endpoint)

    @property
    def place(self) -> str:
        """Folder or S3 prefix."""
        return self.captured or (self.default_place.uri if self.default_place else "")

    @cached_property
    def since(self) -> datetime | None:
        """Time of the earliest request that is read."""
        return None if self.hours is None else datetime.now(timezone.utc) - timedelta(hours=self.hours)

    def files(self, *, all_hours: bool = False) -> CaptureFiles:
        """Return the files of the requests."""
        from groundloop.detections.captures.files import capture_files

        in_s3 = any(one and one.startswith("s3://") for one in (self.place, self.images))
        region = self.settings().aws.region if in_s3 else None
        return capture_files(self.place, region, None if all_hours else self.since, images=self.images)

    def requests(self, reader: CaptureReader) -> Iterator[CapturedRequest]:
        """Yield the requests, one in memory at a time."""
        for request in reader.requests():
            if self.since is not None and request.time < self.since:
                continue
            if self.variant is None or (request.source is not None and request.source.variant == self.variant):
                yield request

    def why_empty(self) -> str:
        """Return why there is no request, with the remedy."""
        from groundloop.spec.data_capture import hour_of

        if self.hours is not None and (names := self.files(all_hours=True).names()):
            hours = [hour for name in names if (hour := hour_of(name)) is not None]
            newest = f"; the newest are of {max(hours):%Y-%m-%d %H:00} UTC" if hours else ""
            return f"{self.place} holds no request of the last {self.hours} hours{newest}"
        if self.variant is not None:
            return f"{self.place} holds no request that variant {self.variant!r} answered"
        if self.default_place is None:
            return (
                f"{self.place} holds no captured requests: give the folder of their .jsonl files, or of a transform "
                "job's .out files"
            )
        late = "a request is written minutes after it came"
        return f"{self.place} holds no captured requests: {self.default_place.problem or late}"
