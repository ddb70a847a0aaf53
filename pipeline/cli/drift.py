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
            metavar="DIR|S3URI",
            help="Captured requests. Default: monitor.captures, or where the endpoint's data capture writes them.",
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
        typer.Option(min=1, help="Requests of so many hours back. Default: monitor.window_hours; all with --baseline."),
    ] = None,
    max_images: Annotated[
        int | None,
        typer.Option(min=1, help="Images of a variant at most, the newest ones. Default: monitor.max_images."),
    ] = None,
    min_images: Annotated[
        int | None, typer.Option(min=1, help="With fewer images nothing is decided. Default: monitor.min_images.")
    ] = None,
    false_alarm: Annotated[
        float | None,
        typer.Option(
            metavar="P",
            min=0.001,
            max=0.5,
            help="Probability of a false alarm, in images and in answers. Default: monitor.false_alarm.",
        ),
    ] = None,
    limit: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LIMIT",
            help="Limit of a mean besides the test, such as 'boxes >= 1' or 'brightness >= 60'; repeatable. Default: "
            "monitor.limits.",
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
    from pipeline.cli.options import load_with_origins
    from pipeline.drift import drift_of_endpoint, drift_of_files, parse_limit_texts, write_page

    if baseline is not None and captures is None:
        raise typer.BadParameter("give --captures, the place of the captured requests, with --baseline")
    if baseline is not None and endpoint is not None:
        raise typer.BadParameter("give --endpoint or --baseline: the endpoint's versions have baselines of their own")
    # With files on disk alone, nothing of the configuration has to be set.
    settings = load_with_origins(config, assignments, incomplete=baseline is not None).config
    monitor = settings.monitor
    test = DriftTest(
        false_alarm=monitor.false_alarm if false_alarm is None else false_alarm,
        min_images=min_images or monitor.min_images,
        limits=parse_limit_texts(limit) if limit else monitor.parsed_limits(),
    )
    until, images = datetime.now(timezone.utc), max_images or monitor.max_images
    if baseline is not None and captures is not None:
        since = None if hours is None else until - timedelta(hours=hours)
        results = drift_of_files(captures, baseline, settings.aws.region, test, since, until, images)
    else:
        since = until - timedelta(hours=hours or monitor.window_hours)
        name = endpoint or settings.deploy.endpoint.name
        results = drift_of_endpoint(settings, name, captures or monitor.captures, test, since, until, images)
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
    numbers = ("baseline", "window", "distance", "p")
    print_table(("statistic", *numbers), rows, right=numbers)
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
