"""The metrics of a window in CloudWatch, so that plain alarms, and those of `deploy.rollout.alarms`, can watch them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

#: A p-value of 0 is not possible, but its logarithm would be infinite.
_MIN_P_VALUE = 1e-12


@dataclass(frozen=True)
class WindowMetrics:
    """The metrics of one variant.

    Attributes:
        variant: its name.
        images: how many images were looked at.
        input_p_value, answers_p_value: of the two groups of statistics; None where nothing was decided.
        boxes_per_image: detections that count, on average; None where no answer was captured.
        doubtful: share of the images on which at least one mistake is expected; None without answers.
    """

    variant: str
    images: int
    input_p_value: float | None
    answers_p_value: float | None
    boxes_per_image: float | None
    doubtful: float | None


def put_metrics(
    cloudwatch: Any, namespace: str, endpoint: str, windows: Sequence[WindowMetrics], until: datetime
) -> None:
    """Write the metrics of a window with the dimension Endpoint; of several variants each also with its own.

    The endpoint's own are those of all its images together; of p-values it is the smallest.

    Args:
        cloudwatch: a boto3 CloudWatch client.
        namespace: of the metrics.
        endpoint: its name.
        windows: of each variant.
        until: end of the window.
    """
    of_endpoint = [{"Name": "Endpoint", "Value": endpoint}]
    data = list(_data(_together(windows), of_endpoint, until))
    if len(windows) > 1:
        for one in windows:
            data += _data(one, [*of_endpoint, {"Name": "Variant", "Value": one.variant}], until)
    cloudwatch.put_metric_data(Namespace=namespace, MetricData=data)


def _together(windows: Sequence[WindowMetrics]) -> WindowMetrics:
    images = sum(one.images for one in windows)

    def least(values: Iterator[float | None]) -> float | None:
        return min((value for value in values if value is not None), default=None)

    def mean(pairs: Iterator[tuple[float | None, int]]) -> float | None:
        known = [(value, weight) for value, weight in pairs if value is not None and weight]
        total = sum(weight for _, weight in known)
        return sum(value * weight for value, weight in known) / total if total else None

    return WindowMetrics(
        variant="",
        images=images,
        input_p_value=least(one.input_p_value for one in windows),
        answers_p_value=least(one.answers_p_value for one in windows),
        boxes_per_image=mean((one.boxes_per_image, one.images) for one in windows),
        doubtful=mean((one.doubtful, one.images) for one in windows),
    )


def _data(window: WindowMetrics, dimensions: list[dict[str, str]], until: datetime) -> Iterator[dict[str, Any]]:
    values = {
        "InputDrift": _logarithm(window.input_p_value),
        "AnswerDrift": _logarithm(window.answers_p_value),
        "Images": float(window.images),
        "BoxesPerImage": window.boxes_per_image,
        "Doubtful": window.doubtful,
    }
    for name, value in values.items():
        if value is not None:
            yield {"MetricName": name, "Dimensions": dimensions, "Timestamp": until, "Value": value}


def _logarithm(p_value: float | None) -> float | None:
    """Return -log10 of a p-value: 2 is one window of a hundred that have not drifted."""
    return None if p_value is None else -math.log10(max(p_value, _MIN_P_VALUE))
