"""How an evaluation looks on the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def metric_rows(metrics: Mapping[str, Any]) -> list[str]:
    """The headline metrics with their intervals, and a row for each class.

    Args:
        metrics: evaluation.json.
    """
    count, at = metrics["count"], metrics["at_threshold"]
    ends = metrics["intervals"]["metrics"]
    sure = f"{metrics['intervals']['level']:.0%} interval"

    def headline(name: str, metric: str, value: float | None, digits: int = 3) -> str:
        interval = f"   {sure} {ends[metric][0]:.{digits}f} to {ends[metric][1]:.{digits}f}" if metric in ends else ""
        return f"  {name:<20} {_shown(value, digits):>6}{interval}"

    lines = [
        headline("COCO mAP", "map", metrics["map"]),
        headline("AP50", "map_50", metrics["map_50"]),
        headline("VOC mAP@0.5", "voc_map", metrics["voc_map"]),
        f"  at score >= {metrics['threshold']:.2f} ({metrics['threshold_rule']}):",
        headline("precision", "at_threshold.precision", at["precision"]),
        headline("recall", "at_threshold.recall", at["recall"]),
        headline("objects off per image", "count.mae", count["mae"], 2),
        "",
        f"  {'class':<20} {'AP50':>6} {'precision':>9} {'recall':>6} {'objects':>8}",
    ]
    for name, scores in metrics["per_class"].items():
        shown = (_shown(scores["ap_50"]), _shown(scores["precision"]), _shown(scores["recall"]))
        lines.append(f"  {name:<20} {shown[0]:>6} {shown[1]:>9} {shown[2]:>6} {scores['boxes']:>8}")
    return lines


def _shown(value: float | None, digits: int = 3) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
