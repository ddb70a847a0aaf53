"""Suspicious labels: what is suspected of one label, and how many injected errors stand first."""

from __future__ import annotations

from dataclasses import replace
from itertools import cycle

import numpy as np
import pytest

from groundloop.detections.arrays import Bools, Floats
from groundloop.detections.calibration import Calibration, IsotonicCurve
from groundloop.detections.dataset import ScoredImage
from groundloop.detections.label_errors import ImageSuspicion, LabelErrorKind, suspected_errors
from groundloop.detections.matching import pool_detections
from groundloop.detections.outcomes import outcomes

CLASSES = ("bolt", "nut")
BOLT, NUT = 0, 1
#: Scores that are probabilities.
IDENTITY = Calibration(IsotonicCurve(np.array([0.0, 1.0]), np.array([0.0, 1.0]), np.array([1.0, 1.0])), {}, 100)
PLACE = (100, 50, 140, 90)
#: The same place moved to the right: IoU 0.6, 0.48, 0.25 and 0.
MOVED = {0.6: (110, 50, 150, 90), 0.48: (114, 50, 154, 90), 0.25: (124, 50, 164, 90), 0.0: (200, 50, 240, 90)}

Label = tuple[int, tuple[int, int, int, int]]
Detection = tuple[int, float, tuple[int, int, int, int]]


def scored(labels: list[Label], detections: list[Detection]) -> ScoredImage:
    """Return an image with these labels and detections."""
    return ScoredImage(
        source_ref="s3://b/a.jpg",
        true_boxes=np.array([box for _, box in labels], dtype=np.float64).reshape(-1, 4),
        true_ids=np.array([class_id for class_id, _ in labels], dtype=np.int64),
        boxes=np.array([box for _, _, box in detections], dtype=np.float64).reshape(-1, 4),
        class_ids=np.array([class_id for class_id, _, _ in detections], dtype=np.int64),
        scores=np.array([score for _, score, _ in detections], dtype=np.float64),
    )


def suspicion(labels: list[Label], detections: list[Detection]) -> ImageSuspicion:
    """Return what is suspected of one image."""
    (found,) = suspected_errors(pool_detections([scored(labels, detections)], len(CLASSES)), CLASSES, IDENTITY)
    return found


@pytest.mark.parametrize(
    ("labels", "detections", "expected", "words"),
    [
        pytest.param(
            [], [(NUT, 0.9, PLACE)], {"missing": 0.9}, "no label at (100, 50): detector says nut 0.90", id="missing"
        ),
        pytest.param(
            [(BOLT, MOVED[0.0]), (BOLT, PLACE)],
            [(NUT, 0.9, MOVED[0.0]), (BOLT, 0.9, PLACE)],
            {"swapped": 0.9},
            "label bolt at (200, 50) looks swapped: detector says nut 0.90",
            id="swapped",
        ),
        pytest.param(
            [(BOLT, PLACE)], [(NUT, 0.9, PLACE), (BOLT, 0.4, PLACE)], {"swapped": 0.54}, None, id="swapped or not"
        ),
        pytest.param(
            [(BOLT, MOVED[0.48])],
            [(BOLT, 0.9, PLACE)],
            {"badly placed": 0.9 * (1 - 26 / 54)},
            "label bolt at (114, 50) looks badly placed: IoU 0.48 with the detection of score 0.90",
            id="badly placed",
        ),
        pytest.param(
            [(BOLT, MOVED[0.25])],
            [(BOLT, 0.9, PLACE)],
            {"badly placed": 0.675},
            None,
            id="badly placed by half: one error",
        ),
        pytest.param(
            [(BOLT, PLACE), (BOLT, MOVED[0.0])],
            [(BOLT, 0.9, PLACE)],
            {"spurious": 0.5},
            "label bolt at (200, 50) looks spurious: nothing detected there",
            id="spurious, as half of the bolts are detected",
        ),
        pytest.param(
            [(NUT, PLACE)],
            [(BOLT, 0.9, MOVED[0.25])],
            {"missing": 0.9, "spurious": 1 / 3},
            None,
            id="another class beside a label is another object",
        ),
    ],
)
def test_each_kind_is_named_with_its_suspicion(
    labels: list[Label], detections: list[Detection], expected: dict[str, float], words: str | None
) -> None:
    found = suspicion(labels, detections)
    assert {error.kind.value: error.suspicion for error in found.errors} == pytest.approx(expected)
    assert found.suspicion == pytest.approx(sum(expected.values()))
    assert words in (None, str(found.errors[0]))


