"""Metrics of slices equal those of the filtered images."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from groundloop.detections.bootstrap import Resampling, intervals
from groundloop.detections.dataset import ScoredImage
from groundloop.detections.evaluate import evaluate, evaluate_at
from groundloop.detections.evaluation import Evaluation
from groundloop.detections.matching import match_detections, pool_detections
from groundloop.detections.metrics import as_json
from groundloop.detections.slices import select_images
from groundloop.detections.thresholds import ThresholdRule
from groundloop.labels.slices import NO_VALUE

RandomImages = Callable[..., list[ScoredImage]]
CLASSES = ("nut", "bolt", "washer")
CAMERAS = ("A", "B", "A", "B", NO_VALUE, "A")


@pytest.fixture
def test_images(random_images: RandomImages) -> list[ScoredImage]:
    return random_images(1, images=24)


@pytest.fixture
def cameras(test_images: list[ScoredImage]) -> dict[str, str]:
    return {image.source_ref: CAMERAS[number % 6] for number, image in enumerate(test_images)}


@pytest.fixture
def evaluation(random_images: RandomImages, test_images: list[ScoredImage], cameras: dict[str, str]) -> Evaluation:
    rule = ThresholdRule(per_class=True)
    slices = {"camera": cameras, "site": dict.fromkeys(cameras, "Ulm")}
    return evaluate(random_images(0), test_images, CLASSES, rule, resamples=50, slices=slices)


@pytest.mark.parametrize("camera", ["A", "B", NO_VALUE])
def test_metrics_and_intervals_are_those_of_the_images_alone(
    camera: str, evaluation: Evaluation, test_images: list[ScoredImage], cameras: dict[str, str]
) -> None:
    filtered = [image for image in test_images if cameras[image.source_ref] == camera]
    thresholds = {metrics.name: metrics.threshold for metrics in evaluation.per_class}
    alone = evaluate_at(filtered, CLASSES, thresholds)
    of_slice = evaluation.slices["camera"][camera]
    assert (of_slice.images, of_slice.boxes) == (len(filtered), sum(len(image.true_ids) for image in filtered))
    assert of_slice.metrics == {name: alone.metrics[name] for name in ("map", "map_50", "map_75", "voc_map")}
    assert (of_slice.at_threshold, of_slice.count) == (alone.at_threshold, alone.count)
    matches = match_detections(pool_detections(filtered, 3))
    bounds = intervals(matches, np.array([thresholds[name] for name in CLASSES]), Resampling(50))
    assert of_slice.intervals == {name.removeprefix("at_threshold."): ends for name, ends in bounds.items()}
    assert evaluation.intervals[f"slices.camera.{camera}.recall"] == bounds["at_threshold.recall"]


def test_a_slice_of_all_images_has_the_metrics_of_all(evaluation: Evaluation) -> None:
    (of_slice,) = evaluation.slices["site"].values()
    assert of_slice.metrics.items() <= evaluation.metrics.items()
    assert (of_slice.at_threshold, of_slice.count) == (evaluation.at_threshold, evaluation.count)
    assert of_slice.intervals["map"] == evaluation.intervals["map"]


def test_a_part_of_the_matches_is_the_matching_of_the_part(test_images: list[ScoredImage]) -> None:
    chosen = np.array([1, 2, 5, 11, 23])
    part = select_images(match_detections(pool_detections(test_images, 3)), chosen)
    alone = match_detections(pool_detections([test_images[number] for number in chosen], 3))
    for name in ("true_images", "true_ids", "true_boxes", "image", "class_ids", "scores", "boxes", "ranks"):
        assert np.array_equal(getattr(part.pool, name), getattr(alone.pool, name)), name
    assert np.array_equal(part.truth, alone.truth)
    assert np.array_equal(part.voc, alone.voc)
    pairs = [sorted(zip(of.pairs.detection, of.pairs.truth, of.pairs.iou, strict=True)) for of in (part, alone)]
    assert pairs[0] == pairs[1]
    assert np.array_equal(part.pairs.nearest, alone.pairs.nearest)


def test_an_image_that_is_not_named_has_no_value(test_images: list[ScoredImage]) -> None:
    one = test_images[0].source_ref
    evaluation = evaluate(
        test_images, test_images, CLASSES, ThresholdRule(), resamples=0, slices={"site": {one: "Ulm"}}
    )
    assert {value: metrics.images for value, metrics in evaluation.slices["site"].items()} == {"Ulm": 1, NO_VALUE: 23}


def test_a_slice_without_boxes_has_undefined_metrics(make_image: Callable[..., ScoredImage]) -> None:
    box = (0, 0, 10, 10)
    images = [make_image([(0, *box)], [(0, 0.9, *box)], "a"), make_image([], [(0, 0.9, *box)], "b")]
    slices = {"site": {"s3://b/a.jpg": "Ulm", "s3://b/b.jpg": "Jena"}}
    written = as_json(evaluate(images[:1], images, ("nut",), ThresholdRule(), slices=slices))["slices"]["site"]
    assert list(written) == ["Jena", "Ulm"]
    empty = written["Jena"]
    assert (empty["images"], empty["boxes"], empty["map"], empty["recall"], empty["precision"]) == (1, 0, None, None, 0)
    assert empty["count"]["mae"] == 1
    assert written["Ulm"]["map_50"] == pytest.approx(1)
