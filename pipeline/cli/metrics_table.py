"""The metrics of an evaluation on the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.cli.output import print_line, print_table

#: What is shown of metrics on two sets of labels.
_ON_LABELS = {
    "COCO mAP": "map",
    "AP50": "map_50",
    "precision": "at_threshold.precision",
    "recall": "at_threshold.recall",
    "count error (MAE)": "count.mae",
}


def print_metrics(metrics: Mapping[str, Any]) -> None:
    """Print the main metrics with their intervals, and a row for each class.

    Args:
        metrics: content of evaluation.json.
    """
    count, at_threshold = metrics["count"], metrics["at_threshold"]
    bounds = metrics["intervals"]["metrics"]
    interval_label = f"{metrics['intervals']['level']:.0%} interval"

    def row(caption: str, metric: str, value: float | None, digits: int = 3) -> tuple[str, str, str]:
        return caption, _number(value, digits), _interval(bounds.get(metric), digits)

    print_table(
        ("metric", "value", interval_label),
        [
            row("COCO mAP", "map", metrics["map"]),
            row("AP50", "map_50", metrics["map_50"]),
            row("VOC mAP@0.5", "voc_map", metrics["voc_map"]),
            row("precision", "at_threshold.precision", at_threshold["precision"]),
            row("recall", "at_threshold.recall", at_threshold["recall"]),
            row("count error (MAE)", "count.mae", count["mae"], 2),
        ],
        right=("value",),
        indent=2,
    )
    print_line(f"  precision, recall and count error at score >= {metrics['threshold']:.2f}:")
    print_line(f"  {metrics['threshold_rule']}\n")
    print_table(
        ("class", "AP50", "precision", "recall", "objects"),
        [
            (name, *(_number(scores[metric]) for metric in ("ap_50", "precision", "recall")), scores["boxes"])
            for name, scores in metrics["per_class"].items()
        ],
        right=("AP50", "precision", "recall", "objects"),
        indent=2,
    )


def print_slices(metrics: Mapping[str, Any]) -> None:
    """Print a table for each key that the metrics are sliced by.

    Args:
        metrics: content of evaluation.json.
    """
    bounds = metrics["intervals"]["metrics"]
    for key, by_value in metrics.get("slices", {}).items():
        print_line("")
        print_table(
            (
                key,
                "images",
                "AP50",
                f"{metrics['intervals']['level']:.0%} interval",
                "precision",
                "recall",
                "count error",
            ),
            [
                (
                    value,
                    scores["images"],
                    _number(scores["map_50"]),
                    _interval(bounds.get(f"slices.{key}.{value}.map_50")),
                    *(_number(scores[metric]) for metric in ("precision", "recall")),
                    _number(scores["count"]["mae"], 2),
                )
                for value, scores in by_value.items()
            ],
            right=("images", "AP50", "precision", "recall", "count error"),
            indent=2,
        )


def print_label_corrections(metrics: Mapping[str, Any]) -> None:
    """Print the main metrics before and after label corrections, where there are any.

    Args:
        metrics: content of evaluation.json.
    """
    corrections = metrics.get("label_corrections")
    if corrections is None:
        return
    before, after = corrections["before"]["candidate"], corrections["after"]["candidate"]
    print_line(f"\n{corrections['message']}")
    print_table(
        ("metric", "old labels", "new labels"),
        [(caption, _number(before[name]), _number(after[name])) for caption, name in _ON_LABELS.items()],
        right=("old labels", "new labels"),
        indent=2,
    )


def _interval(bounds: Sequence[float] | None, digits: int = 3) -> str:
    return f"{bounds[0]:.{digits}f} to {bounds[1]:.{digits}f}" if bounds else ""


def _number(value: float | None, digits: int = 3) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
