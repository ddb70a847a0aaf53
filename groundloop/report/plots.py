"""The plots as PNGs, under the names that users of other trainers know."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from groundloop.detections.evaluation import Evaluation
from groundloop.report.fonts import families
from groundloop.report.plot_counts import draw_counts, panels
from groundloop.report.plot_curves import draw_over_threshold, draw_precision_recall
from groundloop.report.plot_matrix import draw_matrix, matrix_inches

_DOTS_AN_INCH = 160
_CURVE_INCHES = (9.6, 6.0)
_PANEL_INCHES = 3.3
_PAD = 0.1

_Plot = tuple[str, tuple[float, float], Callable[[Any, Evaluation], None]]


def write_plots(folder: Path, evaluation: Evaluation) -> list[Path]:
    """Write all plots; with the same fonts installed, equal evaluations give equal files.

    Returns:
        The files.
    """
    import matplotlib.style
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    written = []
    # No setting of the user's counts, and a dollar sign in a name is no mathematics.
    with matplotlib.style.context(["default", {"font.family": list(families()), "text.parse_math": False}]):
        for name, size, draw in _plots(evaluation):
            figure = Figure(
                figsize=size, layout=ConstrainedLayoutEngine(w_pad=_PAD, h_pad=_PAD, wspace=0.02, hspace=0.04)
            )
            draw(figure, evaluation)
            path = folder / name
            # Without matplotlib's version in it.
            figure.savefig(path, dpi=_DOTS_AN_INCH, metadata={"Software": None})
            written.append(path)
    return written


def _plots(evaluation: Evaluation) -> Iterator[_Plot]:
    matrix = matrix_inches(evaluation)
    yield "confusion_matrix.png", matrix, lambda figure, one: draw_matrix(figure, one, share=False)
    yield "confusion_matrix_normalized.png", matrix, lambda figure, one: draw_matrix(figure, one, share=True)
    yield "BoxPR_curve.png", _CURVE_INCHES, draw_precision_recall
    yield "BoxF1_curve.png", _CURVE_INCHES, draw_over_threshold("f1", "F1")
    yield "BoxP_curve.png", _CURVE_INCHES, draw_over_threshold("precision", "Precision")
    yield "BoxR_curve.png", _CURVE_INCHES, draw_over_threshold("recall", "Recall")
    rows, columns = panels(evaluation)
    yield "counts.png", (_PANEL_INCHES * max(2, columns), _PANEL_INCHES * rows + 0.5), draw_counts
