"""How an evaluation looks on the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def metric_rows(figures: Mapping[str, Any]) -> list[str]:
    """The headline figures with their intervals, and a row for each class.

    Args:
        figures: evaluation.json.
    """
    count, at = figures["count"], figures["at_threshold"]
    ends = figures["intervals"]["figures"]
    sure = f"{figures['intervals']['level']:.0%} interval"

    def headline(name: str, figure: str, value: float | None, digits: int = 3) -> str:
        interval = f"   {sure} {ends[figure][0]:.{digits}f} to {ends[figure][1]:.{digits}f}" if figure in ends else ""
        return f"  {name:<20} {_shown(value, digits):>6}{interval}"

    lines = [
        headline("COCO mAP", "map", figures["map"]),
        headline("AP50", "map_50", figures["map_50"]),
        headline("VOC mAP@0.5", "voc_map", figures["voc_map"]),
        f"  at score >= {figures['threshold']:.2f} ({figures['threshold_rule']}):",
        headline("precision", "at_threshold.precision", at["precision"]),
        headline("recall", "at_threshold.recall", at["recall"]),
        headline("objects off per image", "count.mae", count["mae"], 2),
        "",
        f"  {'class':<20} {'AP50':>6} {'precision':>9} {'recall':>6} {'objects':>8}",
    ]
    for name, scores in figures["per_class"].items():
        shown = (_shown(scores["ap_50"]), _shown(scores["precision"]), _shown(scores["recall"]))
        lines.append(f"  {name:<20} {shown[0]:>6} {shown[1]:>9} {shown[2]:>6} {scores['boxes']:>8}")
    return lines


def _shown(value: float | None, digits: int = 3) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
