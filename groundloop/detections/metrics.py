"""evaluation.json: how an evaluation is written down."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from groundloop.detections.evaluation import AtThreshold, ClassFigures, Evaluation

BACKGROUND = "background"


def as_json(evaluation: Evaluation) -> dict[str, Any]:
    """The content of evaluation.json, without gate and champion; undefined figures are None.

    The curves and the counts of each image are left out: they are for the report.
    """
    thresholds = {figures.name: figures.threshold for figures in evaluation.per_class}
    return {
        **evaluation.figures,
        "per_class": {figures.name: _of_class(figures) for figures in evaluation.per_class},
        "threshold": evaluation.threshold,
        "threshold_rule": evaluation.threshold_rule,
        "class_thresholds": thresholds,
        "at_threshold": _at_threshold(evaluation.at_threshold),
        "count": asdict(evaluation.count),
        "confusion": {"labels": [*evaluation.classes, BACKGROUND], "matrix": evaluation.confusion.tolist()},
        "intervals": {
            "level": evaluation.interval_level,
            "resamples": evaluation.interval_resamples,
            "figures": {name: list(ends) for name, ends in evaluation.intervals.items()},
        },
        "images": {"validation": evaluation.validation_images, "test": evaluation.test_images},
        "classes": list(evaluation.classes),
    }


def _of_class(figures: ClassFigures) -> dict[str, Any]:
    return {
        "boxes": figures.boxes,
        "ap": figures.ap,
        "ap_50": figures.ap_50,
        "ap_75": figures.ap_75,
        "voc_ap": figures.voc_ap,
        "voc_ap_07": figures.voc_ap_07,
        "threshold": figures.threshold,
        **_at_threshold(figures.at_threshold),
        "count": asdict(figures.count),
    }


def _at_threshold(figures: AtThreshold) -> dict[str, float | None]:
    return {"precision": figures.precision, "recall": figures.recall, "f1": figures.f1, **asdict(figures)}