@pytest.mark.parametrize(
    ("labels", "detections"),
    [
        pytest.param([], [], id="nothing at all"),
        pytest.param([(BOLT, PLACE)], [(BOLT, 0.9, PLACE)], id="the detector agrees"),
        pytest.param([], [(BOLT, 0.04, PLACE)], id="an unlikely detection"),
        pytest.param(
            [(BOLT, PLACE)], [(BOLT, 1.0, PLACE), (BOLT, 0.9, MOVED[0.48])], id="another detection fits the label"
        ),
        pytest.param(
            [(BOLT, PLACE), (BOLT, MOVED[0.48])],
            [(BOLT, 1.0, PLACE), (BOLT, 1.0, MOVED[0.48])],
            id="each of two neighbours has its detection",
        ),
        pytest.param(
            [(BOLT, PLACE), (NUT, PLACE)], [(BOLT, 1.0, PLACE), (NUT, 1.0, PLACE)], id="two objects on one place"
        ),
    ],
)
def test_nothing_is_suspected(labels: list[Label], detections: list[Detection]) -> None:
    assert suspicion(labels, detections) == ImageSuspicion(0.0, ())


def test_a_missing_object_is_suspected_once() -> None:
    found = suspicion([], [(NUT, 0.6, PLACE), (BOLT, 0.8, PLACE), (NUT, 0.8, MOVED[0.6])])
    assert [(error.class_name, error.suspicion) for error in found.errors] == [("bolt", 0.8)]


@pytest.mark.parametrize(
    ("left", "badly_placed"),
    [pytest.param(107, [], id="fits one of them"), pytest.param(115, [124], id="fits neither")],
)
def test_a_detection_between_two_labels_speaks_of_the_nearest(left: int, badly_placed: list[int]) -> None:
    found = suspicion([(BOLT, PLACE), (BOLT, MOVED[0.25])], [(BOLT, 0.9, (left, 50, left + 40, 90))])
    assert [error.box[0] for error in found.errors] == badly_placed


def test_weak_suspicions_are_summed_but_not_named() -> None:
    found = suspicion([], [(NUT, 0.15, PLACE), (BOLT, 0.1, MOVED[0.0])])
    assert found.errors == ()
    assert found.suspicion == pytest.approx(0.25)


def test_labels_are_as_exact_as_the_model_can_tell() -> None:
    # Of 100 bolts the model places every tenth as badly as the one that is asked for.
    ordinary = [
        scored([(BOLT, PLACE)], [(BOLT, 1.0, MOVED[0.6] if number % 10 else MOVED[0.48])]) for number in range(100)
    ]
    found = suspected_errors(pool_detections(ordinary, len(CLASSES)), CLASSES, IDENTITY)
    assert [image.errors for image in found] == [()] * 100
    one, *_ = suspected_errors(pool_detections(ordinary[:1], len(CLASSES)), CLASSES, IDENTITY)
    assert [error.kind for error in one.errors] == [LabelErrorKind.BADLY_PLACED]


def test_images_have_their_own_errors() -> None:
    images = [scored([], []), scored([], [(NUT, 0.9, PLACE)]), scored([(NUT, PLACE)], [(NUT, 0.9, PLACE)])]
    found = suspected_errors(pool_detections(images, len(CLASSES)), CLASSES, IDENTITY)
    assert [len(image.errors) for image in found] == [0, 1, 0]


