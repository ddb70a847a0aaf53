"""A baseline is read as it was written, and refused with the reason where it is not one of this model."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from groundloop.detections.drift.baseline import Baseline
from groundloop.detections.drift.sample import Sample, choose
from groundloop.detections.drift.statistics import DetectionStatistics, ImageFormat, ImageStatistics
from groundloop.errors import UserError

CLASSES = ("bolt", "nut")
THRESHOLDS = {"bolt": 0.3, "nut": 0.55}
NAN = float("nan")
IMAGE = ImageStatistics(100.123456, 20, 6, 0.5, -3, ImageFormat(640, 480, "RGB", 1))
ROWS = (
    (IMAGE, DetectionStatistics(2, 0.9, 0.8, -3, (0.5, 0.5))),
    (None, DetectionStatistics(0, NAN, NAN, NAN, (NAN, NAN))),
    (IMAGE, None),
)
BASELINE = Baseline(Sample.of(ROWS, CLASSES, THRESHOLDS), "a model", sampled_from=7, seed=2)


def document(**changes: Any) -> bytes:
    return json.dumps({**json.loads(BASELINE.to_json()), **changes}).encode()


def statistics(**changes: Any) -> dict[str, Any]:
    every = {**json.loads(BASELINE.to_json())["statistics"], **changes}
    return {name: values for name, values in every.items() if values is not None}


def test_it_is_read_as_written() -> None:
    read = Baseline.read(BASELINE.to_json())
    assert np.array_equal(read.sample.values, BASELINE.sample.values.round(3), equal_nan=True)
    assert (read.model, read.sampled_from, read.seed) == ("a model", 7, 2)
    assert (read.classes, read.thresholds) == (CLASSES, THRESHOLDS)
    assert read.sample.formats == {IMAGE.image_format: 2}
    assert read.to_json() == BASELINE.to_json()


def test_undefined_values_are_null() -> None:
    written = json.loads(BASELINE.to_json())
    assert written["drift_baseline"] == 1
    assert written["statistics"]["mean_score"] == [0.8, None, None]
    assert written["statistics"]["boxes"] == [2, 0, None]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "b is not a drift baseline: "),
        (b"[]", "b is not a drift baseline: "),
        (b'{"classes": []}', "b is not a drift baseline: .*drift_baseline"),
        (b'{"drift_baseline": 2}', "version 2, but this release reads version 1: evaluate the model again"),
        (b'{"drift_baseline": 1}', "b is damaged: .*missing required field `model`"),
        (document(images=2), "the statistic brightness has 3 values for 2 images"),
        (document(images=0), "it has 0 images instead of 1 to 1000"),
        (document(classes=[]), "its class list is empty"),
        (document(classes=["bolt", "bolt"]), "its class list is empty or names a class twice"),
        (document(classes=["bolt", "washer"]), "its thresholds are not those of its classes"),
        (document(thresholds={"bolt": 0.3, "nut": 1.5}), "a threshold lies outside 0 to 1"),
        (document(statistics=statistics(boxes=None)), "the statistic boxes is missing"),
        (document(statistics=statistics(boxes=[1, 2])), "the statistic boxes has 2 values for 3 images"),
        (document(statistics=statistics(boxes=[1, 2, "3"])), "b is damaged: .*statistics"),
        (document(statistics=statistics(hue=[1, 2, 3])), "the statistic hue is unknown"),
        (document(formats=[{"width": 1, "height": 1, "mode": "L", "orientation": 1, "images": 4}]), "its formats"),
        (document()[:-40], "b is not a drift baseline: "),
    ],
)
def test_what_is_wrong_with_a_document_is_said(body: bytes, message: str) -> None:
    with pytest.raises(UserError, match=message):
        Baseline.read(body, "b")


@pytest.mark.parametrize(
    ("classes", "thresholds", "message"),
    [
        (("nut", "bolt"), THRESHOLDS, "b has the classes bolt, nut, but the model has nut, bolt: give the baseline"),
        (("bolt",), THRESHOLDS, "b has the classes bolt, nut, but the model has bolt"),
        (
            CLASSES,
            {"bolt": 0.3, "nut": 0.6},
            "b counts nut from a score of 0.55, but the model's threshold is 0.6: eval",
        ),
    ],
    ids=["another order", "fewer classes", "another threshold"],
)
def test_a_baseline_of_another_model_is_refused(
    classes: tuple[str, ...], thresholds: dict[str, float], message: str
) -> None:
    BASELINE.check(CLASSES, THRESHOLDS)
    with pytest.raises(UserError, match=message):
        BASELINE.check(classes, thresholds, "b")


def test_a_seed_chooses_the_same_images_in_their_order() -> None:
    names = [f"{number:04}" for number in range(3000)]
    chosen = choose(names, seed=4)
    assert chosen == choose(names, seed=4) == sorted(chosen)
    assert len(set(chosen)) == 1000
    assert chosen != choose(names, seed=5)
    assert choose(names[:1000]) == names[:1000]
