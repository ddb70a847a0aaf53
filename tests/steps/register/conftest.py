from __future__ import annotations

from typing import Any

import pytest


def class_figures(boxes: int, value: float | None) -> dict[str, Any]:
    return {"boxes": boxes, "ap_50": value, "precision": value, "recall": value}


@pytest.fixture
def evaluation() -> dict[str, Any]:
    """As Evaluate writes it, without what the registry doesn't look at."""
    return {
        "map": 0.51234,
        "map_50": 0.71,
        "map_75": 0.5,
        "voc_map": 0.72,
        "ar_100": 0.6,
        "at_threshold": {"precision": 0.9, "recall": 0.8, "f1": None},
        "count": {"mae": 0.25, "rmse": 0.5, "bias": -0.125, "exact_share": 0.8},
        "threshold": 0.45,
        "images": {"validation": 38, "test": 40},
        "per_class": {"bolt": class_figures(12, 0.7), "usb-c": class_figures(0, None), "nut": class_figures(30, 0.8)},
        "intervals": {"level": 0.95, "resamples": 1000, "figures": {"map_50": [0.61, 0.78]}},
        "gate": {"message": 'map_50 is 0.71, the class "nut" too', "thresholds_missed": 0},
        "champion": {"package": None, "message": "no approved version yet: detectors has none to compare with"},
    }


@pytest.fixture
def summary() -> dict[str, Any]:
    """As Prepare writes it."""
    return {
        "classes": ["bolt", "usb-c", "nut"],
        "train": {"images": 300, "boxes": 900, "negatives": 0},
        "validation": {"images": 38, "boxes": 110, "negatives": 1},
        "test": {"images": 40, "boxes": 120, "negatives": 2},
        "fingerprint": "ab" * 32,
    }
