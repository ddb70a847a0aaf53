from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from detections.dataset import ScoredImage

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
