"""The curves as plots: thin lines for the classes, a thick one for their mean."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from groundloop.detections.evaluation import Curve, Evaluation
from groundloop.report.curves import at, drawn, thresholds_differ
from groundloop.report.fonts import plot_names
from groundloop.report.numbers import share

INK, MUTED, LINE = "#18202b", "#586474", "#dce1e7"
# After Okabe and Ito (2008): apart for most kinds of colour vision.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#7a5cc0", "#56b4e9", "#b08a0a")
_DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1, 1.5)))
# With more classes lines can't be told apart: all are grey then, as is usual for such plots.
_MOST_NAMED = 21
_RECALLS, _THRESHOLDS = np.linspace(0, 1, 101), np.linspace(0, 1, 1001)


def draw_precision_recall(figure: Any, evaluation: Evaluation) -> None:
    """Precision over recall, the AP at IoU 0.50 in the legend."""
    axes = figure.add_subplot()
    handles: list[tuple[Any, str]] = []
    names = plot_names(evaluation.classes)
    for class_id, row, curves in drawn(evaluation):
        (line,) = axes.plot(_RECALLS, curves.precision_at_recall, **_look(class_id, evaluation))
        handles.append((line, f"{names[class_id]}  {share(row.ap_50)}"))
    (line,) = axes.plot(_RECALLS, evaluation.curves.precision_at_recall, **_mean())
    mean = (line, f"mean of classes  {share(evaluation.metrics.get('map_50'))}")
    _frame(axes, "Recall", "Precision", "Precision\u2013recall curve at IoU 0.50")
    _legend(axes, "AP@50", mean, handles)


def draw_over_threshold(kind: str, title: str) -> Callable[[Any, Evaluation], None]:
    """A drawing of `f1`, `precision` or `recall` over the score threshold, that which was chosen marked."""

    def draw(figure: Any, evaluation: Evaluation) -> None:
        axes = figure.add_subplot()
        handles: list[tuple[Any, str]] = []
        names = plot_names(evaluation.classes)
        own = thresholds_differ(evaluation)
        for class_id, row, curves in drawn(evaluation):
            curve: Curve = getattr(curves, kind)
            look = _look(class_id, evaluation)
            (line,) = axes.plot(_THRESHOLDS, curve, **look)
            value = at(curve, row.threshold)
            if own and _named(evaluation):
                axes.plot([row.threshold], [value], marker="o", markersize=5, color=look["color"], zorder=4)
            handles.append((line, f"{names[class_id]}  {value:.3f}" + (f" at {row.threshold:.3f}" if own else "")))
        threshold, curve = evaluation.threshold, getattr(evaluation.curves, kind)
        value = at(curve, threshold)
        (line,) = axes.plot(_THRESHOLDS, curve, **_mean())
        axes.axvline(threshold, color=COLOURS[0], linewidth=1.2, linestyle=(0, (4, 3)), zorder=4)
        axes.plot([threshold], [value], marker="o", markersize=8, color=COLOURS[0], markeredgecolor="white", zorder=6)
        left = threshold > 0.55
        axes.annotate(
            f"threshold {threshold:.3f}\n{title} {value:.3f}",
            (threshold, 0.03),
            xytext=(-8 if left else 8, 0),
            textcoords="offset points",
            ha="right" if left else "left",
            color=INK,
            zorder=7,
            bbox={"boxstyle": "round,pad=0.3", "facecolor": "white", "edgecolor": "none", "alpha": 0.85},
        )
        _frame(axes, "Score threshold", title, f"{title}\u2013threshold curve at IoU 0.50")
        heading = f"{title} at the class's threshold" if own else f"{title} at {threshold:.3f}"
        _legend(axes, heading, (line, f"mean of classes  {value:.3f}"), handles)

    return draw


def _named(evaluation: Evaluation) -> bool:
    return len(drawn(evaluation)) <= _MOST_NAMED


def _look(class_id: int, evaluation: Evaluation) -> dict[str, Any]:
    if not _named(evaluation):
        return {"color": "#9ba8b6", "linewidth": 0.7, "alpha": 0.7}
    dashes = _DASHES[class_id // len(COLOURS) % len(_DASHES)]
    return {"color": COLOURS[class_id % len(COLOURS)], "linestyle": dashes, "linewidth": 1.3}


def _mean() -> dict[str, Any]:
    return {"color": INK, "linewidth": 3, "zorder": 5}


def _frame(axes: Any, across: str, up: str, title: str) -> None:
    axes.set(xlabel=across, ylabel=up, title=title, xlim=(0, 1), ylim=(0, 1.02))
    axes.grid(color=LINE, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _legend(axes: Any, heading: str, mean: tuple[Any, str], classes: list[tuple[Any, str]]) -> None:
    """Beside the plot; the classes one by one only where their lines can be told apart."""
    if len(classes) > _MOST_NAMED:
        classes = [(classes[0][0], f"each of {len(classes)} classes")]
    entries = [mean, *classes]
    legend = axes.legend(
        [handle for handle, _ in entries],
        ["?"] * len(entries),
        title=heading,
        loc="upper left",
        bbox_to_anchor=(1.01, 1),
        frameon=False,
        alignment="left",
    )
    # Set afterwards: matplotlib leaves out labels that begin with an underscore.
    for shown, (_, label) in zip(legend.get_texts(), entries, strict=True):
        shown.set_text(label)
