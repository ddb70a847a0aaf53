"""The files that Prepare and Evaluate leave in S3, checked when they are read: summary.json and evaluation.json."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from groundloop.errors import UserError
from groundloop.s3 import read_json

_Ratio = float | None


class _Summary(msgspec.Struct):
    classes: list[str]


class _ClassThresholds(msgspec.Struct):
    threshold: float
    class_thresholds: dict[str, float] = {}  # evaluations of earlier releases have none


class _Rates(msgspec.Struct):
    precision: _Ratio
    recall: _Ratio


class _ClassScores(_Rates):
    boxes: int
    ap_50: _Ratio


class _Count(msgspec.Struct):
    mae: _Ratio


class _Images(msgspec.Struct):
    test: int


class _Intervals(msgspec.Struct):
    level: float
    metrics: dict[str, tuple[float, float]]


class _Requirement(msgspec.Struct):
    metric: str
    threshold: float
    met: bool
    against: msgspec.Raw | Any = None


class _Gate(msgspec.Struct):
    message: str
    thresholds_missed: int | bool = 0
    requirements: list[_Requirement] = []


class _Metrics(_ClassThresholds, kw_only=True):
    map: _Ratio
    map_50: _Ratio
    voc_map: _Ratio
    threshold_rule: str
    at_threshold: _Rates
    count: _Count
    images: _Images
    per_class: dict[str, _ClassScores]
    intervals: _Intervals
    gate: _Gate


Shape = TypeVar("Shape", bound=msgspec.Struct)


def read_summary(s3: Any, uri: str) -> dict[str, Any]:
    """Read a summary.json.

    Args:
        s3: a boto3 S3 client.
        uri: its S3 URI.

    Raises:
        UserError: the file does not exist, or lists no classes.
    """
    return _checked(read_json(s3, uri), _Summary, f"{uri} is not Prepare's summary.json")


def read_thresholds(s3: Any, uri: str) -> dict[str, Any]:
    """Read an evaluation.json of any release, with the thresholds that predictions need.

    Raises:
        UserError: the file does not exist, or has no thresholds.
    """
    return _checked(read_json(s3, uri), _ClassThresholds, f"{uri} is not Evaluate's evaluation.json")


def read_evaluation(s3: Any, uri: str) -> dict[str, Any]:
    """Read an evaluation.json with all metrics that are shown.

    Raises:
        UserError: the file does not exist, or lacks one of them.
    """
    return _checked(read_json(s3, uri), _Metrics, f"{uri} is not Evaluate's evaluation.json")


def _checked(content: dict[str, Any], shape: type[Shape], problem: str) -> dict[str, Any]:
    try:
        msgspec.convert(content, shape)
    except (msgspec.ValidationError, RecursionError) as error:
        raise UserError(f"{problem}: {str(error)[:1].lower()}{str(error)[1:]}") from None
    return content
