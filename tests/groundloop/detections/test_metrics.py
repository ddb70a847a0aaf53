from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from groundloop.detections.dataset import ScoredImage
from groundloop.detections.evaluate import evaluate
from groundloop.detections.metrics import as_json
from groundloop.detections.thresholds import ThresholdRule

MakeImage = Callable[..., ScoredImage]
HERE, THERE, NOWHERE = (0, 0, 10, 10), (20, 0, 30, 10), (50, 50, 60, 60)
CLASSES = ("usb-c", "no.6 nut", "washer")


@pytest.fixture
def written(make_image: MakeImage) -> dict[str, Any]:
    """One of two of the first class found, the second class right, the third nowhere; a false positive."""
    validation = make_image([(0, *HERE)], [(0, 0.6, *HERE), (0, 0.1, *NOWHERE)])
    test = make_image(
        [(0, *HERE), (0, *THERE), (1, *NOWHERE)], [(0, 0.9, *HERE), (0, 0.8, *NOWHERE), (1, 0.7, *NOWHERE)]
    )
    other = make_image([(0, *HERE)], [(0, 0.9, *HERE)], "other")
    content = as_json(evaluate([validation], [test, other], CLASSES, ThresholdRule(), resamples=20))
    text = json.dumps(content, allow_nan=False)
    decoded: dict[str, Any] = json.loads(text)
    assert decoded == content
    return decoded


def test_the_layout(written: dict[str, Any]) -> None:
    assert list(written) == [
        *("map", "map_50", "map_75", "map_small", "map_medium", "map_large"),
        *("ar_1", "ar_10", "ar_100", "ar_small", "ar_medium", "ar_large", "voc_map", "voc_map_07"),
        *("per_class", "threshold", "threshold_rule", "class_thresholds", "at_threshold", "count"),
        *("confusion", "intervals", "images", "classes"),
    ]
    assert list(written["per_class"]) == list(CLASSES)
    assert list(written["per_class"]["usb-c"]) == [
        *("boxes", "ap", "ap_50", "ap_75", "voc_ap", "voc_ap_07", "threshold", "precision", "recall", "f1"),
        *("true_positives", "false_positives", "false_negatives", "count"),
    ]
    assert (
        list(written["count"])
        == list(written["per_class"]["usb-c"]["count"])
        == [
            *("mae", "rmse", "bias", "exact_share"),
        ]
    )


def test_the_numbers(written: dict[str, Any]) -> None:
    assert written["threshold"] == 0.6
    assert written["threshold_rule"] == "best F1 on validation, over all classes"
    assert written["class_thresholds"] == {"usb-c": 0.6, "no.6 nut": 0.6, "washer": 0.6}
    assert written["at_threshold"] == {
        "precision": 3 / 4,
        "recall": 3 / 4,
        "f1": 3 / 4,
        "true_positives": 3,
        "false_positives": 1,
        "false_negatives": 1,
    }
    assert written["count"] == {"mae": 0, "rmse": 0, "bias": 0, "exact_share": 1}
    assert written["confusion"] == {
        "labels": ["usb-c", "no.6 nut", "washer", "background"],
        "matrix": [[2, 0, 0, 1], [0, 1, 0, 0], [0, 0, 0, 0], [1, 0, 0, 0]],
    }
    assert written["images"] == {"validation": 1, "test": 2}
    assert written["classes"] == list(CLASSES)
    assert written["intervals"]["level"] == 0.95
    assert written["intervals"]["resamples"] == 20
    low, high = written["intervals"]["metrics"]["at_threshold.recall"]
    assert low <= 3 / 4 <= high


def test_what_the_data_does_not_define_is_null(written: dict[str, Any]) -> None:
    assert written["map_large"] is None
    washer = written["per_class"]["washer"]
    undefined = [name for name, value in washer.items() if value is None]
    assert undefined == ["ap", "ap_50", "ap_75", "voc_ap", "voc_ap_07", "precision", "recall", "f1"]
