from __future__ import annotations

from collections.abc import Callable
from functools import reduce

import numpy as np
import pytest

from groundloop.detections import bootstrap
from groundloop.detections.arrays import Floats, Ints
from groundloop.detections.bootstrap import Resampling, intervals, resample_weights, resampled_metrics
from groundloop.detections.coco import coco_scores
from groundloop.detections.dataset import ScoredImage
from groundloop.detections.evaluate import evaluate_at
from groundloop.detections.matching import Matches, match_detections, pool_detections
from groundloop.detections.metrics import as_json
from groundloop.errors import UserError

MakeImage = Callable[..., ScoredImage]
RandomImages = Callable[..., list[ScoredImage]]
CLASSES = ("nut", "bolt", "washer")
THRESHOLDS = np.array([0.3, 0.6, 0.5])
HERE = (0, 0, 10, 10)


def _matches(images: list[ScoredImage]) -> Matches:
    return match_detections(pool_detections(images, len(CLASSES)))


def _resampled(images: list[ScoredImage], weights: Ints) -> dict[str, Floats]:
    return resampled_metrics(_matches(images), THRESHOLDS, weights)


@pytest.mark.parametrize(
    ("seed", "limits"),
    [*((seed, {}) for seed in range(10)), (10, {"images": 3, "most_truths": 60, "most_detections": 700})],
)
def test_every_image_drawn_once_gives_the_metrics(
    seed: int, limits: dict[str, int], random_images: RandomImages
) -> None:
    images = random_images(seed, **limits)
    evaluation = as_json(evaluate_at(images, CLASSES, dict(zip(CLASSES, THRESHOLDS, strict=True))))
    once = _resampled(images, np.ones((len(images), 1), dtype=np.int64))
    for name, values in once.items():
        assert values == pytest.approx([reduce(lambda part, key: part[key], name.split("."), evaluation)], abs=1e-12), (
            name
        )
    assert set(once) == {
        *("map", "map_50", "voc_map", "count.mae", "count.bias", "count.exact_share"),
        *("at_threshold.precision", "at_threshold.recall", "at_threshold.f1"),
    }


@pytest.mark.parametrize("seed", range(5))
def test_a_weight_is_worth_as_many_copies(seed: int, random_images: RandomImages) -> None:
    """Scores differ, since ties between copies may be ordered in more than one way."""
    images = [_without_ties(image, seed) for image in random_images(seed)]
    weights = resample_weights(len(images), Resampling(resamples=3, seed=seed))
    assert weights.max() > 1
    metrics = _resampled(images, weights)
    for number, times in enumerate(weights.T):
        copies = [image for image, count in zip(images, times.tolist(), strict=True) for _ in range(count)]
        once = _resampled(copies, np.ones((len(copies), 1), dtype=np.int64))
        for name, values in once.items():
            assert metrics[name][number] == pytest.approx(values[0], abs=1e-12, nan_ok=True), name
        assert metrics["map"][number] == pytest.approx(coco_scores(_matches(copies)).metrics["map"], abs=1e-12)


def _without_ties(image: ScoredImage, seed: int) -> ScoredImage:
    noise = np.random.default_rng([seed, *image.source_ref.encode()]).random(len(image.scores)) * 1e-3
    return ScoredImage(
        image.source_ref, image.true_boxes, image.true_ids, image.boxes, image.class_ids, image.scores + noise
    )


def test_a_class_without_true_boxes_in_a_resample_is_left_out_of_its_mean(make_image: MakeImage) -> None:
    images = [make_image([(0, *HERE)], [(0, 0.9, *HERE)]), make_image([(1, *HERE)], [])]
    metrics = _resampled(images, np.array([[1, 2, 0], [1, 0, 2]]))
    assert metrics["map_50"].tolist() == [0.5, 1, 0]
    assert metrics["voc_map"].tolist() == [0.5, 1, 0]


