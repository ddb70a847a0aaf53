"""What Evaluate hands to the registry: texts, within the limits of metadata and of the model card."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundloop.errors import UserError
from steps.evaluate.registry_metadata import (
    METRICS,
    OTHER_METADATA,
    allowed,
    classes_text,
    metric_groups,
    registry_metadata,
)

Json = dict[str, Any]


def test_every_fact_is_a_text(evaluation: Json, summary: Json) -> None:
    facts = registry_metadata(evaluation, summary)
    assert set(facts) == {*METRICS, *OTHER_METADATA, "card_data", "card_observation", "card_metric_groups"}
    assert all(isinstance(value, str) for value in facts.values())
    assert facts["map"] == "0.5123"
    assert facts["count_bias"] == "-0.1250"
    assert facts["f1"] == "undefined"
    assert (facts["classes"], facts["num_classes"], facts["test_images"]) == ("bolt/usb-c/nut", "3", "40")
    assert facts["data_fingerprint"] == "ab" * 32


def test_metadata_is_within_the_apis_limits(evaluation: Json, summary: Json) -> None:
    facts = registry_metadata(evaluation, summary)
    for name in (*METRICS, *OTHER_METADATA):
        assert 1 <= len(facts[name]) <= 256
        assert allowed(facts[name])


@pytest.mark.parametrize(
    "classes",
    [
        pytest.param(["x" * 200, "y" * 60], id="longer than a metadata value"),
        pytest.param(["on/off", "switch"], id="a name with the separator"),
        pytest.param(["nut, M4"], id="a name with a character that metadata can't hold"),
        pytest.param(['"'], id="a quote"),
    ],
)
def test_classes_that_do_not_fit_are_referred_to(classes: list[str]) -> None:
    assert classes_text(classes) == "listed in the file that summary names"


@given(st.lists(st.text(min_size=1), min_size=1))
def test_classes_are_either_all_told_or_referred_to(classes: list[str]) -> None:
    text = classes_text(classes)
    assert len(text) <= 256
    assert allowed(text)
    if not text.startswith("listed in"):
        assert text.split("/") == classes


def test_the_cards_parts_are_json(evaluation: Json, summary: Json) -> None:
    facts = registry_metadata(evaluation, summary)
    assert json.loads(facts["card_data"]) == (
        "Labelled images, split by image: train 300 images with 900 boxes, validation 38 images with 110 boxes, "
        "test 40 images with 120 boxes. Classes (3): bolt, usb-c, nut. Fingerprint of the data: " + "ab" * 32 + "."
    )
    assert json.loads(facts["card_observation"]) == (
        "Scored on 40 images that were never trained on. Detections count from a score of 0.450, chosen on the "
        'validation split. Quality gate: map_50 is 0.71, the class "nut" too. '
        "Champion: no champion yet: detectors has no approved version to compare with."
    )
    assert json.loads(facts["card_metric_groups"]) == metric_groups(evaluation)


def test_metrics_are_the_metrics_with_their_intervals_then_those_by_class(evaluation: Json) -> None:
    overall, *by_class = metric_groups(evaluation)
    assert overall["metric_data"][:2] == [
        {"name": "map", "type": "number", "value": 0.51234},
        {"name": "map_50", "type": "number", "value": 0.71, "notes": "95 % interval 0.610 to 0.780"},
    ]
    assert "at_threshold.f1" not in {metric["name"] for metric in overall["metric_data"]}, (
        "undefined: it has no value to show"
    )
    assert [group["name"] for group in by_class] == ["AP at IoU 0.50 by class", "Precision by class", "Recall by class"]
    assert by_class[0]["metric_data"] == [
        {"name": "nut", "type": "number", "value": 0.8, "notes": "30 ground-truth boxes"},
        {"name": "bolt", "type": "number", "value": 0.7, "notes": "12 ground-truth boxes"},
    ]


def test_of_very_many_classes_those_with_most_boxes_are_shown(evaluation: Json) -> None:
    metrics = {"ap_50": 0.5, "precision": 0.5, "recall": 0.5}
    evaluation["per_class"] = {f"class {n} {'x' * 300}\n": {"boxes": n, **metrics} for n in range(500)}
    groups = metric_groups(evaluation)
    assert len(json.dumps(groups)) < 60_000
    names = [metric["name"] for metric in groups[1]["metric_data"]]
    assert names[0].startswith("class 499 ")
    assert len(names) < 500
    assert all(len(name) <= 255 and "\n" not in name for name in names)


def test_long_texts_are_cut_to_the_schemas_lengths(evaluation: Json, summary: Json) -> None:
    summary["classes"] = [f"class {n}" for n in range(1000)]
    evaluation["gate"]["message"] = "x" * 3000
    facts = registry_metadata(evaluation, summary)
    assert len(json.loads(facts["card_data"])) == 1024
    assert len(json.loads(facts["card_observation"])) == 2096


def test_files_of_another_version_are_told(evaluation: Json, summary: Json) -> None:
    with pytest.raises(UserError, match=r"summary\.json holds no 'fingerprint': run Prepare again"):
        registry_metadata(evaluation, _without(summary))
    del evaluation["at_threshold"]["recall"]
    with pytest.raises(UserError, match=r"the evaluation has no metric 'at_threshold\.recall'"):
        registry_metadata(evaluation, summary)


def _without(summary: Json) -> Json:
    return {key: value for key, value in summary.items() if key != "fingerprint"}


TRAINING: Json = {
    "curve": [
        {"epoch": number, "validation_map": number / 1000, "cross_entropy": None, "smooth_l1": 0.5}
        for number in range(1, 251)
    ],
    "findings": [
        {"code": "overfitting", "message": "mAP falls", "epoch": 9, "remedy": "label more"},
        {"code": "starving", "message": "it waits", "epoch": 9, "remedy": "Pipe mode"},
    ],
    "final_metrics": {},
}


def test_the_training_curve_and_the_findings_go_into_the_registry(evaluation: Json, summary: Json) -> None:
    evaluation["training"] = TRAINING
    facts = registry_metadata(evaluation, summary)
    assert (facts["training_findings"], facts["best_validation_map"]) == ("overfitting/starving", "0.2500")
    assert json.loads(facts["card_data"]).endswith(
        ". Findings in the training log: overfitting: mAP falls; starving: it waits."
    )
    group = metric_groups(evaluation)[-1]
    assert group["name"] == "Training job"
    graph, smooth_l1 = group["metric_data"]
    assert (graph["type"], graph["x_axis_name"], graph["y_axis_name"]) == ("linear_graph", "epoch", "validation_map")
    assert (len(graph["value"]), graph["value"][-1]) == (84, [250, 0.25]), "every third epoch, with the last"
    assert smooth_l1["name"] == "Smooth L1 loss (boxes) by epoch"


@pytest.mark.parametrize(
    ("training", "findings", "best"),
    [
        pytest.param({}, "unknown", "undefined", id="no training job"),
        pytest.param({"curve": TRAINING["curve"], "findings": []}, "none", "0.2500", id="nothing found"),
        pytest.param(
            {"curve": [], "findings": [], "final_metrics": {"validation:mAP": 0.4}},
            "unknown",
            "0.4000",
            id="last values",
        ),
    ],
)
def test_without_findings_the_registry_says_why(
    evaluation: Json, summary: Json, training: Json, findings: str, best: str
) -> None:
    evaluation["training"] = training
    facts = registry_metadata(evaluation, summary)
    assert (facts["training_findings"], facts["best_validation_map"]) == (findings, best)


def test_long_findings_leave_room_for_the_data(evaluation: Json, summary: Json) -> None:
    summary["classes"] = [f"class {n}" for n in range(1000)]
    evaluation["training"] = {
        **TRAINING, "findings": [{"code": "stalled", "message": "x" * 900, "epoch": 1, "remedy": "y"}]
    }  # fmt: skip
    text = json.loads(registry_metadata(evaluation, summary)["card_data"])
    assert len(text) == 1024
    assert text.startswith("Labelled images")
    assert "... Findings in the training log: stalled: xxx" in text
