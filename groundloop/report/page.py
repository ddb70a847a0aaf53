"""The report's files: the page and the table."""

from __future__ import annotations

from pathlib import Path

from groundloop.report.cards import cards, interval_level
from groundloop.report.comparison import champion_view, corrections_view, gate_view
from groundloop.report.confusion import confusion_view
from groundloop.report.content import Report
from groundloop.report.counts import count_panels, panel_classes
from groundloop.report.curves import curves_view
from groundloop.report.gallery import picture
from groundloop.report.numbers import interval
from groundloop.report.results import results_csv
from groundloop.report.slices import FEW_IMAGES, slices_view
from groundloop.report.templating import render
from groundloop.report.training import training_view


def write_report(folder: Path, report: Report) -> list[Path]:
    """Write `report.html` and `results.csv`.

    Args:
        folder: made when missing; files of the same names are replaced.
        report: the content.

    Returns:
        The files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    html, table = folder / "report.html", folder / "results.csv"
    html.write_text(page(report), encoding="utf-8", newline="\n")
    table.write_text(results_csv(report.evaluation), encoding="utf-8", newline="")
    return [html, table]


def page(report: Report) -> str:
    """Return the whole HTML file; equal reports give equal text, and it refers to nothing outside itself."""
    evaluation = report.evaluation
    return render(
        "page.html",
        report=report,
        evaluation=evaluation,
        gate=gate_view(report.gate, evaluation),
        cards=cards(evaluation, report.gate),
        interval_level=interval_level(evaluation),
        intervals={metric: interval(evaluation, metric) for metric in evaluation.metrics},
        comparison=None if report.champion is None else champion_view(report.champion),
        corrections=() if report.label_corrections is None else corrections_view(report.label_corrections),
        curves=curves_view(evaluation),
        training=None if report.training is None else training_view(report.training),
        confusion=confusion_view(evaluation),
        panels=count_panels(evaluation),
        panel_classes=len(panel_classes(evaluation)),
        slices=slices_view(evaluation),
        few_images=FEW_IMAGES,
        boxes=sum(row.boxes for row in evaluation.per_class),
        pictures=[picture(image) for image in report.worst],
    )
