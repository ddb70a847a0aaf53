"""What the gate says of a model's metrics, in numbers and in words."""

from __future__ import annotations

from typing import Any

import pytest

from groundloop.errors import UserError
from steps.evaluate.gate import verdict
from steps.evaluate.metric_names import metrics_of
from steps.evaluate.requirements import Requirement, parse_requirements


def evaluation(**metrics: Any) -> dict[str, Any]:
    return {"map": 0.25, "map_50": 0.412, "count": {"mae": 0.8}, **metrics}


def required(*texts: str) -> list[Requirement]:
    return parse_requirements(texts)


def test_every_missed_metric_is_named_with_value_threshold_and_difference() -> None:
    gate = verdict(evaluation(), required("map >= 0.3", "map_50 >= 0.6", "count.mae <= 0.5"))
    assert gate["missed"] == ["map", "map_50", "count.mae"]
    assert gate["thresholds_missed"] == 3
    assert gate["message"] == (
        "map is 0.250, 0.050 under its threshold 0.3; map_50 is 0.412, 0.188 under its threshold 0.6; "
        "count.mae is 0.800, 0.300 over its threshold 0.5"
    )
    assert gate["requirements"][2] == {
        "metric": "count.mae",
        "operator": "<=",
        "threshold": 0.5,
        "value": 0.8,
        "met": False,
        "against": "",
    }


def test_a_missed_metric_is_given_with_its_interval() -> None:
    intervals = {"level": 0.95, "metrics": {"map_50": [0.3, 0.58], "map": [0.2, 0.3]}}
    gate = verdict(evaluation(intervals=intervals), required("map_50 >= 0.6"))
    assert gate["message"] == "map_50 is 0.412 (95 % interval 0.30 to 0.58), 0.188 under its threshold 0.6"


def test_exactly_the_threshold_is_met() -> None:
    gate = verdict(evaluation(), required("map >= 0.25", "count.mae <= 0.8"))
    assert (gate["missed"], gate["thresholds_missed"]) == ([], 0)
    assert gate["message"] == "all thresholds met: map 0.250 >= 0.25, count.mae 0.800 <= 0.8"


def test_a_narrow_miss_does_not_read_like_a_pass_nor_a_narrow_pass_like_a_miss() -> None:
    assert "0.599990000, 0.000010000 under" in verdict({"map": 0.59999}, required("map >= 0.6"))["message"]
    assert "map 0.600010000 >= 0.6" in verdict({"map": 0.60001}, required("map >= 0.6"))["message"]


def test_counts_have_no_decimals() -> None:
    images = {"images": {"test": 38}}
    assert verdict(images, required("images.test >= 20"))["message"] == "all thresholds met: images.test 38 >= 20"
    assert verdict(images, required("images.test >= 40"))["message"] == "images.test is 38, 2 under its threshold 40"


def test_an_undefined_metric_misses_its_threshold() -> None:
    gate = verdict({"per_class": {"usb-c": {"recall": None}}}, required("per_class.usb-c.recall >= 0.8"))
    assert gate["missed"] == ["per_class.usb-c.recall"]
    assert gate["message"] == (
        "per_class.usb-c.recall is undefined: the test images hold nothing to measure it on, "
        "but per_class.usb-c.recall >= 0.8 is required"
    )


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        pytest.param("per_class.usb-d.recall >= 0", "did you mean per_class.usb-c.recall", id="another class"),
        pytest.param("zzz.f1 >= 0.1", "there are: map, map_50, count.mae, per_class.usb-c.recall", id="nothing near"),
    ],
)
def test_a_metric_that_the_evaluation_does_not_have_is_an_error_and_no_miss(text: str, hint: str) -> None:
    with pytest.raises(UserError, match=r"gate: the evaluation has no metric") as refused:
        verdict(evaluation(per_class={"usb-c": {"recall": 0.9}}), required(text))
    assert hint in str(refused.value)


def test_metrics_are_all_numbers_but_not_those_of_the_gate_and_the_registry() -> None:
    found = metrics_of(
        {
            "map": 1,
            "per_class": {"a.b c": {"ap": None, "name": "a.b c", "listed": True}},
            "classes": ["a.b c"],
            "gate": {"thresholds_missed": 0},
            "intervals": {"level": 0.95},
            "registry": {"map": "1"},
            "champion": {"version": 3},
        }
    )
    assert found == {"map": 1, "per_class.a.b c.ap": None}


def test_without_requirements_the_message_says_so() -> None:
    gate = verdict(evaluation(), [])
    assert (gate["requirements"], gate["thresholds_missed"]) == ([], 0)
    assert gate["message"] == "no thresholds are set: every model passes"


def test_a_message_too_long_for_the_fail_step_names_the_file_with_the_rest() -> None:
    per_class = {f"class number {n} with a long name": {"recall": 0.5} for n in range(40)}
    gate = verdict({"per_class": per_class}, required(*(f"per_class.{name}.recall >= 0.8" for name in per_class)))
    assert gate["thresholds_missed"] == len(gate["requirements"]) == 40
    assert len(gate["message"]) <= 900
    gate["message"].index("class number 0")
    assert gate["message"].endswith(" more, listed under gate in evaluation.json")


