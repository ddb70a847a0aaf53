"""The metrics of an evaluation by name: which there are, what kind of number each is, and what it is of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from groundloop.errors import UserError
from groundloop.metric_paths import metric_paths
from groundloop.suggestions import first_of, near_misses, nearest

#: Metrics by the last part of their path. Shares of something lie in 0 to 1, and more is better ...
RATIO_METRICS = frozenset(
    {"map", "map_50", "map_75", "map_small", "map_medium", "map_large", "voc_map", "voc_map_07", "exact_share"}
    | {"ar_1", "ar_10", "ar_100", "ar_small", "ar_medium", "ar_large"}
    | {"ap", "ap_50", "ap_75", "voc_ap", "voc_ap_07", "precision", "recall", "f1", "threshold"}
)
#: ... of errors less is better ...
ERROR_METRICS = frozenset({"mae", "rmse"})
#: ... and of the rest neither: a bias, numbers of boxes, images and detections.
OTHERS = frozenset(
    {"bias", "boxes", "images", "validation", "test", "true_positives", "false_positives", "false_negatives"}
)
NAMES = RATIO_METRICS | ERROR_METRICS | OTHERS
_COMPARED = (RATIO_METRICS | ERROR_METRICS | {"bias"}) - {"threshold"}
#: The metrics of a slice, after `slices.KEY.VALUE.`
SLICE_METRICS = (
    *("map", "map_50", "map_75", "voc_map", "precision", "recall", "f1"),
    *("count.mae", "count.rmse", "count.bias", "count.exact_share"),
    *("images", "boxes", "true_positives", "false_positives", "false_negatives"),
)
_SLICES = "slices."
_OF_A_CLASS = re.compile(r"(count\.)?per_class\.(?P<rest>.+)", re.DOTALL)


def metric_kind(metric: str, where: str) -> str:
    """Return the last part of a metric's name, which says what kind of number it is.

    Raises:
        UserError: no metric ends so; the text names a near one.
    """
    kind = metric.rpartition(".")[2]
    if kind not in NAMES:
        near = near_misses(kind.lower(), sorted(NAMES), count=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else f"a metric ends in one of {', '.join(sorted(NAMES))}"
        raise UserError(f"{where}: there is no metric {metric!r}; {hint}")
    return kind


def unlisted_class(metric: str, classes: Sequence[str]) -> str | None:
    """Return the class that a metric names if it is not one of the list, else None."""
    found = _OF_A_CLASS.match(metric)
    if found is None or any(found["rest"].startswith(f"{name}.") for name in classes):
        return None
    return found["rest"].rpartition(".")[0]


def is_of_slice(metric: str) -> bool:
    """Return whether a metric is one of a slice, such as `slices.camera.A.recall`."""
    return metric.startswith(_SLICES)


def check_slice(metric: str, keys: Sequence[str], setting: str = "evaluate.slices") -> None:
    """Check the name of a slice's metric; its value is known only once the labels are read.

    Args:
        metric: `slices.KEY.VALUE.METRIC`; one that is not of a slice is right in any case.
        keys: by which the evaluation slices.
        setting: where they are listed.

    Raises:
        UserError: the key is not sliced by, or slices have no such metric; the text names a near one.
    """
    if not is_of_slice(metric):
        return
    rest = metric.removeprefix(_SLICES)
    key = next((key for key in sorted(keys, key=len, reverse=True) if rest.startswith(f"{key}.")), None)
    if key is None:
        first, after = re.split(r"[.=]", rest + ".", maxsplit=1)
        if first in keys:
            raise UserError(f"{metric}: write slices.{first}.{after.removesuffix('.')}, with dots")
        near = nearest(first, keys)
        hint = f"did you mean {near!r}?" if near else f"add it to {setting}, which has {first_of(keys)}"
        raise UserError(f"{metric}: the metrics aren't sliced by {first!r}; {hint}")
    named = rest.removeprefix(f"{key}.")
    if not any(named.endswith(f".{name}") and named != f".{name}" for name in SLICE_METRICS):
        raise UserError(
            f"{metric}: write slices.{key}.VALUE.METRIC; the metrics of a slice are {', '.join(SLICE_METRICS)}"
        )


def metrics_of(evaluation: Mapping[str, Any]) -> dict[str, float | None]:
    """Every metric of an evaluation.json by its dotted path; None for one that the data does not define."""
    return {".".join(path): value for path, value in metric_paths(evaluation)}


def comparable_metrics(evaluation: Mapping[str, Any], required: Iterable[str] = ()) -> dict[str, float | None]:
    """Return the metrics by which evaluations are compared: not numbers of boxes, not the threshold, no slices.

    Args:
        evaluation: content of evaluation.json.
        required: metrics of single classes that are included too.
    """
    always = set(required)
    return {
        name: value
        for name, value in metrics_of(evaluation).items()
        if name in always
        or (name.rpartition(".")[2] in _COMPARED and not is_of_slice(name) and unlisted_class(name, ()) is None)
    }


def value_of(metrics: Mapping[str, float | None], name: str) -> float | None:
    """One metric.

    Raises:
        UserError: the evaluation has no such metric; the text names near ones.
    """
    if name not in metrics:
        near = near_misses(name, metrics, count=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(metrics)}"
        raise UserError(f"gate: the evaluation has no metric {name!r}; {hint}")
    return metrics[name]
