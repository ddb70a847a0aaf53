"""The metrics of an evaluation on the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.cli.output import print_line, print_table


def print_metrics(metrics: Mapping[str, Any]) -> None:
    """Print the main metrics with their intervals, and a row for each class.

    Args:
        metrics: content of evaluation.json.
    """
    count, at_threshold = metrics["count"], metrics["at_threshold"]
    bounds = metrics["intervals"]["metrics"]
    interval_label = f"{metrics['intervals']['level']:.0%} interval"

    def row(caption: str, metric: str, value: float | None, digits: int = 3) -> tuple[str, str, str]:
        interval = ""
        if metric in bounds:
            interval = f"{bounds[metric][0]:.{digits}f} to {bounds[metric][1]:.{digits}f}"
        return caption, _number(value, digits), interval

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


def _number(value: float | None, digits: int = 3) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
