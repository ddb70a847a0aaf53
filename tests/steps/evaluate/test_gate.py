from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundloop.errors import UserError
from steps.evaluate.gate import (
    Requirement,
    parse_gains,
    parse_gate,
    parse_requirement,
    parse_requirements,
    verdict,
)
from steps.evaluate.metric_names import metrics_of, unlisted_class


def evaluation(**figures: Any) -> dict[str, Any]:
    return {"map": 0.25, "map_50": 0.412, "count": {"mae": 0.8}, **figures}


def asked(*texts: str) -> list[Requirement]:
    return parse_requirements(texts)


@pytest.mark.parametrize(
    ("text", "requirement"),
    [
        pytest.param("map_50 >= 0.6", Requirement("map_50", ">=", 0.6), id="a least"),
        pytest.param("count.mae<=.5", Requirement("count.mae", "<=", 0.5), id="a most, without spaces"),
        pytest.param(
            "per_class.usb-c.recall >= 0.8", Requirement("per_class.usb-c.recall", ">=", 0.8), id="a class with a dash"
        ),
        pytest.param(
            "per_class.M4 nut v1.2.ap_50 >= 1e-1",
            Requirement("per_class.M4 nut v1.2.ap_50", ">=", 0.1),
            id="a class with spaces and dots",
        ),
        pytest.param(
            "per_class.a >= 2.recall >= 0.8", Requirement("per_class.a >= 2.recall", ">=", 0.8), id="a class like this"
        ),
        pytest.param("images.test >= 40", Requirement("images.test", ">=", 40), id="a number of images"),
    ],
)
def test_a_requirement_is_a_figure_an_operator_and_a_number(text: str, requirement: Requirement) -> None:
    assert parse_requirement(text) == requirement


@given(st.text(st.characters(min_codepoint=32, max_codepoint=0x17F, exclude_categories=["Cc", "Cf"]), min_size=1))
def test_any_class_name_may_be_asked_about(name: str) -> None:
    figure = f"per_class.{name}.recall"
    assert parse_requirement(f"{figure} >= 0.5").figure == figure


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("map_50", "write FIGURE >= NUMBER or FIGURE <= NUMBER", id="no operator"),
        pytest.param("map_50 > 0.6", "write FIGURE >= NUMBER", id="another operator"),
        pytest.param("map_50 == 0.6", "write FIGURE >= NUMBER", id="equality"),
        pytest.param(">= 0.6", "write FIGURE >= NUMBER", id="no figure"),
        pytest.param("map_50 >= ", "write FIGURE >= NUMBER", id="no number"),
        pytest.param("map_50\n>= 0.5", "write FIGURE >= NUMBER", id="a line break, which no argument may hold"),
        pytest.param("map_50 >= high", "'high' is not a number", id="a word"),
        pytest.param("map_50 >= nan", "the threshold is nan", id="not a number"),
        pytest.param("map_50 >= 60", "map_50 lies between 0 and 1, the threshold is 60", id="a percentage"),
        pytest.param("map50 >= 0.6", "there is no metric 'map50'; did you mean map_50?", id="misspelt"),
        pytest.param("per_class.nut >= 0.6", "there is no metric 'per_class.nut'; a metric ends in", id="only a class"),
        pytest.param(f"per_class.{'x' * 240}.recall >= 0.5", "of which a job's argument holds 256", id="too long"),
    ],
)
def test_what_cannot_be_asked_is_refused(text: str, message: str) -> None:
    with pytest.raises(UserError) as refused:
        parse_requirements([text])
    assert str(refused.value).startswith("--require ")
    assert message in str(refused.value)


