from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from detections.coco import coco_scores
from detections.dataset import ScoredImage
from labels.errors import UserError

MakeImage = Callable[..., ScoredImage]
CLASSES = ("nut", "bolt", "washer")


def _random_set(seed: int) -> list[ScoredImage]:
    """Boxes on a coarse grid and scores of one digit, so that scores and overlaps tie often."""
    random = np.random.default_rng(seed)

    def boxes(count: int) -> Any:
        low = random.integers(0, 8, (count, 2)) * 10.0
        return np.hstack([low, low + random.integers(1, 5, (count, 2)) * 10.0])

    images = []
    for number in range(12):
        truths, found = int(random.integers(0, 8)), int(random.integers(0, 12))
        true_boxes = boxes(truths)
        near = true_boxes[random.integers(0, truths, found)] if truths else boxes(found)
        images.append(
            ScoredImage(
                source_ref=f"s3://b/{number}.jpg",
                true_boxes=true_boxes,
                true_ids=random.integers(0, 2, truths),
                boxes=near + random.choice([0.0, 1.0, 2.0], near.shape),
                class_ids=random.integers(0, 3, found),
                scores=random.integers(1, 10, found) / 10,
            )
        )
    return images


def _pycocotools(images: Sequence[ScoredImage]) -> tuple[list[float], list[float], list[float]]:
    """The statistics and per-class AP and AP50 of the reference implementation."""
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
    by_class = [float(precision[:, :, k].mean()) for k in range(len(CLASSES))]
    return list(evaluation.stats), by_class, [float(precision[0, :, k].mean()) for k in range(len(CLASSES))]


@pytest.mark.parametrize("seed", range(25))
def test_equal_to_pycocotools_on_random_sets_full_of_ties(seed: int) -> None:
    images = _random_set(seed)
    scores = coco_scores(images, CLASSES)
    stats, ap, ap_50 = _pycocotools(images)
    ours = [scores.ap, scores.ap_50, scores.ap_75, scores.ar_100]
    assert ours == pytest.approx([stats[0], stats[1], stats[2], stats[8]], abs=1e-9)
    # The reference says -1 where a class has no true box.
    assert [-1 if value is None else value for value in scores.ap_by_class] == pytest.approx(ap, abs=1e-9)
    assert [-1 if value is None else value for value in scores.ap_50_by_class] == pytest.approx(ap_50, abs=1e-9)
    assert scores.ap_by_class[2] is None


def test_perfect_detections_score_one(make_image: MakeImage) -> None:
    image = make_image([(0, 0, 0, 10, 10), (1, 20, 20, 40, 40)], [(0, 0.9, 0, 0, 10, 10), (1, 0.3, 20, 20, 40, 40)])
    scores = coco_scores([image], CLASSES)
    assert (scores.ap, scores.ap_50, scores.ap_75, scores.ar_100) == pytest.approx((1, 1, 1, 1))
    assert scores.ap_by_class == (pytest.approx(1), pytest.approx(1), None)


def test_no_detection_scores_zero(make_image: MakeImage) -> None:
    scores = coco_scores([make_image([(0, 0, 0, 10, 10)], [])], CLASSES)
    assert (scores.ap, scores.ar_100, scores.ap_by_class) == (0, 0, (0, None, None))


def test_a_false_alarm_on_a_negative_costs(make_image: MakeImage) -> None:
    image = make_image([(0, 0, 0, 10, 10)], [(0, 0.5, 0, 0, 10, 10)])
    negative = make_image([], [(0, 0.9, 0, 0, 10, 10)], name="negative")
    assert coco_scores([image], CLASSES).ap_50 == pytest.approx(1)
    assert coco_scores([image, negative], CLASSES).ap_50 == pytest.approx(0.5)


def test_without_any_true_box_there_is_nothing_to_measure(make_image: MakeImage) -> None:
    with pytest.raises(UserError, match="no true box"):
        coco_scores([make_image([], [(0, 0.9, 0, 0, 10, 10)])], CLASSES)
