"""Thresholds and improvements as users and the definition write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundloop.errors import UserError
from steps.evaluate.metric_names import unlisted_class
from steps.evaluate.requirements import (
    Requirement,
    as_argument,
    default_operator,
    parse_improvements,
    parse_requirement,
    parse_requirements,
    parse_thresholds,
)


@pytest.mark.parametrize(
    ("text", "requirement"),
    [
        pytest.param("map_50 >= 0.6", Requirement("map_50", ">=", 0.6), id="a minimum"),
        pytest.param("count.mae<=.5", Requirement("count.mae", "<=", 0.5), id="a maximum, without spaces"),
        pytest.param(
            "per_class.usb-c.recall >= 0.8", Requirement("per_class.usb-c.recall", ">=", 0.8), id="a class with a dash"
        ),
        pytest.param(
            "per_class.M4 nut v1.2.ap_50 >= 1e-1",
            Requirement("per_class.M4 nut v1.2.ap_50", ">=", 0.1),
            id="a class with spaces and dots",
        ),
        pytest.param(
            "per_class.a >= 2.recall >= 0.8",
            Requirement("per_class.a >= 2.recall", ">=", 0.8),
            id="a class named like a requirement",
        ),
        pytest.param("images.test >= 40", Requirement("images.test", ">=", 40), id="a number of images"),
    ],
)
def test_a_requirement_is_a_metric_an_operator_and_a_number(text: str, requirement: Requirement) -> None:
    assert parse_requirement(text) == requirement


@given(st.text(st.characters(min_codepoint=32, max_codepoint=0x17F, exclude_categories=["Cc", "Cf"]), min_size=1))
def test_any_class_name_may_be_used(name: str) -> None:
    metric = f"per_class.{name}.recall"
    assert parse_requirement(f"{metric} >= 0.5").metric == metric
    assert parse_thresholds([f"{metric}=0.5"], []) == [Requirement(metric, ">=", 0.5)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("map_50", "write METRIC >= NUMBER or METRIC <= NUMBER", id="no operator"),
        pytest.param("map_50 > 0.6", "write METRIC >= NUMBER", id="another operator"),
        pytest.param("map_50 == 0.6", "write METRIC >= NUMBER", id="equality"),
        pytest.param(">= 0.6", "write METRIC >= NUMBER", id="no metric"),
        pytest.param("map_50 >= ", "write METRIC >= NUMBER", id="no number"),
        pytest.param("map_50\n>= 0.5", "write METRIC >= NUMBER", id="a line break"),
        pytest.param("map_50 >= high", "'high' is not a number", id="a word"),
        pytest.param("map_50 >= nan", "the number is nan", id="not a number"),
        pytest.param("map_50 >= 60", "map_50 lies between 0 and 1, but the threshold is 60", id="a percentage"),
        pytest.param("count.mae <= -1", "count.mae is an error and never negative", id="a negative error"),
        pytest.param("map50 >= 0.6", "there is no metric 'map50'; did you mean map_50?", id="misspelt"),
        pytest.param("per_class.nut >= 0.6", "there is no metric 'per_class.nut'; a metric ends in", id="only a class"),
    ],
)
def test_an_invalid_requirement_is_rejected(text: str, message: str) -> None:
    with pytest.raises(UserError) as rejected:
        parse_requirements([text])
    assert str(rejected.value).startswith("--require ")
    assert message in str(rejected.value)


def test_minimums_and_maximums_become_requirements() -> None:
    assert parse_thresholds(["map=0.3", "count.bias=-0.5"], ["count.mae=0", "count.bias=0.5"]) == [
        Requirement("map", ">=", 0.3),
        Requirement("count.bias", ">=", -0.5),
        Requirement("count.mae", "<=", 0),
        Requirement("count.bias", "<=", 0.5),
    ]
    assert parse_thresholds([], []) == []


@pytest.mark.parametrize(
    ("value", "message"),
    [
        pytest.param("map", "--minimum map: write METRIC=NUMBER", id="no value"),
        pytest.param("mAP=0.3", "no metric 'mAP'; did you mean map", id="unknown metric"),
        pytest.param("map=high", "--minimum map=high: 'high' is not a number", id="no number"),
        pytest.param("map=1.5", "--minimum map=1.5: map lies between 0 and 1, but the threshold is 1.5", id="over one"),
        pytest.param("map=-1", "the threshold is -1", id="negative"),
        pytest.param("map=nan", "the number is nan", id="not a number"),
        pytest.param("count.mae=-0.5", "count.mae is an error and never negative", id="a negative error"),
    ],
)
def test_an_invalid_threshold_is_rejected(value: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        parse_thresholds([value], [])


@pytest.mark.parametrize(
    ("metric", "operator"),
    [
        pytest.param("map_50", ">=", id="a metric between 0 and 1"),
        pytest.param("per_class.usb-c.recall", ">=", id="of a class"),
        pytest.param("count.mae", "<=", id="an error"),
    ],
)
def test_a_number_is_a_minimum_of_a_ratio_and_a_maximum_of_an_error(metric: str, operator: str) -> None:
    assert default_operator(metric) == operator


def test_a_metric_without_a_direction_has_no_default_operator() -> None:
    with pytest.raises(UserError, match=r"count.bias: neither more nor less of it is better, so write \{min: NUMBER\}"):
        default_operator("count.bias")


def test_improvements_by_metric() -> None:
    assert parse_improvements(["map_50=0.01", "per_class.a=b.f1=-0.05"]) == {"map_50": 0.01, "per_class.a=b.f1": -0.05}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        pytest.param("map_50", "write METRIC=NUMBER", id="no value"),
        pytest.param("map_50=much", "'much' is not a number", id="no number"),
        pytest.param("map_50=5", "an improvement of 5 is impossible", id="a percentage"),
        pytest.param("count.bias=0", "neither more nor less of it is better", id="a bias"),
        pytest.param("threshold=0", "neither more nor less of it is better", id="the threshold"),
        pytest.param("f2=0", "there is no metric 'f2'; did you mean f1?", id="no metric"),
    ],
)
def test_an_invalid_improvement_is_rejected(value: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as rejected:
        parse_improvements([value])
    assert str(rejected.value).startswith(f"--min-improvement {value}: ")


def test_an_argument_keeps_every_digit_and_fits_the_api() -> None:
    assert as_argument("map_50", 0.1 + 0.2) == "map_50=0.30000000000000004"
    with pytest.raises(UserError, match="an argument of a job holds 256 characters"):
        as_argument(f"per_class.{'x' * 250}.ap", 0.5)


@pytest.mark.parametrize(
    ("metric", "unlisted"),
    [
        pytest.param("map_50", None, id="of all classes"),
        pytest.param("count.mae", None, id="a count of all classes"),
        pytest.param("per_class.usb-c.recall", None, id="listed"),
        pytest.param("per_class.v1.2 nut.count.mae", None, id="listed, with a dot and a deeper metric"),
        pytest.param("count.per_class.usb-c.mae", None, id="the count of a listed class"),
        pytest.param("per_class.usb-d.recall", "usb-d", id="unlisted"),
        pytest.param("count.per_class.v1.mae", "v1", id="the count of an unlisted class"),
    ],
)
def test_metrics_of_classes_that_are_not_listed_are_found(metric: str, unlisted: str | None) -> None:
    assert unlisted_class(metric, ["usb-c", "v1.2 nut"]) == unlisted
