"""`groundloop drift`: compare captured requests with what the model was evaluated on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.options import AsJson, Assignments, ConfigFiles
from pipeline.cli.output import print_json, print_line, print_table

if TYPE_CHECKING:
    from groundloop.detections.drift.comparison import GroupResult
    from pipeline.drift import VariantDrift

#: The exit code that says that drift was found, unlike 1, which says that nothing is known.
DRIFT_FOUND = 3


def drift(
    captures: Annotated[
        str | None,
        typer.Option(
            metavar="DIR|S3URI", help="Captured requests. Default: where the endpoint's data capture writes them."
        ),
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|S3URI",
            help="baseline.json of an evaluation, for --captures. Default: that of the version which each variant "
            "serves.",
        ),
    ] = None,
    endpoint: Annotated[str | None, typer.Option(help="Endpoint; default: deploy.endpoint.name.")] = None,
    hours: Annotated[
        int | None,
        typer.Option(min=1, help="Requests of so many hours back. Default: 24; all with --baseline."),
    ] = None,
    max_images: Annotated[int, typer.Option(min=1, help="Images of a variant at most, the newest ones.")] = 1000,
    min_images: Annotated[int, typer.Option(min=1, help="With fewer images nothing is decided.")] = 50,
    false_alarm: Annotated[
        float, typer.Option(metavar="P", help="Probability of a false alarm, in images and in answers.")
    ] = 0.01,
    limit: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LIMIT",
            help="Limit of a mean besides the test, such as 'boxes >= 1' or 'brightness >= 60'; repeatable.",
        ),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a page with charts and the most unusual images.")
    ] = None,
    as_json: AsJson = False,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Compare captured requests with the baseline.

    The baseline describes the images that the model was evaluated on, and its detections. Tests whether those of the
    requests still have the same distributions; no labels are needed, and accuracy is not estimated. With --captures and
    --baseline it works from files alone. `groundloop evaluate` and every evaluation of the pipeline write a
    baseline.json.

    The exit code is 0 if there is no drift, also when there are too few images to decide; 3 if images or answers have
    drifted, or a limit is missed; 1 after an error.

    Example: groundloop drift --captures captured/ --baseline evaluation/baseline.json --report drift.html
    """
    from datetime import datetime, timedelta, timezone

    from groundloop.detections.drift.comparison import DriftTest
    from pipeline.cli.options import load, region_of
    from pipeline.drift import drift_of_endpoint, drift_of_files, parse_limit_texts, write_page

    if baseline is not None and captures is None:
        raise typer.BadParameter("give --captures, the place of the captured requests, with --baseline")
    if baseline is not None and endpoint is not None:
        raise typer.BadParameter("give --endpoint or --baseline: the endpoint's versions have baselines of their own")
    test = DriftTest(false_alarm=false_alarm, min_images=min_images, limits=parse_limit_texts(limit or []))
    until = datetime.now(timezone.utc)
    if baseline is not None and captures is not None:
        since = None if hours is None else until - timedelta(hours=hours)
        # A configuration is not needed where nothing is in S3.
        in_s3 = any(place.startswith("s3://") for place in (captures, baseline))
        region = region_of(config, assignments) if in_s3 else None
        results = drift_of_files(captures, baseline, region, test, since, until, max_images)
    else:
        settings = load(config, assignments)
        since = until - timedelta(hours=hours or 24)
        name = endpoint or settings.deploy.endpoint.name
        results = drift_of_endpoint(settings, name, captures, test, since, until, max_images)
    if as_json:
        print_json({"drift": any(one.drift.found for one in results), "variants": [one.as_json() for one in results]})
    else:
        for result in results:
            _print(result)
    if report is not None:
        write_page(report, results)
        print_line(f"report: {report}", to_stderr=as_json)
    if any(result.drift.found for result in results):
        raise typer.Exit(DRIFT_FOUND)


def _print(result: VariantDrift) -> None:
    found = result.drift
    print_line(
        f"{result.title}: {len(found.window)} images, compared with {len(found.baseline.sample)} of {result.model}"
    )
    for note in result.notes:
        print_line(f"note: {note}")
    rows = [
        (
            one.statistic.name,
            _number(one.baseline_mean),
            _number(one.window_mean),
            _number(one.distance),
            _number(one.p_value),
        )
        for group in (found.answers, found.input)
        for one in group.statistics
    ]
    print_table(("statistic", "baseline", "window", "distance", "p"), rows)
    for group, name in ((found.answers, "answers"), (found.input, "images")):
        _print_verdict(name, group)
    for limit in found.limits:
        colour = None if limit.met is None else typer.colors.GREEN if limit.met else typer.colors.RED
        word = "not measured" if limit.met is None else "met" if limit.met else "missed"
        text = f"limit: mean of {limit.limit.statistic} {limit.limit}: {word}"
        print_line(f"{text} ({_number(limit.mean)})" if limit.mean is not None else text, colour, word=word)
    for image_format, images in found.new_formats.items():
        print_line(f"format: {images} images are {image_format}, none of the baseline is")


def _print_verdict(name: str, group: GroupResult) -> None:
    if group.p_value is None:
        print_line(f"{name}: {group.undecided}", typer.colors.YELLOW, word=f"{name}:")
    elif group.alarm:
        print_line(f"{name}: drift (p = {group.p_value:.3f})", typer.colors.RED, word="drift")
    else:
        print_line(f"{name}: no drift (p = {group.p_value:.3f})", typer.colors.GREEN, word="no drift")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"
