"""Drift of captured requests, against a file or against what an endpoint serves, for `groundloop drift`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundloop.aws import client
from groundloop.detections.captures.files import capture_files
from groundloop.detections.captures.requests import CaptureFinding, CaptureReader
from groundloop.detections.drift.baseline import Baseline
from groundloop.detections.drift.captured import BaselineOf, CapturedWindow, finding_notes, read_windows
from groundloop.detections.drift.comparison import Drift, DriftTest, compare
from groundloop.detections.drift.limits import Limit, parse_limits
from groundloop.errors import UserError
from groundloop.report.drift_report import DriftSection, write_drift_report
from groundloop.s3 import SCHEME, read_bytes
from groundloop.spec.data_capture import source_of

if TYPE_CHECKING:
    from groundloop.spec.data_capture import CaptureSource
    from pipeline.config import Config
    from steps.monitor.served import MonitoredVariant

_LIMIT = re.compile(r"\s*(.+?)\s*(>=|<=)\s*(\S+)\s*")
_KEYS = {">=": "min_mean", "<=": "max_mean"}


@dataclass(frozen=True)
class VariantDrift:
    """The drift of one variant.

    Attributes:
        title: names the variant.
        model: what the baseline is of.
        captured: its requests.
        drift: the result.
        notes: what of the requests could not be used.
        details: where they are from.
    """

    title: str
    model: str
    captured: CapturedWindow
    drift: Drift
    notes: Sequence[str]
    details: Mapping[str, str]

    def as_json(self) -> dict[str, Any]:
        """Return the result for scripts."""
        source = self.captured.source
        return {
            "endpoint": source.endpoint if source else None,
            "variant": source.variant if source else None,
            "notes": list(self.notes),
            **self.drift.as_json(),
        }


def parse_limit_texts(texts: Sequence[str]) -> tuple[Limit, ...]:
    """Read limits as options have them.

    Raises:
        UserError: one can't be read; the text says what would be right.

    Example:
        >>> parse_limit_texts(["boxes >= 1", "boxes <= 20"])
        (Limit(statistic='boxes', min_mean=1.0, max_mean=20.0),)
    """
    given: dict[str, dict[str, float]] = {}
    for text in texts:
        found = _LIMIT.fullmatch(text)
        try:
            number = float(found[3]) if found else float("nan")
        except ValueError:
            number = float("nan")
        if found is None or number != number:
            raise UserError(f"--limit {text!r}: write a statistic, >= or <=, and a number, such as 'boxes >= 1'")
        given.setdefault(found[1], {})[_KEYS[found[2]]] = number
    return parse_limits(given, "--limit")


def drift_of_files(
    captures: str,
    baseline: str,
    region: str | None,
    test: DriftTest,
    since: datetime | None,
    until: datetime,
    max_images: int,
) -> list[VariantDrift]:
    """Compare the requests at a place with one baseline, each variant on its own.

    Args:
        captures: folder or S3 URI.
        baseline: file or S3 URI.
        region: AWS region of S3 URIs.
        test: how.
        since, until: only requests that came from the one and before the other.
        max_images: of a variant at most.

    Raises:
        UserError: a place doesn't exist, the baseline is damaged, or there is no request.
    """
    reference = read_baseline(baseline, region)
    results, findings = _read(captures, region, lambda _: reference, test, since, until, max_images, model=baseline)
    _check_comparable(results, findings, captures, since)
    return results


def drift_of_endpoint(
    settings: Config,
    endpoint: str,
    captures: str | None,
    test: DriftTest,
    since: datetime,
    until: datetime,
    max_images: int,
) -> list[VariantDrift]:
    """Compare what an endpoint's variants answered, each with the baseline of the version that it serves.

    Args:
        settings: the configuration.
        endpoint: its name.
        captures: where its requests are; None: where its data capture writes.
        test: how.
        since, until: only requests that came from the one and before the other, and since it serves these versions.
        max_images: of a variant at most.

    Raises:
        UserError: there is no such endpoint, it captures nothing, a version has no baseline, or there is no request.
    """
    from steps.monitor.served import served

    region = settings.aws.region
    found = served(region, endpoint, settings.registry.group, captures)
    since = found.window_start(since)
    results: list[VariantDrift] = []
    findings: list[CaptureFinding] = []
    for variant in found.variants:

        def baseline_of(source: CaptureSource | None, variant: MonitoredVariant = variant) -> Baseline | None:
            return variant.baseline if variant.answered(source) else None

        model = f"version {variant.package.version}"
        of_variant = _read(variant.captures, region, baseline_of, test, since, until, max_images, model=model)
        results += of_variant[0]
        findings += of_variant[1]
    _check_comparable(results, findings, captures or found.variants[0].captures, since)
    return results


def read_baseline(place: str, region: str | None) -> Baseline:
    """Read a baseline from a file or S3.

    Raises:
        UserError: it doesn't exist, or is damaged.
    """
    if place.startswith(SCHEME):
        return Baseline.read(read_bytes(client("s3", region), place), place)
    try:
        body = Path(place).read_bytes()
    except OSError as error:
        raise UserError(f"{place} can't be read ({error.strerror}): give the baseline.json of an evaluation") from None
    return Baseline.read(body, place)


def write_page(path: Path, results: Sequence[VariantDrift]) -> None:
    """Write the report of all variants.

    Raises:
        UserError: it can't be written.
    """
    sections = [
        DriftSection(one.title, one.drift, one.captured.window.strangest, one.notes, one.details) for one in results
    ]
    try:
        write_drift_report(path, sections)
    except OSError as error:
        raise UserError(f"--report {path}: can't be written: {error.strerror}") from None


def _read(
    captures: str,
    region: str | None,
    baseline_of: BaselineOf,
    test: DriftTest,
    since: datetime | None,
    until: datetime,
    max_images: int,
    *,
    model: str,
) -> tuple[list[VariantDrift], list[CaptureFinding]]:
    """Return the drift of each variant with requests, and what at the place is no request."""
    files = capture_files(captures, region, since, until)
    reader = CaptureReader(files)
    windows = read_windows(reader, files, baseline_of, since=since, until=until, max_images=max_images)
    results = []
    for captured in windows:
        own = [found for found in reader.findings if source_of(found.file) in (None, captured.source)]
        results.append(_compared(captured, test, finding_notes(own), captures, since, until, model))
    return results, reader.findings


def _compared(
    captured: CapturedWindow,
    test: DriftTest,
    notes: Sequence[str],
    captures: str,
    since: datetime | None,
    until: datetime,
    model: str,
) -> VariantDrift:
    source = captured.source
    return VariantDrift(
        title=f"endpoint {source.endpoint}, variant {source.variant}" if source else "captured requests",
        model=model,
        captured=captured,
        drift=compare(captured.window.baseline, captured.window.sample, test),
        notes=[*captured.notes(), *notes],
        details={
            "captured requests": captures,
            "baseline": model,
            "window": f"{_text(since)} to {_text(until)}" if since else f"until {_text(until)}",
        },
    )


def _check_comparable(
    results: Sequence[VariantDrift], findings: Sequence[CaptureFinding], captures: str, since: datetime | None
) -> None:
    """Check that at least one request can be compared; a variant without one has a note.

    Raises:
        UserError: there is none; the message says what there is instead.
    """
    if any(len(one.captured.window) for one in results):
        return
    if results:
        raise UserError(f"no captured request can be compared, first: {results[0].captured.unusable[0]}")
    if findings:
        raise UserError(f"{captures}: {finding_notes(findings)[0]}")
    within = f" since {_text(since)}" if since else ""
    raise UserError(
        f"{captures} holds no captured request{within}: give the endpoint's folder below DestinationS3Uri, or more "
        "--hours; a request is written minutes after it came"
    )


def _text(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M} UTC"
