"""A window is compared with a baseline: two alarms, plain limits, formats; and nothing is decided on too little."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence

import numpy as np
import pytest

from groundloop.detections.drift.baseline import Baseline
from groundloop.detections.drift.comparison import DriftTest, compare
from groundloop.detections.drift.limits import Limit
from groundloop.detections.drift.sample import Sample
from groundloop.detections.drift.statistics import DetectionStatistics, ImageFormat, ImageStatistics
from groundloop.errors import UserError

CLASSES = ("bolt", "nut")
THRESHOLDS = {"bolt": 0.5, "nut": 0.5}
NAN = float("nan")
CAMERA, PHONE = ImageFormat(640, 480, "RGB", 1), ImageFormat(480, 640, "RGB", 6)
FAST = DriftTest(permutations=199)

Row = tuple[ImageStatistics | None, DetectionStatistics | None]


def rows(
    images: int, seed: int, *, brightness: float = 100, boxes: float = 5, image_format: ImageFormat = CAMERA
) -> list[Row]:
    chance = random.Random(seed)  # noqa: S311 (images, not secrets)
    found: list[Row] = []
    for _ in range(images):
        image = ImageStatistics(
            chance.gauss(brightness, 10),
            chance.gauss(30, 3),
            chance.gauss(6, 0.2),
            chance.gauss(0.4, 0.05),
            chance.gauss(10, 5),
            image_format,
        )
        count = max(0, round(chance.gauss(boxes, 1.5)))
        share = chance.random()
        of_boxes = (chance.gauss(0.7, 0.05), chance.gauss(-3, 0.3), (share, 1 - share))
        undefined = (NAN, NAN, (NAN, NAN))
        found.append((image, DetectionStatistics(count, chance.gauss(0.9, 0.02), *(of_boxes if count else undefined))))
    return found


def sample(found: Sequence[Row]) -> Sample:
    return Sample.of(found, CLASSES, THRESHOLDS)


BASELINE = Baseline(sample(rows(150, 1)), "the model")


def test_the_same_kind_of_images_is_no_drift() -> None:
    drift = compare(BASELINE, sample(rows(60, 2)), FAST)
    assert drift.decided
    assert not drift.found
    assert drift.reasons() == []
    assert not drift.new_formats


def test_darker_images_with_the_same_answers_are_drift_of_the_input_alone() -> None:
    drift = compare(BASELINE, sample(rows(60, 2, brightness=80)), FAST)
    assert drift.input.alarm
    assert not drift.answers.alarm
    assert drift.input.statistics[0].statistic.name == "brightness"
    assert [one.statistic.name for one in drift.input.changed] == ["brightness"]
    assert drift.input.statistics[0].distance == pytest.approx(2, abs=0.4), "in standard deviations"
    (reason,) = drift.reasons()
    assert reason.startswith("the images differ from the baseline (p = 0.005): brightness ")


def test_fewer_boxes_are_drift_of_the_answers_alone() -> None:
    drift = compare(BASELINE, sample(rows(60, 2, boxes=2)), FAST)
    assert drift.answers.alarm
    assert not drift.input.alarm
    assert drift.reasons()[0].startswith("the answers differ from the baseline (p = 0.005): boxes 4.91")


def test_images_without_boxes_are_drift_though_their_scores_are_not_defined() -> None:
    found = [(image, DetectionStatistics(0, 0.2, NAN, NAN, (NAN, NAN))) for image, _ in rows(60, 2)]
    drift = compare(BASELINE, sample(found), FAST)
    assert drift.answers.alarm
    assert {one.statistic.name for one in drift.answers.changed} == {"boxes", "best_score"}
    undefined = {one.statistic.name: one for one in drift.answers.statistics}["mean_score"]
    assert (undefined.window_mean, undefined.distance) == (None, None)


@pytest.mark.parametrize("images", [0, 1, 49])
def test_a_small_window_decides_nothing(images: int) -> None:
    drift = compare(BASELINE, sample(rows(images, 2, brightness=10)), DriftTest(limits=(Limit("brightness", 60),)))
    assert not drift.decided
    assert not drift.found
    assert drift.limits == ()
    assert drift.input.undecided == f"the window has {images} images, fewer than 50: nothing is decided"


def test_without_captured_answers_the_images_are_still_compared() -> None:
    found: list[Row] = [(image, None) for image, _ in rows(60, 2, brightness=60)]
    drift = compare(BASELINE, sample(found), FAST)
    assert drift.input.alarm
    assert drift.answers.undecided.startswith("the window has 0 images with a captured answer")


def test_a_baseline_of_detections_alone_compares_the_answers() -> None:
    reference = Baseline(sample([(None, answer) for _, answer in rows(150, 1)]))
    drift = compare(reference, sample(rows(60, 2, boxes=1)), FAST)
    assert drift.answers.alarm
    assert drift.input.undecided.startswith("the baseline has 0 images, fewer than 10")


def test_rounding_in_a_file_is_no_drift() -> None:
    same = [(image, DetectionStatistics(1, 0.9, 0.9, np.log(0.16), (1 / 3, 2 / 3))) for image, _ in rows(120, 1)]
    reference = Baseline.read(Baseline(sample(same[:60])).to_json())
    assert compare(reference, sample(same[60:]), FAST).answers.p_value == 1


def test_a_missed_limit_is_drift() -> None:
    limits = (Limit("boxes", min_mean=6), Limit("brightness", min_mean=60))
    drift = compare(BASELINE, sample(rows(60, 2)), DriftTest(limits=limits, permutations=199))
    assert drift.found
    assert [result.limit for result in drift.missed_limits] == [limits[0]]
    assert drift.reasons() == ["the mean of boxes is 5.2, but must be at least 6"]


def test_new_formats_are_counted() -> None:
    found = [*rows(55, 2), *rows(5, 3, image_format=PHONE)]
    drift = compare(BASELINE, sample(found), FAST)
    assert drift.new_formats == {PHONE: 5}
    assert not drift.found


def test_a_window_of_another_class_list_is_refused() -> None:
    with pytest.raises(UserError, match="the baseline has the classes bolt, nut, but the model has nut, bolt"):
        compare(BASELINE, Sample.of(rows(60, 2), ("nut", "bolt"), THRESHOLDS))


@pytest.mark.parametrize(
    ("test", "message"),
    [
        ({"false_alarm": 0.0}, "the false alarm rate 0 must lie over 0 and under 1"),
        ({"false_alarm": 0.001, "permutations": 998}, "998 permutations .* 0.001: take at least 999"),
        ({"min_images": 0}, "must be at least 1"),
    ],
)
def test_a_test_that_can_not_decide_is_refused(test: dict[str, float], message: str) -> None:
    with pytest.raises(UserError, match=message):
        DriftTest(**test)  # type: ignore[arg-type]


def test_the_result_is_json() -> None:
    drift = compare(BASELINE, sample(rows(60, 2, boxes=0.2)), DriftTest(limits=(Limit("boxes", 1),), permutations=199))
    found = json.loads(json.dumps(drift.as_json(), allow_nan=False))
    assert found["drift"] is found["decided"] is True
    assert found["answers"]["alarm"] is True
    assert found["answers"]["statistics"]["boxes"]["p_value"] == found["answers"]["p_value"] == 0.005
    assert found["limits"][0]["met"] is False
    assert found["formats"] == [
        {"width": 640, "height": 480, "mode": "RGB", "orientation": 1, "images": 60, "new": False}
    ]
    assert found["baseline"] == {"images": 150, "model": "the model"}


def test_false_alarms_are_as_rare_as_asked_for() -> None:
    """Each group alarms in 1 % of the windows: of 60 pairs, more than 3 in a group happen once in 300 times."""
    alarms = np.zeros(2)
    for seed in range(60):
        pool = rows(130, 100 + seed)
        drift = compare(Baseline(sample(pool[:80])), sample(pool[80:]), DriftTest(permutations=99))
        alarms += drift.input.alarm, drift.answers.alarm
    assert alarms.max() <= 3
