"""evaluation.json: how an evaluation is written down, and how one of its figures is found by name."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from detections.evaluation import AtThreshold, ClassFigures, Evaluation
from labels.errors import UserError

BACKGROUND = "background"
_NEAR = 3


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


def lookup(evaluation: Mapping[str, Any], name: str) -> float | None:
    """A figure of evaluation.json by its dotted name, such as `map_50` or `per_class.usb-c.recall`.

    Class names may hold dots: the names are compared whole, never taken apart.

    Raises:
        UserError: there is no such figure; the text names near ones.
    """
    figures = dict(_figures(evaluation))
    if name in figures:
        return figures[name]
    near = difflib.get_close_matches(name, figures, n=_NEAR, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(figures)}"
    raise UserError(f"the evaluation has no figure {name!r}; {hint}")


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


#: Parts that hold figures of the model; the others describe how they were come by.
_PARTS = ("per_class", "at_threshold", "count")


def _figures(evaluation: Mapping[str, Any]) -> Iterator[tuple[str, float | None]]:
    for key, value in evaluation.items():
        if key in _PARTS or not isinstance(value, Mapping):
            yield from _numbers(key, value)


def _numbers(path: str, value: object) -> Iterator[tuple[str, float | None]]:
    if isinstance(value, Mapping):
        for key, child in value.items():
            yield from _numbers(f"{path}.{key}", child)
    elif value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        yield path, value
