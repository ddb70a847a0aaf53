from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from groundloop.detections.coco import CocoScores, coco_scores
from groundloop.detections.dataset import ScoredImage
from groundloop.detections.matching import match_detections, pool_detections

MakeImage = Callable[..., ScoredImage]
RandomImages = Callable[..., list[ScoredImage]]
CLASSES = ("nut", "bolt", "washer")


def _pycocotools(images: Sequence[ScoredImage]) -> tuple[list[float], dict[str, list[float]]]:
    """The twelve statistics and the AP, AP50, AP75 of each class of the reference implementation, -1 for undefined."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval

        truth, results = COCO(), []
        rows: list[dict[str, Any]] = []
        for number, image in enumerate(images, start=1):
            for class_id, (x0, y0, x1, y1) in zip(image.true_ids.tolist(), image.true_boxes.tolist(), strict=True):
                box = [x0, y0, x1 - x0, y1 - y0]
                area = box[2] * box[3]
                row = {"id": len(rows) + 1, "image_id": number, "category_id": class_id, "iscrowd": 0}
                rows.append(row | {"bbox": box, "area": area})
            found = zip(image.class_ids.tolist(), image.scores.tolist(), image.boxes.tolist(), strict=True)
            for class_id, score, (x0, y0, x1, y1) in found:
                box = [x0, y0, x1 - x0, y1 - y0]
                results.append({"image_id": number, "category_id": class_id, "score": score, "bbox": box})
        truth.dataset = {
            "info": {},
            "images": [{"id": number} for number in range(1, len(images) + 1)],
            "categories": [{"id": number, "name": name} for number, name in enumerate(CLASSES)],
            "annotations": rows,
        }
        with contextlib.redirect_stdout(io.StringIO()):
            truth.createIndex()
            evaluation = COCOeval(truth, truth.loadRes(results), "bbox")
            evaluation.evaluate()
            evaluation.accumulate()
            evaluation.summarize()
    precision = evaluation.eval["precision"][:, :, :, 0, -1]
    each = range(len(CLASSES))
    return list(evaluation.stats), {
        "ap": [float(precision[:, :, k].mean()) for k in each],
        "ap_50": [float(precision[0, :, k].mean()) for k in each],
        "ap_75": [float(precision[5, :, k].mean()) for k in each],
    }


def _scores(images: Sequence[ScoredImage]) -> CocoScores:
    return coco_scores(match_detections(pool_detections(images, len(CLASSES))))


def _or_minus_one(values: Sequence[float | None]) -> list[float]:
    return [-1 if value is None else value for value in values]


def _assert_equal(images: Sequence[ScoredImage]) -> None:
    scores = _scores(images)
    statistics, by_class = _pycocotools(images)
    assert _or_minus_one(list(scores.metrics.values())) == pytest.approx(statistics, abs=1e-9)
    assert _or_minus_one(scores.ap_by_class) == pytest.approx(by_class["ap"], abs=1e-9)
    assert _or_minus_one(scores.ap_50_by_class) == pytest.approx(by_class["ap_50"], abs=1e-9)
    assert _or_minus_one(scores.ap_75_by_class) == pytest.approx(by_class["ap_75"], abs=1e-9)


@pytest.mark.parametrize("seed", range(50))
def test_equal_to_pycocotools_on_random_sets_full_of_ties(seed: int, random_images: RandomImages) -> None:
    images = random_images(seed)
    _assert_equal(images)
    assert _scores(images).ap_by_class[2] is None  # washers are detected, and none is there


def test_equal_to_pycocotools_on_more_detections_than_it_looks_at(random_images: RandomImages) -> None:
    _assert_equal(random_images(1, images=3, most_truths=60, most_detections=700))


def test_equal_to_pycocotools_on_boxes_of_all_sizes_off_the_grid(random_images: RandomImages) -> None:
    _assert_equal(random_images(2, images=300, grid=np.pi * 3))


def test_the_names_of_the_twelve_in_the_order_of_the_coco_api(make_image: MakeImage) -> None:
    image = make_image([(0, 0, 0, 10, 10), (1, 20, 20, 60, 60)], [(0, 0.9, 0, 0, 10, 10), (1, 0.3, 20, 20, 60, 60)])
    metrics = _scores([image]).metrics
    assert list(metrics) == [
        *("map", "map_50", "map_75", "map_small", "map_medium", "map_large"),
        *("ar_1", "ar_10", "ar_100", "ar_small", "ar_medium", "ar_large"),
    ]
    undefined = [name for name, value in metrics.items() if value is None]
    assert undefined == ["map_large", "ar_large"]  # the boxes are of 10 and 40 pixels
    assert all(value == pytest.approx(1) for value in metrics.values() if value is not None)


def test_no_detection_scores_zero(make_image: MakeImage) -> None:
    scores = _scores([make_image([(0, 0, 0, 10, 10)], [])])
    assert (scores.metrics["map"], scores.metrics["ar_100"]) == (0, 0)
    assert scores.ap_by_class == (0, None, None)


def test_a_false_alarm_on_a_negative_costs(make_image: MakeImage) -> None:
    image = make_image([(0, 0, 0, 10, 10)], [(0, 0.5, 0, 0, 10, 10)])
    negative = make_image([], [(0, 0.9, 0, 0, 10, 10)], name="negative")
    assert _scores([image]).metrics["map_50"] == pytest.approx(1)
    assert _scores([image, negative]).metrics["map_50"] == pytest.approx(0.5)


def test_without_any_true_box_nothing_is_defined(make_image: MakeImage) -> None:
    scores = _scores([make_image([], [(0, 0.9, 0, 0, 10, 10)])])
    assert set(scores.metrics.values()) == {None}
    assert scores.ap_by_class == (None, None, None)
