"""Plain limits of means."""

from __future__ import annotations

from typing import Any

import pytest

from groundloop.detections.drift.limits import Limit, check_limits, parse_limits
from groundloop.detections.drift.sample import Sample
from groundloop.detections.drift.statistics import DetectionStatistics
from groundloop.errors import UserError

NAN = float("nan")
WINDOW = Sample.of(
    [
        (None, DetectionStatistics(4, 0.9, 0.8, -3, (1, 0))),
        (None, DetectionStatistics(0, 0.1, NAN, NAN, (NAN, NAN))),
    ],
    ("bolt", "nut"),
    {"bolt": 0.5, "nut": 0.5},
)


@pytest.mark.parametrize(
    ("limit", "mean", "met"),
    [
        (Limit("boxes", min_mean=2), 2, True),
        (Limit("boxes", min_mean=2.1), 2, False),
        (Limit("boxes", max_mean=1.9), 2, False),
        (Limit("boxes", 1, 3), 2, True),
        (Limit("mean_score", min_mean=0.7), 0.8, True),
        (Limit("class_share.bolt", max_mean=0.5), 1, False),
        (Limit("brightness", min_mean=60), None, None),
    ],
    ids=str,
)
def test_a_limit_is_of_the_mean_where_it_is_defined(limit: Limit, mean: float | None, met: bool | None) -> None:
    (found,) = check_limits([limit], WINDOW)
    assert (found.mean, found.met) == (mean, met)


def test_limits_are_read_from_a_configuration() -> None:
    given = {
        "boxes": {"min_mean": 1},
        "brightness": {"min_mean": 60, "max_mean": None},
        "class_share.nut": {"max_mean": 1},
    }
    assert parse_limits(given) == (Limit("boxes", 1), Limit("brightness", 60), Limit("class_share.nut", None, 1))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"boxs": {"min_mean": 1}}, "limits: 'boxs' is not a statistic: write \"boxes\""),
        ({"hue": {"min_mean": 1}}, "limits: 'hue' is not a statistic: use brightness, .*class_share.<class>"),
        ({"boxes": 1}, "limits.boxes: give min_mean, max_mean or both"),
        ({"boxes": {"min": 1}}, "limits.boxes: 'min' is unknown: use min_mean or max_mean"),
        ({"boxes": {"min_meen": 1}}, "limits.boxes: 'min_meen' is unknown: write \"min_mean\""),
        ({"boxes": {"min_mean": "1"}}, "limits.boxes.min_mean is '1': give a number"),
        ({"boxes": {"min_mean": True}}, "limits.boxes.min_mean is True: give a number"),
        ({"boxes": {}}, "the limit of boxes has neither"),
        ({"boxes": {"min_mean": 2, "max_mean": 1}}, "a min_mean of 2 over its max_mean of 1"),
    ],
)
def test_what_is_wrong_with_a_limit_is_said(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        parse_limits(given)


def test_a_limit_of_an_unknown_class_is_refused() -> None:
    with pytest.raises(UserError, match=r"class_share.washer .* the model has bolt, nut"):
        check_limits([Limit("class_share.washer", 0.1)], WINDOW)
