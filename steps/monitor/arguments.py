"""The arguments of the Monitor job."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

from groundloop.errors import UserError
from steps import jobs

#: Sides of a limit, as the arguments write them.
MINIMUM, MAXIMUM = "min_mean", "max_mean"
#: Larger numbers are milliseconds since 1970, smaller ones seconds.
_LARGEST_TIME = 1e11


def parse(argv: Sequence[str] | None) -> Namespace:
    """Parse the arguments; every path has SageMaker's own as its default."""
    parser = ArgumentParser(prog="monitor", description="Compare captured requests with the served version's baseline.")
    parser.add_argument("--region", required=True)
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--group", required=True, help="model package group of the served versions")
    parser.add_argument("--captures", help="S3 prefix of the requests; default: that of the endpoint's data capture")
    parser.add_argument("--hours", type=int, default=24, help="requests of so many hours back")
    parser.add_argument("--until", required=True, help="end of the window, ISO 8601")
    parser.add_argument("--max-images", type=int, default=1000)
    parser.add_argument("--min-images", type=int, default=50)
    parser.add_argument("--false-alarm", type=float, default=0.01)
    parser.add_argument("--limit", action="append", default=[], metavar="STATISTIC.min_mean=NUMBER")
    parser.add_argument("--fail-on-input", action="store_true", help="images alone that differ fail the execution too")
    parser.add_argument("--queue", type=int, default=100, help="images queued for review in a window, at most")
    parser.add_argument(
        "--mix", type=float, nargs=3, default=(0.6, 0.2, 0.2), metavar=("DOUBTFUL", "STRANGE", "RANDOM")
    )
    parser.add_argument("--namespace", help="of the CloudWatch metrics; none are written without one")
    parser.add_argument("--root", required=True, help="S3 prefix of the project")
    parser.add_argument("--retrain-at", type=int, help="new reviewed labels that start --pipeline")
    parser.add_argument("--pipeline", help="name of the training pipeline")
    parser.add_argument("--output", type=Path, default=Path("/opt/ml/processing/output"))
    jobs.add_message_file(parser)
    return parser.parse_args(argv)


def limits_by_statistic(texts: Sequence[str]) -> dict[str, dict[str, float]]:
    """Read the limits, by statistic and side.

    Raises:
        UserError: a text is no limit.

    Example:
        >>> limits_by_statistic(["boxes.min_mean=1.0"])
        {'boxes': {'min_mean': 1.0}}
    """
    limits: dict[str, dict[str, float]] = {}
    for text in texts:
        name, _, number = text.rpartition("=")
        statistic, _, side = name.rpartition(".")
        try:
            value = float(number)
        except ValueError:
            value = float("nan")
        if not statistic or side not in (MINIMUM, MAXIMUM) or value != value:
            raise UserError(f"--limit {text}: write it as STATISTIC.min_mean=NUMBER or STATISTIC.max_mean=NUMBER")
        limits.setdefault(statistic, {})[side] = value
    return limits


def parse_time(text: str) -> datetime:
    """Read a time as an execution variable gives it: ISO 8601, or seconds or milliseconds since 1970.

    Raises:
        UserError: it is no time.

    Example:
        >>> parse_time("2026-11-22T03:00:00.123Z").isoformat()
        '2026-11-22T03:00:00+00:00'
    """
    try:
        number = float(text)
    except ValueError:
        try:
            found = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
        except ValueError:
            raise UserError(f"--until {text}: not a time in ISO 8601") from None
    else:
        found = datetime.fromtimestamp(number / 1000 if number > _LARGEST_TIME else number, timezone.utc)
    return (found if found.tzinfo else found.replace(tzinfo=timezone.utc)).replace(microsecond=0)