class TestInjectedErrors:
    """300 images, 18 % of them with one label dropped, swapped or moved; a detector of known behaviour.

    It misses 3 % of the objects, takes 2 % for another class, is off by 5 % of a side, and sees half an object an image
    where there is none.
    """

    IMAGES, SHARE, SIZE = 300, 0.18, (320, 240)

    def images(self, random: np.random.Generator) -> tuple[list[ScoredImage], list[str]]:
        """Return the images with faulty labels, and the error of each, or an empty string."""
        faulty = random.permutation(self.IMAGES)[: round(self.SHARE * self.IMAGES)].tolist()
        errors = dict(zip(faulty, cycle(("dropped", "swapped", "moved")), strict=False))
        made = [self.with_error(self.image(random), errors.get(number, ""), random) for number in range(self.IMAGES)]
        return made, [errors.get(number, "") for number in range(self.IMAGES)]

    def image(self, random: np.random.Generator) -> ScoredImage:
        """Return an image whose labels are right."""
        count = int(random.integers(2, 7))
        cells = random.permutation(12)[:count]  # of 80 x 80 pixels: objects hardly overlap
        size = random.uniform(35, 75, (count, 2))
        low = np.stack([cells % 4, cells // 4], axis=1) * 80 + random.uniform(0, 80 - size)
        objects, ids = np.hstack([low, low + size]), random.integers(0, len(CLASSES), count)
        seen = random.random(count) > 0.03
        slips = random.random(count) < 0.02
        found = objects[seen] + random.normal(0, 0.05, (int(seen.sum()), 4)) * np.tile(size[seen], 2)
        false = random.uniform(0, 200, (int(random.poisson(0.5)), 2))
        return ScoredImage(
            source_ref="",
            true_boxes=objects,
            true_ids=ids,
            boxes=np.vstack([found, np.hstack([false, false + 40])]),
            class_ids=np.append(np.where(slips, 1 - ids, ids)[seen], random.integers(0, len(CLASSES), len(false))),
            scores=np.append(random.beta(6, 2, len(found)), random.beta(2, 4, len(false))),
        )

    def with_error(self, image: ScoredImage, error: str, random: np.random.Generator) -> ScoredImage:
        """Return the image with one faulty label."""
        which = int(random.integers(len(image.true_ids)))
        boxes, ids = image.true_boxes.copy(), image.true_ids.copy()
        if error == "dropped":
            boxes, ids = np.delete(boxes, which, axis=0), np.delete(ids, which)
        elif error == "swapped":
            ids[which] = 1 - ids[which]
        elif error == "moved":
            sides = boxes[which, 2:] - boxes[which, :2]
            boxes[which] += np.tile(random.uniform(0.2, 0.5, 2) * random.choice([-1, 1], 2) * sides, 2)
        return replace(image, true_boxes=boxes, true_ids=ids)

    @pytest.mark.parametrize("seed", [1, 2, 3])
    def test_they_stand_first(self, seed: int) -> None:
        images, errors = self.images(np.random.default_rng(seed))
        # As in reality, the scores are calibrated on labels that are faulty too.
        calibration = Calibration.fit(outcomes("validation", images[:150], CLASSES, dict.fromkeys(CLASSES, 0.5)))
        found = suspected_errors(pool_detections(images, len(CLASSES)), CLASSES, calibration)
        scores, faulty = np.array([image.suspicion for image in found]), np.array([bool(error) for error in errors])
        assert auroc(scores, faulty) >= 0.8
        first = np.argsort(-scores, kind="stable")[: 2 * faulty.sum()].tolist()
        assert sum(errors[index] == "dropped" for index in first) >= 0.8 * errors.count("dropped")


def auroc(scores: Floats, positive: Bools) -> float:
    """Return the probability that a positive one has the higher score; ties count half."""
    difference = scores[positive][:, None] - scores[~positive][None, :]
    return float((np.sign(difference) / 2 + 0.5).mean())
