from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from groundloop.detections.dataset import ScoredImage
from groundloop.detections.evaluate import evaluate_at
from groundloop.detections.evaluation import OutcomeRow
from groundloop.detections.outcomes import outcomes, scored_from_table

MakeImage = Callable[..., ScoredImage]
RandomImages = Callable[..., list[ScoredImage]]
HERE, THERE, NOWHERE = (0.0, 0.0, 10.0, 10.0), (20.0, 0.0, 30.0, 10.0), (50.0, 50.0, 60.0, 60.0)
CLASSES = ("nut", "bolt", "washer")
THRESHOLDS = {"nut": 0.5, "bolt": 0.5, "washer": 0.9}


def _rows(*images: ScoredImage) -> list[OutcomeRow]:
    return list(outcomes("test", images, CLASSES, THRESHOLDS))


def test_every_detection_in_its_order_then_what_was_missed(make_image: MakeImage) -> None:
    half = (0.0, 0.0, 10.0, 4.0)
    image = make_image([(0, *HERE), (1, *THERE)], [(0, 0.6, *half), (0, 0.9, *HERE), (2, 0.8, *THERE)])
    ref = image.source_ref
    assert _rows(image) == [
        OutcomeRow("test", ref, "FP", "nut", 0.6, half, 0.4, None),
        OutcomeRow("test", ref, "TP", "nut", 0.9, HERE, 1.0, HERE),
        OutcomeRow("test", ref, "", "washer", 0.8, THERE, 0.0, None),
        OutcomeRow("test", ref, "FN", "bolt", None, None, 0.0, THERE),
    ]


def test_a_true_box_taken_under_the_threshold_is_missed(make_image: MakeImage) -> None:
    image = make_image([(0, *HERE)], [(0, 0.4, *HERE)])
    assert [(row.outcome, row.true_box) for row in _rows(image)] == [("", HERE), ("FN", HERE)]


def test_the_iou_is_with_the_box_that_was_taken_not_with_a_nearer_one(make_image: MakeImage) -> None:
    near = (0.0, 0.0, 10.0, 9.0)
    image = make_image([(0, *HERE), (0, *near)], [(0, 0.9, *HERE), (0, 0.8, *HERE), (0, 0.7, *HERE)])
    rows = _rows(image)
    assert [row.true_box for row in rows] == [HERE, near, None]
    assert [row.iou for row in rows] == [1, pytest.approx(0.9), 1]


def test_the_rows_of_each_image_follow_each_other(make_image: MakeImage) -> None:
    images = [
        make_image([(0, *HERE)], [(1, 0.9, *HERE)], "a"),
        make_image([], [], "b"),
        make_image([(1, *THERE)], [(1, 0.9, *THERE)], "c"),
    ]
    assert [(row.source_ref, row.outcome) for row in _rows(*images)] == [
        ("s3://b/a.jpg", "FP"),
        ("s3://b/a.jpg", "FN"),
        ("s3://b/c.jpg", "TP"),
    ]


@pytest.mark.parametrize("seed", range(5))
def test_rows_add_up_to_the_metrics(seed: int, random_images: RandomImages) -> None:
    images = random_images(seed)
    rows = _rows(*images)
    for metrics in evaluate_at(images, CLASSES, THRESHOLDS).per_class:
        of_class = [row.outcome for row in rows if row.class_name == metrics.name]
        at_threshold = metrics.at_threshold
        assert of_class.count("TP") == at_threshold.true_positives
        assert of_class.count("FP") == at_threshold.false_positives
        assert of_class.count("FN") == at_threshold.false_negatives
    assert sum(row.score is not None for row in rows) == sum(len(image.scores) for image in images)
    for row in rows:
        assert 0 <= row.iou <= 1
        assert (row.outcome == "FN") == (row.score is None) == (row.box is None)


@pytest.mark.parametrize("seed", range(3))
def test_detections_from_their_rows_are_the_same_again(seed: int, random_images: RandomImages) -> None:
    images = random_images(seed)
    other_split = outcomes("validation", images, CLASSES, THRESHOLDS)
    again, dropped = scored_from_table([*other_split, *_rows(*images)], images, CLASSES)
    assert dropped == 0
    for image, same in zip(images, again, strict=True):
        assert same.source_ref == image.source_ref
        for name in ("true_boxes", "true_ids", "boxes", "class_ids", "scores"):
            assert np.array_equal(getattr(same, name), getattr(image, name))
            assert getattr(same, name).dtype == getattr(image, name).dtype


def test_old_detections_meet_todays_truth_and_classes(make_image: MakeImage) -> None:
    then = make_image([(0, *HERE)], [(0, 0.9, *HERE), (1, 0.8, *THERE), (2, 0.7, *THERE)], "a")
    gone = make_image([(0, *HERE)], [(0, 0.9, *HERE)], "gone")
    today = make_image([(0, *THERE)], [(0, 0.1, *NOWHERE)], "a")
    silent = make_image([(0, *THERE)], [(0, 0.1, *NOWHERE)], "silent")
    (image, empty), dropped = scored_from_table(_rows(then, gone), [today, silent], ("washer", "nut"))
    assert image.true_boxes.tolist() == [list(THERE)]
    assert image.boxes.tolist() == [list(HERE), list(THERE)]
    assert image.class_ids.tolist() == [1, 0]  # by name: nut, washer
    assert dropped == 1  # the bolt
    assert empty.boxes.shape == (0, 4)
