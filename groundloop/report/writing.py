"""The report's files."""

from __future__ import annotations

from pathlib import Path

from groundloop.report.content import Report
from groundloop.report.page import page
from groundloop.report.plots import write_plots
from groundloop.report.results import results_csv


def write_report(folder: Path, report: Report) -> list[Path]:
    """Write `report.html`, `results.csv` and the plots.

    Args:
        folder: made when missing; files of the same names are replaced.

    Returns:
        The files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    html, table = folder / "report.html", folder / "results.csv"
    html.write_text(page(report), encoding="utf-8", newline="\n")
    table.write_text(results_csv(report.evaluation), encoding="utf-8", newline="")
    return [html, table, *write_plots(folder, report.evaluation)]
