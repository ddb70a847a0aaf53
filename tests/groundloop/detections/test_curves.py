from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from groundloop.detections.coco import coco_scores
from groundloop.detections.curves import THRESHOLDS, class_curves, mean_curves
from groundloop.detections.dataset import ScoredImage
from groundloop.detections.matching import match_detections, pool_detections
from groundloop.detections.operating_point import at_thresholds

MakeImage = Callable[..., ScoredImage]
RandomImages = Callable[..., list[ScoredImage]]
HERE, THERE, NOWHERE = (0, 0, 10, 10), (20, 0, 30, 10), (50, 50, 60, 60)


def test_over_the_threshold(make_image: MakeImage) -> None:
    image = make_image([(0, *HERE), (0, *THERE)], [(0, 0.8, *HERE), (0, 0.5, *NOWHERE)])
    curves = class_curves(match_detections(pool_detections([image], 1)), 0)
    assert curves is not None
    at = [0, 500, 501, 800, 801, 1000]
    assert curves.precision[at].tolist() == [0.5, 0.5, 1, 1, 1, 1]
    assert curves.recall[at].tolist() == [0.5, 0.5, 0.5, 0.5, 0, 0]
    assert curves.f1[at].tolist() == pytest.approx([0.5, 0.5, 2 / 3, 2 / 3, 0, 0])


@pytest.mark.parametrize("seed", range(5))
def test_agree_with_the_metrics(seed: int, random_images: RandomImages) -> None:
    images = random_images(seed)
    matches = match_detections(pool_detections(images, 3))
    curves = [class_curves(matches, class_id) for class_id in range(3)]
    assert curves[2] is None  # no ground-truth box
    known = [each for each in curves if each is not None]
    coco = coco_scores(matches)
    assert [each.precision_at_recall.mean() for each in known] == pytest.approx(list(coco.ap_50_by_class[:2]))
    assert mean_curves(known).precision_at_recall.mean() == pytest.approx(coco.metrics["map_50"])
    for place in (0, 100, 333, 700):
        metrics = at_thresholds(matches, np.full(3, THRESHOLDS[place]))
        for each, expected in zip(known, metrics, strict=False):
            assert each.recall[place] == expected.recall
            assert each.precision[place] == (1 if expected.precision is None else expected.precision)
            assert each.f1[place] == expected.f1


def test_sizes(make_image: MakeImage) -> None:
    curves = class_curves(match_detections(pool_detections([make_image([(0, *HERE)], [])], 1)), 0)
    assert curves is not None
    for each in (curves, mean_curves([curves]), mean_curves([])):
        assert each.precision_at_recall.shape == (101,)
        assert each.precision.shape == each.recall.shape == each.f1.shape == (1001,)
