"""`groundloop captures list`: captured requests by endpoint, variant and hour."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.cli.captures.selection import Captured, CaptureSelection, Hours, InputImages, Variant
from pipeline.cli.options import AsJson, Assignments, ConfigFiles
from pipeline.cli.output import print_json, print_line, print_table
from pipeline.cli.predicting import EndpointName
from pipeline.cli.review.settings import ReviewConfig

if TYPE_CHECKING:
    from groundloop.detections.captures.requests import CaptureReader
    from groundloop.detections.captures.summary import CaptureGroup

_MEGABYTE = 1_000_000
_SHOWN_SIZES = 2


def list_captures(
    captured: Captured = None,
    endpoint: EndpointName = None,
    hours: Hours = None,
    variant: Variant = None,
    images: InputImages = None,
    as_json: AsJson = False,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """List captured requests by endpoint, variant and hour.

    Shows how many have a response, types and sizes of the images, and the lines that give no request. Reads what an
    endpoint's data capture and `predict --capture` wrote, notifications of an asynchronous endpoint, and outputs of
    Batch Transform.

    Example: groundloop captures list --hours 24
    """
    from groundloop.detections.captures.requests import CaptureReader
    from groundloop.detections.captures.summary import summarize

    selection = CaptureSelection(ReviewConfig(config, assignments), captured, endpoint, images, hours, variant)
    reader = CaptureReader(selection.files())
    groups = summarize(reader, selection.requests(reader))
    if as_json:
        print_json({"place": selection.place, "groups": [group.as_json() for group in groups]})
        return
    if not groups:
        print_line(selection.why_empty())
        return
    print_table(
        ("endpoint", "variant", "hour (UTC)", "requests", "responses", "types", "sizes", "MB", "findings"),
        [_row(group) for group in groups],
        right=("requests", "responses", "MB", "findings"),
    )
    print_findings(reader)


def print_findings(reader: CaptureReader) -> None:
    """Print how many lines and outputs give no request, and the first of each kind."""
    from groundloop.detections.captures.summary import findings_by_code

    for code, (number, first) in findings_by_code(reader.findings).items():
        print_line(f"note: {number} x {code}, first: {first}")


def _row(group: CaptureGroup) -> tuple[object, ...]:
    sizes = [f"{width}x{height}" for (width, height), _ in group.sizes.most_common(_SHOWN_SIZES)]
    more = len(group.sizes) - len(sizes)
    return (
        group.endpoint or "-",
        group.variant or "-",
        f"{group.hour:%Y-%m-%d %H:00}" if group.hour else "-",
        group.requests,
        group.responses,
        ", ".join(f"{number} {kind}" for kind, number in sorted(group.types.items())) or "-",
        ", ".join([*sizes, *([f"{more} more"] if more else [])]) or "-",
        f"{group.image_bytes / _MEGABYTE:.1f}",
        group.findings.total(),
    )
