"""Names and formats of metrics in the report: one place, so that all its tables agree."""

from __future__ import annotations

from groundloop.detections.evaluation import Evaluation

UNDEFINED = "\u2013"

_NAMES = {
    "map": "mAP@50:95",
    "map_50": "mAP@50",
    "map_75": "mAP@75",
    "map_small": "mAP, small boxes",
    "map_medium": "mAP, medium boxes",
    "map_large": "mAP, large boxes",
    "ar_1": "AR, 1 detection",
    "ar_10": "AR, 10 detections",
    "ar_100": "AR, 100 detections",
    "ar_small": "AR, small boxes",
    "ar_medium": "AR, medium boxes",
    "ar_large": "AR, large boxes",
    "voc_map": "VOC mAP",
    "voc_map_07": "VOC07 mAP",
    "precision": "Precision",
    "recall": "Recall",
    "f1": "F1",
    "count.mae": "Count error",
    "count.rmse": "Count error, RMS",
    "count.bias": "Count bias",
    "count.exact_share": "Counted exactly",
}
# By the last part of a metric's name: of errors less is better, of the neutral ones neither more nor less.
_ERRORS = frozenset({"mae", "rmse"})
_NEUTRAL = frozenset({"bias", "boxes", "threshold", "test", "validation"})


def display_name(metric: str) -> str | None:
    """Return what people call a metric; None for one that has only its name, such as that of a single class.

    Example:
        >>> display_name("map_50"), display_name("per_class.nut.recall")
        ('mAP@50', None)
    """
    return _NAMES.get(metric.removeprefix("at_threshold."))


def ratio(value: float | None, digits: int = 3) -> str:
    """Format a ratio or an error in objects; a dash stands for one that the data does not define."""
    return UNDEFINED if value is None else f"{value:.{digits}f}"


def percent(value: float | None) -> str:
    """Format a ratio as whole per cent."""
    return UNDEFINED if value is None else f"{100 * value:.0f} %"


def signed(value: float | None, digits: int = 3) -> str:
    """Format a difference with its sign, a real minus; zero has none."""
    if value is None:
        return UNDEFINED
    text = f"{value:+.{digits}f}"
    return text[1:] if float(text) == 0 else text.replace("-", "\u2212")


def is_improvement(metric: str, difference: float) -> bool | None:
    """Return whether a difference in this metric is for the better; None where it is neither."""
    kind = metric.rpartition(".")[2]
    if difference == 0 or kind in _NEUTRAL:
        return None
    return (difference < 0) == (kind in _ERRORS)


def interval(evaluation: Evaluation, metric: str) -> tuple[float, float] | None:
    """Return the bootstrap interval of a metric; None where none was computed.

    Args:
        evaluation: the evaluation of the metric.
        metric: those at the threshold are found with and without `at_threshold.` before their name.
    """
    bare = metric.removeprefix("at_threshold.")
    return evaluation.intervals.get(bare) or evaluation.intervals.get(f"at_threshold.{bare}")
