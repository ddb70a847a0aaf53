"""The training curve in the report."""

from __future__ import annotations

import math

import pytest

from groundloop.report import TrainingCurve
from groundloop.report.page import page
from groundloop.report.training import loss_ticks, training_view
from groundloop.spec.training_log import EpochMetrics, best_epoch
from groundloop.spec.training_rules import TrainingFinding
from tests.groundloop.report.conftest import MakeReport
from tests.groundloop.report.test_page import Elements

EPOCHS = (
    EpochMetrics(0, smooth_l1=0.9, cross_entropy=2.7, validation_map=0.1),
    EpochMetrics(1, smooth_l1=0.5, cross_entropy=math.nan, validation_map=0.6),
    EpochMetrics(2, smooth_l1=0.4, cross_entropy=1.1, validation_map=0.6),
)


def test_there_is_a_chart_of_the_losses_and_one_of_the_map() -> None:
    view = training_view(TrainingCurve(EPOCHS))
    assert view is not None
    losses, scores = view.charts
    assert [line.title for line in losses.lines] == ["cross entropy (classes)", "smooth L1 (boxes)"]
    assert losses.lines[0].path.count("M") == 2, "interrupted where the loss is not a number"
    assert [dot.title for dot in scores.dots] == ["epoch 2: 0.600, the best"]
    assert [entry.text for entry in view.legend][-1] == "mAP on the validation split"


@pytest.mark.parametrize(
    ("epochs", "charts"),
    [
        pytest.param((EpochMetrics(0, smooth_l1=0.5),), ["Training loss"], id="losses only"),
        pytest.param((EpochMetrics(0, validation_map=0.5),), ["Validation mAP"], id="mAP only"),
        pytest.param(
            (EpochMetrics(0, validation_map=0.0, smooth_l1=0.0),), ["Training loss", "Validation mAP"], id="zeros"
        ),
    ],
)
def test_a_chart_without_values_is_left_out(epochs: tuple[EpochMetrics, ...], charts: list[str]) -> None:
    view = training_view(TrainingCurve(epochs))
    assert view is not None
    assert [chart.title for chart in view.charts] == charts


def test_without_epochs_there_is_no_view() -> None:
    assert training_view(TrainingCurve()) is None
    assert best_epoch([EpochMetrics(0, validation_map=math.nan)]) is None


@pytest.mark.parametrize("maximum", [0.0, 1e-4, 0.03, 0.5, 1.0, 2.7, 9.99, 10.0, 123.0, 5e6])
def test_ticks_of_a_loss_reach_its_maximum(maximum: float) -> None:
    ticks = loss_ticks(maximum)
    assert ticks[0] == 0
    assert ticks[-1] >= maximum
    assert 2 <= len(ticks) <= 7


def test_the_section_stands_behind_the_curves(make_report: MakeReport) -> None:
    elements = Elements(page(make_report(training=TrainingCurve(EPOCHS))))
    sections = [section["id"] for section in elements.named("section")]
    assert sections[sections.index("curves") + 1] == "training"
    assert "#training" in [link["href"] for link in elements.named("a")]


def test_a_missing_curve_is_explained(make_report: MakeReport) -> None:
    shown = page(make_report(training=TrainingCurve(missing="The log of <job> is gone.")))
    assert "There is no training curve. The log of &lt;job&gt; is gone." in shown
    assert 'id="training"' not in page(make_report()), "nobody looked for one"


def test_findings_stand_below_the_curve(make_report: MakeReport) -> None:
    finding = TrainingFinding("overfitting", 3, "validation mAP is <0.4>", "label more images")
    shown = page(make_report(training=TrainingCurve(EPOCHS, (finding,))))
    assert "<li><b>overfitting</b>: validation mAP is &lt;0.4&gt;. What to do: label more images.</li>" in shown
    assert "found nothing in the log" in page(make_report(training=TrainingCurve(EPOCHS)))


def test_where_only_the_last_values_are_known_they_are_listed(make_report: MakeReport) -> None:
    curve = TrainingCurve(final_metrics={"validation:mAP": 0.41251}, missing="The log is gone.")
    shown = page(make_report(training=curve))
    assert "<dt>validation:mAP</dt>\n<dd>0.4125</dd>" in shown
    assert "found nothing" not in shown, "nobody has looked"
