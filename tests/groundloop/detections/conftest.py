from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from groundloop.detections.dataset import ScoredImage

MakeImage = Callable[..., ScoredImage]


@pytest.fixture
def make_image() -> MakeImage:
    """A scored image from rows: truth (class, xmin, ymin, xmax, ymax), detected (class, score, xmin, ...)."""

    def make(truth: Sequence[Sequence[float]], detected: Sequence[Sequence[float]], name: str = "a") -> ScoredImage:
        true = np.array(truth, dtype=np.float64).reshape(-1, 5)
        found = np.array(detected, dtype=np.float64).reshape(-1, 6)
        return ScoredImage(
            source_ref=f"s3://b/{name}.jpg",
            true_boxes=true[:, 1:],
            true_ids=true[:, 0].astype(np.int64),
            boxes=found[:, 2:],
            class_ids=found[:, 0].astype(np.int64),
            scores=found[:, 1],
        )

    return make


@pytest.fixture
def random_images() -> Callable[..., list[ScoredImage]]:
    """Images of two classes, with detections of three.

    Boxes lie on a coarse grid and scores have one digit, so that scores and overlaps tie often.
    """

    def make(
        seed: int, images: int = 12, most_truths: int = 7, most_detections: int = 11, grid: float = 10.0
    ) -> list[ScoredImage]:
        random = np.random.default_rng(seed)

        def boxes(count: int) -> Any:
            low = random.integers(0, 8, (count, 2)) * grid
            return np.hstack([low, low + random.integers(1, 5, (count, 2)) * grid])

        made = []
        for number in range(images):
            truths, found = (int(random.integers(0, most + 1)) for most in (most_truths, most_detections))
            true_boxes = boxes(truths)
            near = true_boxes[random.integers(0, truths, found)] if truths else boxes(found)
            made.append(
                ScoredImage(
                    source_ref=f"s3://b/{number}.jpg",
                    true_boxes=true_boxes,
                    true_ids=random.integers(0, 2, truths),
                    boxes=near + random.choice([0.0, 1.0, 2.0], near.shape),
                    class_ids=random.integers(0, 3, found),
                    scores=random.integers(1, 10, found) / 10,
                )
            )
        return made

    return make