CHAMPION = {
    "package": "arn:aws:sagemaker:us-east-1:123456789012:model-package/g/3",
    "version": 3,
    "images_shared": 40,
    "metrics": {"map_50": 0.7, "count.mae": 0.5},
    "candidate": {"map_50": 0.71, "count.mae": 0.6},
    "message": "compared with version 3 on the 40 test images that both have",
}


@pytest.mark.parametrize(
    ("metric", "improvement", "met"),
    [
        pytest.param("map_50", 0.0, True, id="better, nothing more required"),
        pytest.param("map_50", 0.01, True, id="better by exactly that much"),
        pytest.param("map_50", 0.02, False, id="better, but by too little"),
        pytest.param("count.mae", 0.0, False, id="a larger error is worse"),
        pytest.param("count.mae", -0.1, True, id="worse by what is allowed"),
        pytest.param("count.mae", -0.05, False, id="worse by more than is allowed"),
    ],
)
def test_the_minimum_improvement_over_the_champion(metric: str, improvement: float, met: bool) -> None:
    gate = verdict(evaluation(), [], CHAMPION, {metric: improvement})
    assert gate["thresholds_missed"] == (0 if met else 1)
    assert gate["missed"] == ([] if met else [metric])
    (entry,) = gate["requirements"]
    assert (entry["met"], entry["against"], entry["value"]) == (met, "champion", CHAMPION["candidate"][metric])  # type: ignore[index]


def test_a_missed_improvement_is_described_in_full() -> None:
    gate = verdict(evaluation(), required("map >= 0.2"), CHAMPION, {"map_50": 0.02, "count.mae": 0.0})
    assert gate["message"] == (
        "map_50 is 0.710, 0.010 better than the 0.700 of version 3 on the 40 test images that both have, "
        "0.010 under the required improvement of 0.02; "
        "count.mae is 0.600, 0.100 worse than the 0.500 of version 3 on the 40 test images that both have, "
        "0.100 under the required improvement of 0"
    )
    assert [entry["threshold"] for entry in gate["requirements"]] == [0.2, pytest.approx(0.72), 0.5]


def test_an_equal_champion_is_described() -> None:
    champion = {**CHAMPION, "candidate": CHAMPION["metrics"]}
    assert verdict(evaluation(), [], champion, {"map_50": 0.0})["thresholds_missed"] == 0
    assert "as good as the 0.700 of version 3" in verdict(evaluation(), [], champion, {"map_50": 0.1})["message"]


def test_an_improvement_of_an_unknown_metric_is_an_error_though_there_is_no_champion_yet() -> None:
    with pytest.raises(UserError, match=r"no metric 'per_class.usb-d.f1'"):
        verdict(evaluation(), [], {"package": None, "message": "none yet"}, {"per_class.usb-d.f1": 0.0})


def test_an_improvement_without_a_champion_group_is_an_error_and_no_pass() -> None:
    with pytest.raises(UserError, match="--min-improvement needs --champion-group"):
        verdict(evaluation(), [], None, {"map_50": 0.0})


def test_a_reached_improvement_is_listed_with_the_thresholds() -> None:
    gate = verdict(evaluation(), required("map >= 0.2"), CHAMPION, {"map_50": 0.0})
    assert gate["message"] == (
        "all thresholds met: map 0.250 >= 0.2, map_50 is 0.710, 0.010 better than the 0.700 of version 3"
    )


def test_other_images_than_the_champions_are_mentioned() -> None:
    gate = verdict(evaluation(), [], {**CHAMPION, "images_shared": 0}, {"map_50": 0.02})
    assert "of version 3 on other test images, 0.010 under" in gate["message"]


@pytest.mark.parametrize(
    ("ours", "theirs", "met"),
    [
        pytest.param(0.2, None, True, id="a class that the champion does not know"),
        pytest.param(None, 0.2, False, id="nothing to show"),
        pytest.param(None, None, False, id="nothing to show on either side"),
    ],
)
def test_better_than_nothing_is_better(ours: float | None, theirs: float | None, met: bool) -> None:
    name = "per_class.usb-c.f1"
    champion = {**CHAMPION, "metrics": {name: theirs}, "candidate": {name: ours}}
    gate = verdict(evaluation(per_class={"usb-c": {"f1": ours}}), [], champion, {name: 0.1})
    assert gate["thresholds_missed"] == (0 if met else 1)
    assert f"{name} is {'undefined' if ours is None else '0.200'}" in gate["message"]


def test_without_a_champion_every_model_passes() -> None:
    nobody = {"package": None, "message": "no approved version yet: nothing to compare with"}
    gate = verdict(evaluation(), required("map >= 0.2"), nobody, {"map_50": 0.1})
    assert gate["thresholds_missed"] == 0
    assert gate["message"] == ("all thresholds met: map 0.250 >= 0.2; no approved version yet: nothing to compare with")


def test_a_champion_without_a_required_improvement_adds_no_requirement() -> None:
    assert verdict(evaluation(), [], CHAMPION)["requirements"] == []
