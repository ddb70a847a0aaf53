"""The content of evaluation.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from groundloop.detections.evaluation import AtThreshold, ClassMetrics, Evaluation, SliceMetrics

BACKGROUND = "background"


def as_json(evaluation: Evaluation) -> dict[str, Any]:
    """Return the content of evaluation.json, without gate and champion; undefined metrics are None.

    The curves and the counts of each image are left out: they are for the report.
    """
    thresholds = {metrics.name: metrics.threshold for metrics in evaluation.per_class}
    return {
        **evaluation.metrics,
        "per_class": {metrics.name: _of_class(metrics) for metrics in evaluation.per_class},
        "threshold": evaluation.threshold,
        "threshold_rule": evaluation.threshold_rule,
        "class_thresholds": thresholds,
        "at_threshold": _at_threshold(evaluation.at_threshold),
        "count": asdict(evaluation.count),
        "confusion": {"labels": [*evaluation.classes, BACKGROUND], "matrix": evaluation.confusion.tolist()},
        "intervals": {
            "level": evaluation.interval_level,
            "resamples": evaluation.interval_resamples,
            "metrics": {name: list(ends) for name, ends in evaluation.intervals.items()},
        },
        "images": {"validation": evaluation.validation_images, "test": evaluation.test_images},
        "classes": list(evaluation.classes),
        **({"slices": _slices(evaluation.slices)} if evaluation.slices else {}),
    }


def _slices(slices: Mapping[str, Mapping[str, SliceMetrics]]) -> dict[str, dict[str, Any]]:
    return {key: {value: _of_slice(metrics) for value, metrics in by_value.items()} for key, by_value in slices.items()}


def _of_slice(metrics: SliceMetrics) -> dict[str, Any]:
    return {
        "images": metrics.images,
        "boxes": metrics.boxes,
        **metrics.metrics,
        **_at_threshold(metrics.at_threshold),
        "count": asdict(metrics.count),
    }


def _of_class(metrics: ClassMetrics) -> dict[str, Any]:
    return {
        "boxes": metrics.boxes,
        "ap": metrics.ap,
        "ap_50": metrics.ap_50,
        "ap_75": metrics.ap_75,
        "voc_ap": metrics.voc_ap,
        "voc_ap_07": metrics.voc_ap_07,
        "threshold": metrics.threshold,
        **_at_threshold(metrics.at_threshold),
        "count": asdict(metrics.count),
    }


def _at_threshold(metrics: AtThreshold) -> dict[str, float | None]:
    return {"precision": metrics.precision, "recall": metrics.recall, "f1": metrics.f1, **asdict(metrics)}
