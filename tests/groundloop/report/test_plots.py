"""The plots: named lines, whatever the names, and the same files whatever the user's settings."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from groundloop.detections.evaluation import Evaluation
from groundloop.detections.thresholds import ThresholdRule
from groundloop.report.fonts import plot_names
from groundloop.report.plot_curves import draw_over_threshold, draw_precision_recall
from groundloop.report.plot_matrix import draw_matrix
from groundloop.report.plots import write_plots

MakeEvaluation = Callable[..., Evaluation]


def _figure() -> Any:
    from matplotlib.figure import Figure

    return Figure()


def _legend(figure: Any) -> list[str]:
    return [text.get_text() for text in figure.axes[0].get_legend().get_texts()]


@pytest.mark.parametrize(
    ("name", "drawn"),
    [
        pytest.param("usb-c", "usb-c", id="as it is"),
        pytest.param("_cog $x_1$", "_cog $x_1$", id="signs that mean something to matplotlib"),
        pytest.param("a\n b\tc", "a b c", id="white space"),
        pytest.param("x" * 60, "x" * 16 + "…" + "x" * 9, id="a long one keeps both ends"),
        pytest.param("a\x07", "class 0", id="what no font has"),
        pytest.param("\U000e0041", "class 0", id="an invisible one"),
    ],
)
def test_names_are_drawn_short_and_in_letters_that_there_are(name: str, drawn: str) -> None:
    assert plot_names([name]) == [drawn]


def test_a_legend_names_every_class_and_the_mean(make_evaluation: MakeEvaluation) -> None:
    evaluation = make_evaluation(("_cog", "$nut_1$", "bolt"))
    figure = _figure()
    draw_precision_recall(figure, evaluation)
    mean, *classes = _legend(figure)
    assert mean == f"mean of classes  {evaluation.metrics['map_50']:.3f}"
    assert classes == [f"{row.name}  {row.ap_50:.3f}" for row in evaluation.per_class]


def test_the_chosen_threshold_is_marked(make_evaluation: MakeEvaluation) -> None:
    evaluation = make_evaluation()
    figure = _figure()
    draw_over_threshold("f1", "F1")(figure, evaluation)
    (axes,) = figure.axes
    value = float(evaluation.curves.f1[round(1000 * evaluation.threshold)])
    assert any(line.get_xydata().tolist() == [[evaluation.threshold, value]] for line in axes.lines)
    assert [text.get_text() for text in axes.texts] == [f"threshold {evaluation.threshold:.3f}\nF1 {value:.3f}"]


def test_each_class_has_its_own_threshold_in_the_legend(make_evaluation: MakeEvaluation) -> None:
    evaluation = make_evaluation(rule=ThresholdRule(per_class=True))
    figure = _figure()
    draw_over_threshold("recall", "Recall")(figure, evaluation)
    for label, row in zip(_legend(figure)[1:], evaluation.per_class, strict=True):
        assert label.startswith(f"{row.name}  ")
        assert label.endswith(f" at {row.threshold:.3f}")


def test_lines_of_many_classes_are_not_named(make_evaluation: MakeEvaluation) -> None:
    evaluation = make_evaluation(tuple(f"kind {number}" for number in range(30)), images=60)
    figure = _figure()
    draw_precision_recall(figure, evaluation)
    assert _legend(figure)[1:] == [f"each of {sum(row.boxes > 0 for row in evaluation.per_class)} classes"]


@pytest.mark.parametrize("share", [False, True])
def test_the_matrix_has_rows_true_and_columns_detected(make_evaluation: MakeEvaluation, share: bool) -> None:
    evaluation = make_evaluation()
    figure = _figure()
    draw_matrix(figure, evaluation, share=share)
    axes = figure.axes[0]
    drawn = axes.images[0].get_array()
    assert [label.get_text() for label in axes.get_yticklabels()] == [*evaluation.classes, "background"]
    if share:
        assert drawn.sum(axis=1).tolist() == pytest.approx([1.0] * 4)
    else:
        assert drawn.tolist() == evaluation.confusion.tolist()
    assert len(axes.texts) == (evaluation.confusion > 0).sum()


def test_the_users_settings_do_not_count(make_evaluation: MakeEvaluation, tmp_path: Path) -> None:
    import matplotlib

    evaluation = make_evaluation()
    for folder in ("plain", "own"):
        (tmp_path / folder).mkdir()
    plain = write_plots(tmp_path / "plain", evaluation)
    with matplotlib.rc_context({"axes.facecolor": "red", "font.size": 30, "axes.grid": True}):
        own = write_plots(tmp_path / "own", evaluation)
    assert [path.read_bytes() for path in plain] == [path.read_bytes() for path in own]


def test_looking_at_the_package_loads_no_plots() -> None:
    code = "import sys, groundloop.report; print({'matplotlib', 'PIL', 'boto3'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
