from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from groundloop.detections.predictions import Detections
from groundloop.labels.records import Box

ORANGE, BLUE = (230, 159, 0), (0, 114, 178)


def _detections(*rows: list[float]) -> Detections:
    return Detections.from_sagemaker(json.dumps({"prediction": list(rows)}).encode(), ("nut", "bolt"), "test")


def _pixels(image: Image.Image, colour: tuple[int, int, int]) -> int:
    return int((np.asarray(image) == colour).all(axis=2).sum())


def test_a_box_is_drawn_where_it_is_in_its_classes_colour() -> None:
    image = Image.new("RGB", (600, 600), "gray")
    drawn = _detections([1, 0.9, 0.25, 0.25, 0.75, 0.75]).draw(image, 0.5)
    assert drawn.getpixel((150, 300)) == BLUE
    assert drawn.getpixel((450, 300)) == BLUE
    assert drawn.getpixel((300, 300)) == image.getpixel((300, 300))
    assert _pixels(image, BLUE) == 0


def test_low_scores_are_left_out_of_picture_and_legend() -> None:
    image = Image.new("RGB", (600, 600), "gray")
    found = _detections([0, 0.4, 0.2, 0.2, 0.8, 0.8])
    low = found.draw(image, 0.5)
    assert np.array_equal(np.asarray(low.crop((0, 0, 600, 600))), np.asarray(image))
    assert not np.array_equal(np.asarray(low), np.asarray(found.draw(image, 0.3)))


@pytest.mark.parametrize("size", [(80, 60), (60, 80), (640, 480), (3000, 2000), (2000, 3), (1, 1)], ids=str)
@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "P"])
def test_any_size_and_mode_gives_a_picture_large_enough_to_read(size: tuple[int, int], mode: str) -> None:
    found = _detections([0, 0.9, 0, 0, 1, 1], [1, 0.8, 0.9, 0.9, 1, 1], [1, 0.7, 0.5, 0.5, 0.5, 0.5])
    drawn = found.draw(Image.new(mode, size), 0.5, [Box("nut", 0, 0, size[0], size[1])])
    assert drawn.mode == "RGB"
    assert max(drawn.size) >= 480
    assert drawn.height > size[1] * drawn.width / size[0]


def test_the_legend_tells_true_counts_only_where_truth_is_known() -> None:
    image = Image.new("RGB", (600, 400), "gray")
    found = _detections([0, 0.9, 0.1, 0.5, 0.4, 0.9])
    without, with_truth = (found.draw(image, 0.5, truth) for truth in (None, [Box("nut", 300, 100, 50, 50)]))
    assert _pixels(without.crop((300, 100, 350, 150)), (255, 255, 255)) == 0
    assert _pixels(with_truth.crop((299, 99, 352, 152)), (255, 255, 255)) > 100
    legend, truth_legend = (np.asarray(drawn.crop((0, 400, 600, 420))) for drawn in (without, with_truth))
    assert not np.array_equal(legend, truth_legend)


def test_labels_stay_on_the_picture() -> None:
    image = Image.new("RGB", (600, 600), "black")
    drawn = _detections([0, 0.9, 0.97, 0, 1, 0.03]).draw(image, 0.5)
    tag = (np.asarray(drawn.crop((0, 0, 600, 600))) == ORANGE).all(axis=2)
    columns = np.flatnonzero(tag.any(axis=0))
    assert columns.min() < 560  # moved left, off its box, so that the text fits
    assert tag[:, -1].sum() < 40