def test_the_main_figures_have_a_short_form_that_parameters_can_fill() -> None:
    assert parse_gate(["map=0.3", "map_50=0", "count.mae=0.5", "count.rmse=-1.0"]) == [
        Requirement("map", ">=", 0.3),
        Requirement("count.mae", "<=", 0.5),
    ]
    assert parse_gate(["count.mae=0"]) == [Requirement("count.mae", "<=", 0)], "every image exact: that is something"
    assert parse_gate([]) == []


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        pytest.param("map", "write NAME=VALUE", id="no value"),
        pytest.param("mAP=0.3", "no metric 'mAP'; did you mean map", id="unknown figure"),
        pytest.param("map=high", "'high' is not a number", id="no number"),
        pytest.param("map=1.5", "the threshold is 1.5", id="over one"),
        pytest.param("map=-1", "the threshold is -1", id="negative"),
        pytest.param("map=nan", "the threshold is nan", id="not a number"),
        pytest.param("count.mae=-0.5", "give 0 or more, or -1", id="a negative error"),
        pytest.param("count.bias=1", "write it as --require 'count.bias >= 1'", id="neither more nor less is better"),
    ],
)
def test_settings_that_ask_nothing_sensible_are_refused(setting: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        parse_gate([setting])


def test_every_missed_figure_is_named_with_value_threshold_and_difference() -> None:
    told = verdict(evaluation(), asked("map >= 0.3", "map_50 >= 0.6", "count.mae <= 0.5"))
    assert told["missed"] == ["map", "map_50", "count.mae"]
    assert told["thresholds_missed"] == 3
    assert told["message"] == (
        "map is 0.250, 0.050 under its threshold 0.3; map_50 is 0.412, 0.188 under its threshold 0.6; "
        "count.mae is 0.800, 0.300 over its threshold 0.5"
    )
    assert told["requirements"][2] == {
        "metric": "count.mae",
        "operator": "<=",
        "threshold": 0.5,
        "value": 0.8,
        "met": False,
        "against": "",
    }


def test_a_known_interval_says_how_sure_the_miss_is() -> None:
    intervals = {"level": 0.95, "metrics": {"map_50": [0.3, 0.58], "map": [0.2, 0.3]}}
    told = verdict(evaluation(intervals=intervals), asked("map_50 >= 0.6"))
    assert told["message"] == "map_50 is 0.412 (95 % interval 0.30 to 0.58), 0.188 under its threshold 0.6"


def test_exactly_the_threshold_is_met() -> None:
    told = verdict(evaluation(), asked("map >= 0.25", "count.mae <= 0.8"))
    assert (told["missed"], told["thresholds_missed"]) == ([], 0)
    assert told["message"] == "all thresholds met: map 0.250 >= 0.25, count.mae 0.800 <= 0.8"


def test_a_narrow_miss_does_not_read_like_a_pass_nor_a_narrow_pass_like_a_miss() -> None:
    assert "0.599990000, 0.000010000 under" in verdict({"map": 0.59999}, asked("map >= 0.6"))["message"]
    assert "map 0.600010000 >= 0.6" in verdict({"map": 0.60001}, asked("map >= 0.6"))["message"]


def test_numbers_of_things_are_told_without_digits() -> None:
    images = {"images": {"test": 38}}
    assert verdict(images, asked("images.test >= 20"))["message"] == "all thresholds met: images.test 38 >= 20"
    assert verdict(images, asked("images.test >= 40"))["message"] == "images.test is 38, 2 under its threshold 40"


def test_an_undefined_figure_misses_its_threshold() -> None:
    told = verdict({"per_class": {"usb-c": {"recall": None}}}, asked("per_class.usb-c.recall >= 0.8"))
    assert told["missed"] == ["per_class.usb-c.recall"]
    assert told["message"] == (
        "per_class.usb-c.recall is undefined: the test images hold nothing to measure it on, "
        "but per_class.usb-c.recall >= 0.8 was asked"
    )


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        pytest.param("per_class.usb-d.recall >= 0", "did you mean per_class.usb-c.recall", id="another class"),
        pytest.param("zzz.f1 >= 0.1", "there are: map, map_50, count.mae, per_class.usb-c.recall", id="nothing near"),
    ],
)
def test_a_figure_that_the_evaluation_does_not_have_is_an_error_and_no_miss(text: str, hint: str) -> None:
    with pytest.raises(UserError, match=r"gate: the evaluation has no metric") as refused:
        verdict(evaluation(per_class={"usb-c": {"recall": 0.9}}), asked(text))
    assert hint in str(refused.value)


def test_figures_are_all_numbers_but_not_what_is_told_about_them() -> None:
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
    told = verdict(evaluation(), [])
    assert (told["requirements"], told["thresholds_missed"]) == ([], 0)
    assert told["message"] == "no thresholds are set: nothing was asked of the model"


def test_a_message_too_long_for_the_fail_step_names_the_file_with_the_rest() -> None:
    per_class = {f"class number {n} with a long name": {"recall": 0.5} for n in range(40)}
    told = verdict({"per_class": per_class}, asked(*(f"per_class.{name}.recall >= 0.8" for name in per_class)))
    assert told["thresholds_missed"] == len(told["requirements"]) == 40
    assert len(told["message"]) <= 900
    told["message"].index("class number 0")
    assert told["message"].endswith(" more, listed under gate in evaluation.json")


CHAMPION = {
    "package": "arn:aws:sagemaker:us-east-1:123456789012:model-package/g/3",
    "version": 3,
    "images_shared": 40,
    "metrics": {"map_50": 0.7, "count.mae": 0.5},
    "candidate": {"map_50": 0.71, "count.mae": 0.6},
    "message": "compared with version 3 on the 40 test images that both have",
}


@pytest.mark.parametrize(
    ("figure", "gain", "met"),
    [
        pytest.param("map_50", 0.0, True, id="better, nothing more asked"),
        pytest.param("map_50", 0.01, True, id="better by just that much"),
        pytest.param("map_50", 0.02, False, id="better, but by too little"),
        pytest.param("count.mae", 0.0, False, id="a larger error is worse"),
        pytest.param("count.mae", -0.1, True, id="worse by what is allowed"),
        pytest.param("count.mae", -0.05, False, id="worse by more than is allowed"),
    ],
)
def test_the_champion_is_to_be_beaten_by_the_least_gain(figure: str, gain: float, met: bool) -> None:
    told = verdict(evaluation(), [], CHAMPION, {figure: gain})
    assert told["thresholds_missed"] == (0 if met else 1)
    assert told["missed"] == ([] if met else [figure])
    (entry,) = told["requirements"]
    assert (entry["met"], entry["against"], entry["value"]) == (met, "champion", CHAMPION["candidate"][figure])  # type: ignore[index]


