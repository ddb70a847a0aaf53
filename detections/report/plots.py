"""The plots as PNGs, under the names that users of other trainers know."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from detections.evaluation import Curve, Curves, Evaluation
from detections.report.curves import drawn

# After Okabe and Ito (2008): apart for most kinds of colour vision.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#7a5cc0", "#56b4e9", "#b08a0a")
_DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (6, 2, 1, 2)))
# With more classes lines can't be told apart: all are grey then, as is usual for such plots.
_MOST_NAMED = 20
_MOST_NUMBERED = 30
_LONGEST_NAME = 24
_DOTS_AN_INCH = 160
_NO_CONTROL = dict.fromkeys((*range(32), 127), "�")


def write_plots(folder: Path, evaluation: Evaluation) -> list[Path]:
    """Write all plots; equal evaluations give equal files.

    Returns:
        The files.
    """
    from matplotlib.figure import Figure

    written = []
    for name, (width, height), draw in _plots(evaluation):
        figure = Figure(figsize=(width, height), layout="constrained")
        draw(figure.add_subplot(), evaluation)
        path = folder / name
        with warnings.catch_warnings():
            # A script that the font has no letters for shows as boxes; the page has the names.
            warnings.filterwarnings("ignore", message="Glyph .* missing from")
            # Without the version in it, the same plot is the same file everywhere.
            figure.savefig(path, dpi=_DOTS_AN_INCH, metadata={"Software": None})
        written.append(path)
    return written


def _plots(evaluation: Evaluation) -> Iterator[tuple[str, tuple[float, float], Callable[[Any, Evaluation], None]]]:
    side = min(20.0, 4.5 + 0.42 * len(evaluation.classes))
    yield "confusion_matrix.png", (side + 1.2, side), lambda axes, one: _confusion(axes, one, share=False)
    yield "confusion_matrix_normalized.png", (side + 1.2, side), lambda axes, one: _confusion(axes, one, share=True)
    yield "BoxPR_curve.png", (9, 6), _precision_recall
    for name, kind, title in (
        ("BoxF1_curve.png", "f1", "F1"),
        ("BoxP_curve.png", "precision", "Precision"),
        ("BoxR_curve.png", "recall", "Recall"),
    ):
        yield name, (9, 6), _over_scores(kind, title)
    yield "counts.png", (6.5, 6), _counts


def _precision_recall(axes: Any, evaluation: Evaluation) -> None:
    levels = np.linspace(0, 1, 101)
    for index, label, curves in _classes(evaluation):
        row = evaluation.per_class[index]
        axes.plot(levels, curves.precision_at_recall, label=f"{label}  {_shown(row.ap_50)}", **_look(index, evaluation))
    mean = _shown(evaluation.figures.get("map_50"))
    axes.plot(levels, evaluation.curves.precision_at_recall, label=f"mean over classes  {mean}", **_mean())
    _frame(axes, "Recall", "Precision", "Precision over recall at IoU 0.5 (legend: AP50)")


def _over_scores(kind: str, title: str) -> Callable[[Any, Evaluation], None]:
    def draw(axes: Any, evaluation: Evaluation) -> None:
        scores = np.linspace(0, 1, 1001)
        for index, label, curves in _classes(evaluation):
            curve: Curve = getattr(curves, kind)
            axes.plot(scores, curve, label=f"{label}  {_best(curve)}", **_look(index, evaluation))
        mean: Curve = getattr(evaluation.curves, kind)
        axes.plot(scores, mean, label=f"mean over classes  {_best(mean)}", **_mean())
        chosen = evaluation.threshold
        axes.axvline(chosen, color="#586474", linewidth=1.2, linestyle=(0, (4, 3)), label=f"threshold {chosen:.3f}")
        _frame(axes, "Least score", title, f"{title} over the score threshold at IoU 0.5 (legend: highest)")

    return draw


def _confusion(axes: Any, evaluation: Evaluation, *, share: bool) -> None:
    """Rows true, columns detected; of the normalised one each row sums to 1."""
    counts = evaluation.confusion.astype(np.float64)
    if share:
        totals = counts.sum(axis=1, keepdims=True)
        counts = np.divide(counts, totals, out=np.zeros_like(counts), where=totals > 0)
    names = [_short(name) for name in evaluation.classes]
    shown = axes.imshow(counts, cmap="Blues", vmin=0, vmax=max(float(counts.max(initial=0)), 1e-9))
    axes.figure.colorbar(shown, ax=axes, fraction=0.046, pad=0.02)
    places = range(len(names) + 1)
    axes.set_xticks(places, [*names, "missed"], rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(places, [*names, "background"])
    axes.set_xlabel("Detected as")
    axes.set_ylabel("True class")
    axes.set_title("Confusion, share of each row" if share else f"Confusion at score {evaluation.threshold:.3f}")
    if len(names) <= _MOST_NUMBERED:
        half = float(counts.max(initial=0)) / 2
        for row, column in np.argwhere(counts > 0).tolist():
            value = counts[row, column]
            text = f"{value:.2f}" if share else f"{value:.0f}"
            colour = "white" if value > half else "#18202b"
            axes.text(column, row, text, ha="center", va="center", fontsize=9, color=colour)


def _counts(axes: Any, evaluation: Evaluation) -> None:
    """True against detected objects of all classes together; the larger a point, the more images."""
    totals = evaluation.counts.sum(axis=1)
    points, images = np.unique(totals, axis=0, return_counts=True)
    most = int(totals.max(initial=1))
    sizes = 30 + 300 * images / images.max(initial=1)
    axes.plot([0, most], [0, most], color="#586474", linewidth=1.2, linestyle=(0, (4, 3)), label="counted exactly")
    axes.scatter(points[:, 0], points[:, 1], s=sizes, color=_COLOURS[0], alpha=0.65, linewidth=0)
    margin = max(1.0, most * 0.06)
    axes.set_xlim(-margin, most + margin)
    axes.set_ylim(-margin, most + margin)
    axes.set_aspect("equal")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.yaxis.get_major_locator().set_params(integer=True)
    axes.set_xlabel("True objects on the image")
    axes.set_ylabel("Detected objects")
    error = evaluation.count
    axes.set_title(f"Counts: {error.mae:.2f} off per image, bias {error.bias:+.2f}, {error.exact_share:.0%} exact")
    axes.legend(loc="upper left", frameon=False)
    axes.grid(color="#dce1e7", linewidth=0.8)
    axes.set_axisbelow(True)


def _classes(evaluation: Evaluation) -> Iterator[tuple[int, str, Curves]]:
    for index, row, curves in drawn(evaluation):
        # matplotlib leaves labels that begin with an underscore out of legends.
        label = _short(row.name) if len(evaluation.classes) <= _MOST_NAMED else f"_{row.name}"
        yield index, label, curves


def _look(index: int, evaluation: Evaluation) -> dict[str, Any]:
    if len(evaluation.classes) > _MOST_NAMED:
        return {"color": "#9ba8b6", "linewidth": 0.7}
    dashes = _DASHES[index // len(_COLOURS) % len(_DASHES)]
    return {"color": _COLOURS[index % len(_COLOURS)], "linestyle": dashes, "linewidth": 1.3}


def _mean() -> dict[str, Any]:
    return {"color": "#18202b", "linewidth": 3}


def _frame(axes: Any, across: str, up: str, title: str) -> None:
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    axes.set_title(title)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    axes.grid(color="#dce1e7", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)


def _best(curve: Sequence[float] | Curve) -> str:
    at = int(np.argmax(curve))
    return f"{curve[at]:.2f} at {at / 1000:.2f}"


def _short(name: str) -> str:
    # matplotlib would read a dollar sign as the begin of mathematics.
    shown = name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}\u2026"
    return shown.replace("$", r"\$").translate(_NO_CONTROL)


def _shown(value: float | None) -> str:
    return "none" if value is None else f"{value:.3f}"
