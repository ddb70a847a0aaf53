"""What the network is asked for, and how its answer becomes boxes: the one is the inverse of the other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundloop.local.detector.augmentation import augment
from groundloop.local.detector.boxes import Boxes, Detections
from groundloop.local.detector.decoding import MAX_DETECTIONS, decode, suppress
from groundloop.local.detector.images import normalise
from groundloop.local.detector.metric import voc07_map
from groundloop.local.detector.targets import Targets, make_targets

CELLS = 20


def boxes(*rows: tuple[int, float, float, float, float]) -> Boxes:
    """Rows of class, xmin, ymin, xmax, ymax."""
    corners = np.array([row[1:] for row in rows], float).reshape(-1, 4)
    return Boxes(np.array([row[0] for row in rows], np.intp), corners)


def detections(*rows: tuple[int, float, float, float, float, float]) -> Detections:
    """Rows of class, score, xmin, ymin, xmax, ymax, best first."""
    array = np.array(rows, float).reshape(-1, 6)
    return Detections(array[:, 0].astype(np.intp), array[:, 1], array[:, 2:])


def perfect_answer(targets: Targets) -> np.ndarray:
    """The output of a network that learnt these targets exactly."""
    heat = np.clip(targets.heat, 1e-6, 1 - 1e-6)
    return np.concatenate([np.log(heat / (1 - heat)), targets.box], axis=3)


class TestTargets:
    def test_the_peak_stands_at_the_cell_of_the_centre_and_only_in_its_class(self) -> None:
        targets = make_targets([boxes((1, 0.5, 0.2, 0.7, 0.4))], 3, CELLS)
        assert np.argwhere(targets.heat == 1).tolist() == [[0, 6, 12, 1]]
        assert not targets.heat[..., [0, 2]].any()

    def test_box_values_are_the_offset_in_cells_and_the_logarithms_of_the_sides(self) -> None:
        targets = make_targets([boxes((0, 0.50, 0.20, 0.71, 0.42))], 1, CELLS)
        np.testing.assert_allclose(targets.box[0, 6, 12], [12.1 - 12.5, 6.2 - 6.5, np.log(4.2), np.log(4.4)], atol=1e-5)
        assert targets.weight[0, 6, 12] == 1

    def test_box_values_are_wanted_only_near_the_centre(self) -> None:
        targets = make_targets([boxes((0, 0.25, 0.25, 0.75, 0.75))], 1, CELLS)
        wanted = targets.weight[0] > 0
        assert 1 < wanted.sum() < 5 * 5
        np.testing.assert_array_equal(targets.weight[0][wanted], targets.heat[0, :, :, 0][wanted])

    def test_a_small_object_keeps_its_cell_within_a_large_one(self) -> None:
        large, small = (0, 0.0, 0.0, 1.0, 1.0), (1, 0.47, 0.47, 0.57, 0.57)
        for order in [(large, small), (small, large)]:
            targets = make_targets([boxes(*order)], 2, CELLS)
            assert targets.box[0, 10, 10, 2] == pytest.approx(np.log(0.1 * CELLS), abs=1e-5)

    def test_an_image_without_objects_asks_for_nothing(self) -> None:
        targets = make_targets([boxes()], 2, CELLS)
        assert not targets.heat.any()
        assert not targets.weight.any()

    def test_a_centre_on_the_far_border_belongs_to_the_last_cell(self) -> None:
        targets = make_targets([boxes((0, 0.999, 0.999, 1.0, 1.0))], 1, CELLS)
        assert np.argwhere(targets.heat == 1).tolist() == [[0, 19, 19, 0]]


class TestDecoding:
    @given(
        st.integers(0, 2),
        st.floats(0.05, 0.6),
        st.floats(0.05, 0.6),
        st.floats(0.06, 0.35),
        st.floats(0.06, 0.35),
    )
    def test_a_perfect_answer_gives_the_box_back(
        self, class_id: int, left: float, top: float, width: float, height: float
    ) -> None:
        truth = boxes((class_id, left, top, left + width, top + height))
        found = decode(perfect_answer(make_targets([truth], 3, CELLS)), 3, nms_threshold=0.45)[0]
        assert found.classes[0] == class_id
        assert found.scores[0] > 0.99
        np.testing.assert_allclose(found.corners[0], truth.corners[0], atol=1e-5)

    def test_boxes_are_sorted_by_score_and_stay_in_the_image(self) -> None:
        output = np.random.default_rng(0).standard_normal((2, CELLS, CELLS, 3 + 4)) * 2
        for found in decode(output, 3, nms_threshold=0.45):
            assert (np.diff(found.scores) <= 0).all()
            assert found.corners.min() >= 0
            assert found.corners.max() <= 1
            assert len(found.scores) <= MAX_DETECTIONS

    def test_nothing_above_the_floor_is_an_empty_answer(self) -> None:
        found = decode(np.full((1, CELLS, CELLS, 6), -9.0), 2, nms_threshold=0.45)[0]
        assert found.corners.shape == (0, 4)

    def test_wild_answers_do_not_overflow(self) -> None:
        found = decode(np.full((1, 4, 4, 6), 1e4), 2, nms_threshold=1.0)[0]
        assert np.isfinite(found.corners).all()

    def test_a_worse_box_over_a_better_one_is_suppressed_within_its_class_only(self) -> None:
        corners = np.array([[0, 0, 1, 1], [0, 0, 1, 0.9], [0, 0, 1, 0.9], [0, 0, 1, 0.3]])
        assert suppress(np.array([0, 0, 1, 0]), corners, 0.45) == [0, 2, 3]


class TestMetric:
    TRUTH = boxes((0, 0.1, 0.1, 0.3, 0.3), (0, 0.5, 0.5, 0.8, 0.8))

    def score(self, found: Detections, **options: float) -> float:
        return voc07_map([self.TRUTH], [found], 2, overlap_threshold=options.get("overlap_threshold", 0.5))

    def test_everything_found_is_one(self) -> None:
        assert self.score(detections((0, 0.9, 0.1, 0.1, 0.3, 0.3), (0, 0.8, 0.5, 0.5, 0.8, 0.8))) == pytest.approx(1)

    def test_half_found_reaches_six_of_the_eleven_recall_points(self) -> None:
        assert self.score(detections((0, 0.9, 0.1, 0.1, 0.3, 0.3))) == pytest.approx(6 / 11)

    def test_a_second_detection_of_the_same_box_is_wrong(self) -> None:
        twice = detections((0, 0.9, 0.1, 0.1, 0.3, 0.3), (0, 0.85, 0.1, 0.1, 0.3, 0.3), (0, 0.8, 0.5, 0.5, 0.8, 0.8))
        assert self.score(twice) == pytest.approx((6 + 5 * 2 / 3) / 11)

    def test_the_other_class_finds_nothing(self) -> None:
        assert self.score(detections((1, 0.9, 0.1, 0.1, 0.3, 0.3))) == 0

    def test_an_overlap_exactly_at_the_threshold_is_not_enough(self) -> None:
        half = detections((0, 0.9, 0.125, 0.25, 0.375, 0.5))
        truth = [boxes((0, 0.125, 0.25, 0.375, 0.75))]
        assert voc07_map(truth, [half], 1, overlap_threshold=0.5) == 0
        assert voc07_map(truth, [half], 1, overlap_threshold=0.49) == pytest.approx(1)

    def test_classes_without_a_box_do_not_count(self) -> None:
        assert voc07_map([boxes()], [detections((0, 0.9, 0, 0, 1, 1))], 2, overlap_threshold=0.5) == 0


class TestAugmentation:
    def test_boxes_follow_the_pixels(self) -> None:
        """A white rectangle on black is found again where the box says, in every view."""
        rng = np.random.default_rng(5)
        pixels = np.zeros((160, 160, 3), np.uint8)
        pixels[60:100, 40:90] = 255
        truth = boxes((0, 40 / 160, 60 / 160, 90 / 160, 100 / 160))
        for _ in range(30):
            view, seen = augment(rng, pixels, truth)
            bright = view.mean(axis=2) > normalise(np.full(1, 180, np.uint8))[0]
            rows, columns = np.flatnonzero(bright.any(axis=1)), np.flatnonzero(bright.any(axis=0))
            found = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]) / 160
            np.testing.assert_allclose(seen.corners[0], found, atol=1.6 / 160)

    def test_boxes_mostly_out_of_view_are_left_out_and_the_others_clipped(self) -> None:
        rng = np.random.default_rng(6)
        pixels = np.zeros((160, 160, 3), np.uint8)
        counts = set()
        for _ in range(60):
            _, seen = augment(rng, pixels, boxes((0, 0.0, 0.0, 0.06, 0.06), (1, 0.4, 0.4, 0.6, 0.6)))
            counts.add(len(seen))
            assert seen.corners.min(initial=0) >= 0
            assert seen.corners.max(initial=1) <= 1
            assert 1 in seen.classes
        assert counts == {1, 2}