def test_a_gain_that_is_missed_is_told_in_full() -> None:
    told = verdict(evaluation(), asked("map >= 0.2"), CHAMPION, {"map_50": 0.02, "count.mae": 0.0})
    assert told["message"] == (
        "map_50 is 0.710, 0.010 better than the 0.700 of version 3 on the 40 test images that both have, "
        "0.010 under the gain of 0.02 that was asked; "
        "count.mae is 0.600, 0.100 worse than the 0.500 of version 3 on the 40 test images that both have, "
        "0.100 under the gain of 0 that was asked"
    )
    assert [entry["threshold"] for entry in told["requirements"]] == [0.2, pytest.approx(0.72), 0.5]


def test_a_gain_over_an_equal_is_told() -> None:
    champion = {**CHAMPION, "candidate": CHAMPION["metrics"]}
    assert verdict(evaluation(), [], champion, {"map_50": 0.0})["thresholds_missed"] == 0
    assert "as good as the 0.700 of version 3" in verdict(evaluation(), [], champion, {"map_50": 0.1})["message"]


def test_a_gain_of_an_unknown_figure_is_an_error_though_there_is_no_champion_yet() -> None:
    with pytest.raises(UserError, match=r"no metric 'per_class.usb-d.f1'"):
        verdict(evaluation(), [], {"package": None, "message": "none yet"}, {"per_class.usb-d.f1": 0.0})


def test_a_gain_without_a_look_at_the_registry_is_an_error_and_no_pass() -> None:
    with pytest.raises(UserError, match="give --champion-group too"):
        verdict(evaluation(), [], None, {"map_50": 0.0})


def test_a_gain_that_is_reached_is_told_with_the_thresholds() -> None:
    told = verdict(evaluation(), asked("map >= 0.2"), CHAMPION, {"map_50": 0.0})
    assert told["message"] == (
        "all thresholds met: map 0.250 >= 0.2, map_50 is 0.710, 0.010 better than the 0.700 of version 3"
    )


def test_other_images_than_the_champions_are_told() -> None:
    told = verdict(evaluation(), [], {**CHAMPION, "images_shared": 0}, {"map_50": 0.02})
    assert "of version 3 on other test images, 0.010 under" in told["message"]


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
    told = verdict(evaluation(per_class={"usb-c": {"f1": ours}}), [], champion, {name: 0.1})
    assert told["thresholds_missed"] == (0 if met else 1)
    assert f"{name} is {'undefined' if ours is None else '0.200'}" in told["message"]


def test_no_champion_yet_is_a_pass_and_said() -> None:
    nobody = {"package": None, "message": "no approved version yet: nothing to compare with"}
    told = verdict(evaluation(), asked("map >= 0.2"), nobody, {"map_50": 0.1})
    assert told["thresholds_missed"] == 0
    assert told["message"] == ("all thresholds met: map 0.250 >= 0.2; no approved version yet: nothing to compare with")


def test_a_champion_that_need_not_be_beaten_judges_nothing() -> None:
    assert verdict(evaluation(), [], CHAMPION)["requirements"] == []


def test_gains_by_figure() -> None:
    assert parse_gains(["map_50=0.01", "per_class.a=b.f1=-0.05"]) == {"map_50": 0.01, "per_class.a=b.f1": -0.05}


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        pytest.param("map_50", "write NAME=VALUE", id="no value"),
        pytest.param("map_50=much", "'much' is not a number", id="no number"),
        pytest.param("map_50=5", "no model beats another by 5", id="a percentage"),
        pytest.param("count.bias=0", "neither more nor less of it is better", id="a bias"),
        pytest.param("threshold=0", "neither more nor less of it is better", id="the threshold"),
        pytest.param("f2=0", "there is no metric 'f2'; did you mean f1?", id="no figure"),
    ],
)
def test_gains_that_mean_nothing_are_refused(setting: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        parse_gains([setting])


@pytest.mark.parametrize(
    ("figure", "unlisted"),
    [
        pytest.param("map_50", None, id="of all classes"),
        pytest.param("count.mae", None, id="a count of all classes"),
        pytest.param("per_class.usb-c.recall", None, id="listed"),
        pytest.param("per_class.v1.2 nut.count.mae", None, id="listed, with a dot and a deeper figure"),
        pytest.param("count.per_class.usb-c.mae", None, id="the count of a listed class"),
        pytest.param("per_class.usb-d.recall", "usb-d", id="unlisted"),
        pytest.param("count.per_class.v1.mae", "v1", id="the count of an unlisted class"),
    ],
)
def test_figures_of_classes_that_are_not_listed_are_found(figure: str, unlisted: str | None) -> None:
    assert unlisted_class(figure, ["usb-c", "v1.2 nut"]) == unlisted
