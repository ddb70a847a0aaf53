from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from groundloop.detections.dataset import ScoredImage
from groundloop.detections.matching import match_detections, pool_detections
from groundloop.detections.voc import VocScores, voc_scores

MakeImage = Callable[..., ScoredImage]
RandomImages = Callable[..., list[ScoredImage]]


def _scores(images: Sequence[ScoredImage], num_classes: int) -> VocScores:
    return voc_scores(match_detections(pool_detections(images, num_classes)))


def test_a_worked_example(make_image: MakeImage) -> None:
    """Five ground-truth boxes in two images; by falling score: true, true, duplicate, false, true, false.

    Worked by hand: true positives 1 2 2 2 3 3, so
    recall    0.2  0.4  0.4  0.4  0.6  0.6
    precision 1    1    2/3  1/2  3/5  1/2
    Area: 0.4 x 1 + 0.2 x 0.6 = 0.52. Eleven points: recall 0 to 0.4 (five levels) best precision 1, recall 0.5 and
    0.6 best 0.6, the other four 0: (5 + 1.2) / 11.
    """
    first = make_image(
        [(0, 0, 0, 10, 10), (0, 20, 0, 30, 10), (0, 40, 0, 50, 10)],
        [(0, 0.95, 0, 0, 10, 10), (0, 0.8, 0, 0, 10, 9), (0, 0.7, 60, 60, 70, 70)],
        name="first",
    )
    second = make_image(
        [(0, 0, 0, 10, 10), (0, 20, 0, 30, 10)],
        [(0, 0.5, 0, 50, 10, 60), (0, 0.6, 20, 0, 30, 9), (0, 0.9, 0, 0, 10, 8)],
        name="second",
    )
    scores = _scores([first, second], 2)
    assert scores.mean_ap == pytest.approx(0.52)
    assert scores.mean_ap_07 == pytest.approx(6.2 / 11)
    assert list(scores.ap_by_class) == [pytest.approx(0.52), None]
    assert list(scores.ap_07_by_class) == [pytest.approx(6.2 / 11), None]


def test_the_best_box_being_taken_is_a_duplicate_though_another_is_free(make_image: MakeImage) -> None:
    """The devkit looks for the best ground-truth box first and only then whether it is free."""
    image = make_image([(0, 0, 0, 10, 10), (0, 2, 0, 12, 10)], [(0, 0.9, 0, 0, 10, 10), (0, 0.8, 0.5, 0, 10.5, 10)])
    assert _scores([image], 1).mean_ap == pytest.approx(0.5)


def test_the_mean_is_over_classes_with_true_boxes(make_image: MakeImage) -> None:
    image = make_image([(0, 0, 0, 10, 10), (2, 50, 50, 60, 60)], [(0, 0.9, 0, 0, 10, 10), (1, 0.9, 0, 0, 10, 10)])
    scores = _scores([image], 3)
    assert list(scores.ap_by_class) == [pytest.approx(1), None, 0]
    assert scores.mean_ap == pytest.approx(0.5)
    assert scores.mean_ap_07 == pytest.approx(0.5)


def test_without_true_boxes_nothing_is_defined(make_image: MakeImage) -> None:
    scores = _scores([make_image([], [(0, 0.9, 0, 0, 1, 1)])], 1)
    assert (scores.mean_ap, scores.mean_ap_07, scores.ap_by_class) == (None, None, (None,))


@pytest.mark.parametrize("seed", range(25))
def test_equal_to_the_devkits_procedure_in_plain_python(seed: int, random_images: RandomImages) -> None:
    images = random_images(seed)
    scores = _scores(images, 3)
    for class_id in range(3):
        expected = _devkit(images, class_id)
        if expected is None:
            assert scores.ap_by_class[class_id] is scores.ap_07_by_class[class_id] is None
        else:
            ours = (scores.ap_by_class[class_id], scores.ap_07_by_class[class_id])
            assert ours == pytest.approx(expected, abs=1e-12)


def _devkit(images: Sequence[ScoredImage], class_id: int) -> tuple[float, float] | None:
    """`VOCevaldet.m` step by step: the area and the eleven-point AP; None without ground-truth boxes."""
    found = [
        (score, number, box)
        for number, image in enumerate(images)
        for of, score, box in zip(image.class_ids.tolist(), image.scores.tolist(), image.boxes.tolist(), strict=True)
        if of == class_id
    ]
    found.sort(key=lambda row: -row[0])
    truths = [
        [box for of, box in zip(image.true_ids.tolist(), image.true_boxes.tolist(), strict=True) if of == class_id]
        for image in images
    ]
    positives = sum(len(boxes) for boxes in truths)
    if not positives:
        return None
    done: set[tuple[int, int]] = set()
    points, true = [], 0
    for place, (_, number, box) in enumerate(found, start=1):
        best, best_iou = -1, -1.0
        for index, other in enumerate(truths[number]):
            iou = _iou(box, other)
            if iou > best_iou:
                best, best_iou = index, iou
        if best_iou >= 0.5 and (number, best) not in done:
            done.add((number, best))
            true += 1
        points.append((true / positives, true / place))
    area, before = 0.0, 0.0
    for place, (recall, _) in enumerate(points):
        area += (recall - before) * max(precision for _, precision in points[place:])
        before = recall
    eleven = 0.0
    for tenths in range(11):
        at_least = [precision for recall, precision in points if round(recall * positives) * 10 >= tenths * positives]
        eleven += max(at_least, default=0.0) / 11
    return area, eleven


def _iou(one: Sequence[float], other: Sequence[float]) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return width * height / (sum(areas) - width * height)