def test_a_resample_in_which_a_metric_is_undefined_is_left_out(make_image: MakeImage) -> None:
    images = [make_image([(0, *HERE)], [(0, 0.9, *HERE)]), make_image([], [])]
    metrics = _resampled(images, np.array([[2, 1, 0], [0, 1, 2]]))
    for name in ("map", "map_50", "voc_map", "at_threshold.precision", "at_threshold.recall", "at_threshold.f1"):
        assert np.array_equal(metrics[name], [1, 1, np.nan], equal_nan=True)
    ends = intervals(match_detections(pool_detections(images, 3)), THRESHOLDS, Resampling(resamples=50))
    assert ends["map"] == (1, 1)


def test_an_undefined_metric_has_no_interval(make_image: MakeImage) -> None:
    images = [make_image([(0, *HERE)], [])] * 2
    ends = intervals(match_detections(pool_detections(images, 3)), THRESHOLDS, Resampling(resamples=50))
    assert "at_threshold.precision" not in ends
    assert ends["at_threshold.recall"] == (0, 0)


@pytest.mark.parametrize("images", [0, 1])
def test_fewer_than_two_images_have_no_intervals(images: int, random_images: RandomImages) -> None:
    assert (
        intervals(match_detections(pool_detections(random_images(0, images=images), 3)), THRESHOLDS, Resampling()) == {}
    )


def test_intervals_hold_the_metric_and_narrow_with_level_and_images(random_images: RandomImages) -> None:
    few, many = random_images(0, images=40), random_images(0, images=160)
    at_40 = intervals(match_detections(pool_detections(few, 3)), THRESHOLDS, Resampling(300))
    at_160 = intervals(match_detections(pool_detections(many, 3)), THRESHOLDS, Resampling(300))
    half = intervals(match_detections(pool_detections(few, 3)), THRESHOLDS, Resampling(300, level=0.5))
    metrics = _resampled(few, np.ones((len(few), 1), dtype=np.int64))
    for name in ("map_50", "at_threshold.f1", "count.mae"):
        (low, high), (inner_low, inner_high) = at_40[name], half[name]
        assert low < inner_low < metrics[name][0] < inner_high < high
        assert at_160[name][1] - at_160[name][0] < 0.75 * (high - low)


def test_the_seed_decides(random_images: RandomImages) -> None:
    matches = match_detections(pool_detections(random_images(0), 3))
    first, again, other = (intervals(matches, THRESHOLDS, Resampling(100, seed=seed)) for seed in (1, 1, 2))
    assert first == again != other


def test_portions_change_nothing(random_images: RandomImages, monkeypatch: pytest.MonkeyPatch) -> None:
    matches = match_detections(pool_detections(random_images(0), 3))
    together = intervals(matches, THRESHOLDS, Resampling(100))
    monkeypatch.setattr(bootstrap, "_CELLS_TOGETHER", 400)
    in_portions = intervals(matches, THRESHOLDS, Resampling(100))
    assert in_portions.keys() == together.keys()
    for name, ends in in_portions.items():
        assert ends == pytest.approx(together[name], abs=1e-12)


@pytest.mark.parametrize("wrong", [{"level": 95}, {"level": 0}, {"resamples": -1}, {"seed": -1}], ids=str)
def test_resampling_that_makes_no_sense(wrong: dict[str, int]) -> None:
    with pytest.raises(UserError, match="intervals"):
        Resampling(**wrong)


def test_the_share_of_intervals_that_hold_the_truth_is_near_the_level() -> None:
    """Of 100 samples from one population, intervals of 90 % for the recall hold the true one about 90 times."""
    random = np.random.default_rng(0)
    holding = 0
    for seed in range(100):
        images = []
        for number in range(60):
            found = random.random(3) < 0.7
            boxes = np.array([(20.0 * k, 0, 20 * k + 10, 10) for k in range(3)])
            ids = np.zeros(3, dtype=np.int64)
            kept = boxes[found]
            images.append(ScoredImage(str(number), boxes, ids, kept, ids[: len(kept)], np.full(len(kept), 0.9)))
        ends = intervals(
            match_detections(pool_detections(images, 1)), np.array([0.5]), Resampling(100, level=0.9, seed=seed)
        )
        low, high = ends["at_threshold.recall"]
        holding += low <= 0.7 <= high
    assert 80 <= holding <= 97
