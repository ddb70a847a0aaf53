"""The confusion matrix as a plot."""

from __future__ import annotations

from typing import Any

import numpy as np

from groundloop.detections.evaluation import Evaluation
from groundloop.report.confusion import MOST_NUMBERED
from groundloop.report.fonts import plot_names
from groundloop.report.plot_curves import INK

_LEAST_INCHES, _MOST_INCHES = 5.0, 20.0
_CELL_INCHES = 0.46
_FEW = 12


def matrix_inches(evaluation: Evaluation) -> tuple[float, float]:
    """Width and height of the plot: it grows with the classes, up to a size that still opens anywhere."""
    side = min(_MOST_INCHES, max(_LEAST_INCHES, 3.0 + _CELL_INCHES * len(evaluation.classes)))
    return side + 1.0, side


def draw_matrix(figure: Any, evaluation: Evaluation, *, share: bool) -> None:
    """Rows true, columns detected, the background last; of shares each row adds up to 1."""
    counts = evaluation.confusion.astype(np.float64)
    shares = _shares(counts)
    values = shares if share else counts
    axes = figure.add_subplot()
    most = 1.0 if share else max(1.0, float(counts.max()))
    picture = axes.imshow(values, cmap="Blues", vmin=0, vmax=most)
    figure.colorbar(picture, ax=axes, fraction=0.046, pad=0.02, label="share of the row" if share else "objects")
    labels = [*plot_names(evaluation.classes), "background"]
    small = 10 if len(labels) <= _FEW else 8
    axes.set_xticks(range(len(labels)), labels, rotation=45, ha="right", rotation_mode="anchor", fontsize=small)
    axes.set_yticks(range(len(labels)), labels, fontsize=small)
    axes.set(xlabel="Detected (background: not found)", ylabel="True (background: false alarms)")
    axes.set_title("Confusion matrix, normalised by true class" if share else "Confusion matrix")
    # White lines between the cells.
    edges = np.arange(len(labels) + 1) - 0.5
    axes.set_xticks(edges, minor=True)
    axes.set_yticks(edges, minor=True)
    axes.grid(which="minor", color="white", linewidth=1.2)
    axes.tick_params(which="minor", length=0)
    axes.spines[:].set_visible(False)
    if len(evaluation.classes) > MOST_NUMBERED:
        return
    for row, column in np.argwhere(counts > 0).tolist():
        value = values[row, column]
        words = f"{value:.2f}" if share else f"{value:.0f}"
        colour = "white" if value > 0.55 * most else INK
        axes.text(column, row, words, ha="center", va="center", fontsize=small - 1, color=colour)


def _shares(counts: Any) -> Any:
    totals = counts.sum(axis=1, keepdims=True)
    return np.divide(counts, totals, out=np.zeros_like(counts), where=totals > 0)
