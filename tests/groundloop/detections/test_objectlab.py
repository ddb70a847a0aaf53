"""ObjectLab's scores are those that cleanlab 2.9.0 computes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from groundloop.detections.dataset import ScoredImage
from groundloop.detections.matching import pool_detections
from groundloop.detections.objectlab import objectlab_scores

#: Images with every case of the formulas, and what cleanlab 2.9.0 computes of them.
RECORDED = Path(__file__).with_name("objectlab_by_cleanlab.json")
KINDS = ("overlooked", "badly_located", "swapped", "image")
CLASSES = 3


def scored(label_rows: Any, detection_rows: Any, name: str = "a") -> ScoredImage:
    """Return an image from rows: label (class, xmin, ymin, xmax, ymax), detection (class, score, xmin, ...)."""
    labels = np.array(label_rows, dtype=np.float64).reshape(-1, 5)
    found = np.array(detection_rows, dtype=np.float64).reshape(-1, 6)
    ids, found_ids = labels[:, 0].astype(np.int64), found[:, 0].astype(np.int64)
    return ScoredImage(name, labels[:, 1:], ids, found[:, 2:], found_ids, found[:, 1])


def recorded() -> tuple[list[ScoredImage], dict[str, list[float]]]:
    """Return the recorded images, and their scores by kind."""
    content = json.loads(RECORDED.read_bytes())
    return [scored(one["labels"], one["detections"]) for one in content["images"]], content["scores"]


@pytest.mark.parametrize("kind", KINDS)
def test_scores_are_those_that_cleanlab_computed(kind: str) -> None:
    images, expected = recorded()
    got = getattr(objectlab_scores(pool_detections(images, CLASSES)), kind)
    np.testing.assert_allclose(got, expected[kind], rtol=0, atol=1e-9)


def test_every_kind_of_error_is_among_the_recorded() -> None:
    _, expected = recorded()
    for kind in KINDS:
        assert min(expected[kind]) < 0.2, kind
        assert max(expected[kind]) == pytest.approx(1), kind


def test_scores_are_those_of_cleanlab_itself() -> None:
    if not cleanlab_installed():
        pytest.skip("cleanlab is not installed: pip install cleanlab==2.9.0")
    images = drawn_images(np.random.default_rng(5), 80)
    got, expected = objectlab_scores(pool_detections(images, CLASSES)), by_cleanlab(images)
    for kind in KINDS:
        np.testing.assert_allclose(getattr(got, kind), expected[kind], rtol=0, atol=1e-9, err_msg=kind)


def test_no_image_has_no_score() -> None:
    assert objectlab_scores(pool_detections([], CLASSES)).image.tolist() == []


def cleanlab_installed() -> bool:
    """Return whether cleanlab can be imported."""
    from importlib.util import find_spec

    return find_spec("cleanlab") is not None


def drawn_images(random: np.random.Generator, count: int) -> list[ScoredImage]:
    """Draw images of which many have errors: labels left out, of another class, or moved."""
    images = []
    for number in range(count):
        low = random.integers(0, 900, (random.integers(0, 6), 2)).astype(np.float64)
        objects = np.hstack([low, low + random.integers(10, 120, low.shape)])
        ids = random.integers(0, CLASSES, len(objects))
        kept = random.random(len(objects)) > 0.15
        moved = objects + np.where(random.random((len(objects), 1)) < 0.2, random.normal(0, 12, objects.shape), 0)
        wrong = np.where(random.random(len(ids)) < 0.15, random.integers(0, CLASSES, len(ids)), ids)
        found = np.repeat(objects, 2, axis=0) + random.normal(0, 4, (2 * len(objects), 4))
        scores = np.tile([0.97, 0.4], len(objects)) + random.uniform(-0.3, 0.03, 2 * len(objects))
        labels = np.hstack([wrong[kept, None], np.sort(moved[kept].reshape(-1, 2, 2), axis=1).reshape(-1, 4)])
        detections = np.hstack([np.repeat(ids, 2)[:, None], scores[:, None], found])
        images.append(scored(labels, detections, str(number)))
    return images


def by_cleanlab(images: list[ScoredImage]) -> dict[str, list[float]]:
    """Return cleanlab's scores."""
    from cleanlab.object_detection import rank

    labels = [{"bboxes": image.true_boxes, "labels": image.true_ids} for image in images]
    predictions = []
    for image in images:
        rows = np.hstack([image.boxes, image.scores[:, None]])
        by_class = np.empty(CLASSES, dtype=object)
        for class_id in range(CLASSES):
            by_class[class_id] = rows[image.class_ids == class_id]
        predictions.append(by_class)
    pool = rank.pool_box_scores_per_image
    return {
        "overlooked": pool(rank.compute_overlooked_box_scores(labels=labels, predictions=predictions)).tolist(),
        "badly_located": pool(rank.compute_badloc_box_scores(labels=labels, predictions=predictions)).tolist(),
        "swapped": pool(rank.compute_swap_box_scores(labels=labels, predictions=predictions)).tolist(),
        "image": rank.get_label_quality_scores(labels, predictions, verbose=False).tolist(),
    }
