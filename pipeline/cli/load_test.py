"""`groundloop endpoint test`: valid answers, latency and throughput."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.options import AsJson, Assignments, ConfigFiles, load
from pipeline.cli.output import print_json, print_line, print_table, print_values

if TYPE_CHECKING:
    from groundloop.prediction.load_test import Level, LoadTest
    from pipeline.deployment import Endpoint

_MAX_CONCURRENCY = 200
_BILLING = {
    "real-time": "its instances are billed by the hour anyway",
    "serverless": "billed by the duration of each",
    "asynchronous": "its instances are billed by the hour; each answer is an object in S3",
}
_MEASURED = {
    "real-time": "from the request to its answer",
    "serverless": "from the request to its answer",
    "asynchronous": "from the upload of the image to the answer in S3, the time in the queue included",
}


def load_test(
    name: Annotated[str | None, typer.Argument(help="Endpoint; default: deploy.endpoint.name.")] = None,
    concurrency: Annotated[
        str, typer.Option(metavar="N,N", help="Requests under way at a time, one level after another.")
    ] = "1,4",
    requests: Annotated[int, typer.Option(min=1, max=10_000, metavar="N", help="Requests at each level.")] = 20,
    image: Annotated[Path | None, typer.Option(metavar="FILE", help="Image to send; default: a drawn one.")] = None,
    as_json: AsJson = False,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Test an endpoint's answers, latency and throughput.

    One request goes first, alone: a serverless endpoint that has been idle starts cold then. Each request is tried
    once, so that throttling shows. The exit code is 1 if an answer is invalid or a request fails.

    Example: groundloop endpoint test --concurrency 1,4,8 --requests 50
    """
    levels = _concurrency(concurrency)
    settings = load(config, assignments)
    from groundloop.errors import UserError
    from groundloop.models.packages import served_by
    from groundloop.prediction.endpoints import endpoint_client
    from groundloop.prediction.load_test import run_load_test
    from pipeline.deployment import describe_endpoint

    deployed = describe_endpoint(settings, name)
    if deployed is None:
        missing = name or settings.deploy.endpoint.name
        raise UserError(f"there is no endpoint {missing!r} in {settings.aws.region}: `groundloop deploy` creates it")
    package = served_by(settings.aws.region, deployed.name, settings.registry.group)
    content = _drawn() if image is None else _content(image)
    total = 1 + len(levels) * requests
    print_line(
        f"{total} requests of {len(content) / 1024:.0f} KiB go to {deployed.name}, {deployed.kind}: "
        f"{_BILLING[deployed.kind]}",
        to_stderr=as_json,
    )
    # Where predict puts its images, too: the endpoint's role can read them there.
    prefix = f"s3://{settings.aws.bucket}/{settings.aws.prefix}/predict"
    caller, _ = endpoint_client(
        settings.aws.region, deployed.name, package.classes, upload_prefix=prefix, workers=max(levels)
    )
    result = run_load_test(caller.detect, content, concurrency=levels, requests=requests)
    if as_json:
        print_json(_as_json(deployed, package.version, result))
    else:
        _print(deployed, package.version, result)
    if result.failed:
        raise UserError(_failure(result, total))


def _concurrency(text: str) -> list[int]:
    from groundloop.errors import UserError

    numbers = [int(part) if part.strip().isdecimal() else 0 for part in text.split(",")]
    if not all(1 <= number <= _MAX_CONCURRENCY for number in numbers):
        raise UserError(f"--concurrency {text!r}: numbers from 1 to {_MAX_CONCURRENCY} are needed, such as 1,4,8")
    return numbers


def _content(image: Path) -> bytes:
    from groundloop.errors import UserError

    try:
        return image.read_bytes()
    except OSError as error:
        raise UserError(f"{image}: can't be read: {error.strerror}") from None


def _drawn() -> bytes:
    import io
    import random

    from pipeline.demo.synthetic_images import draw_image

    content = io.BytesIO()
    draw_image(random.Random(1)).image.save(content, "JPEG")  # noqa: S311 - a picture, not a secret
    return content.getvalue()


def _failure(result: LoadTest, total: int) -> str:
    codes = {code for level in result.levels for code in level.errors}
    text = f"{result.failed} of {total} requests failed ({', '.join(sorted(codes))})"
    return f"{text}: {result.invalid}" if result.invalid else f"{text}; groundloop logs and CloudWatch say why"


def _as_json(endpoint: Endpoint, version: int, result: LoadTest) -> dict[str, Any]:
    from groundloop.prediction.load_test import milliseconds

    return {
        "endpoint": endpoint.name,
        "kind": endpoint.kind,
        "version": version,
        "measured": _MEASURED[endpoint.kind],
        "first_request_ms": milliseconds(result.first_seconds),
        "detections": result.detections,
        "levels": [level.as_json() for level in result.levels],
    }


def _print(endpoint: Endpoint, version: int, result: LoadTest) -> None:
    warm = result.levels[0].percentile(50)
    first = f"{result.first_seconds * 1000:.0f} ms"
    if endpoint.kind == "serverless" and warm is not None:
        more = max(0.0, result.first_seconds - warm) * 1000
        first += f", {more:.0f} ms more than later ones: the cold start, if it was idle"
    print_values(
        {
            "endpoint": f"{endpoint.name}, {endpoint.kind}, version {version}",
            "first answer": f"valid, {result.detections} detections",
            "first request": first,
            "latency": _MEASURED[endpoint.kind],
        }
    )
    print_line()
    print_table(
        ("concurrency", "requests", "p50 ms", "p90 ms", "p99 ms", "requests/s", "throttled", "failed"),
        [_row(level) for level in result.levels],
        right=("concurrency", "requests", "p50 ms", "p90 ms", "p99 ms", "requests/s", "throttled", "failed"),
    )


def _row(level: Level) -> tuple[object, ...]:
    from groundloop.prediction.load_test import PERCENTILES

    latencies = (level.percentile(percent) for percent in PERCENTILES)
    return (
        level.concurrency,
        level.requests,
        *("-" if latency is None else f"{latency * 1000:.1f}" for latency in latencies),
        f"{level.throughput:.1f}",
        level.throttled,
        level.failed,
    )
