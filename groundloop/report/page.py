"""The page: all sections from the verdict down to where everything comes from."""

from __future__ import annotations

from groundloop.report.classes import classes_section
from groundloop.report.confusion import confusion_section
from groundloop.report.content import Report
from groundloop.report.counts import counts_section
from groundloop.report.curves import curves_section
from groundloop.report.gallery import gallery_section
from groundloop.report.headline import headline_section
from groundloop.report.markup import Markup, join, section, tag
from groundloop.report.numbers import many
from groundloop.report.style import STYLE
from groundloop.report.verdict import champion_section, gate_section

_SECTIONS = {
    "gate": "Gate",
    "metrics": "Metrics",
    "champion": "Champion",
    "curves": "Curves",
    "confusion": "Confusion",
    "counts": "Counts",
    "classes": "Classes",
    "gallery": "Worst images",
    "origin": "Origin",
}


def page(report: Report) -> str:
    """The whole HTML file; equal reports give equal text, and it refers to nothing outside itself."""
    evaluation = report.evaluation
    images = f"{many(evaluation.test_images, 'test image')}, {many(evaluation.validation_images, 'validation image')}"
    parts = {
        "gate": gate_section(report.gate, evaluation),
        "metrics": headline_section(evaluation, report.gate),
        "champion": None if report.champion is None else champion_section(report.champion),
        "curves": curves_section(evaluation),
        "confusion": confusion_section(evaluation),
        "counts": counts_section(evaluation),
        "classes": classes_section(evaluation),
        "gallery": gallery_section(report.worst),
        "origin": _origin(report),
    }
    shown = {key: part for key, part in parts.items() if part is not None}
    links = [tag("a", _SECTIONS[key], href=f"#{key}") for key in shown]
    body = tag(
        "main",
        tag("h1", report.title),
        tag("p", f"{many(len(evaluation.classes), 'class', 'classes')}, {images}", class_="muted"),
        *(tag("p", note, class_="note") for note in report.notes),
        tag("nav", *links, aria_label="Sections"),
        *shown.values(),
    )
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", report.title),
        tag("style", Markup(STYLE)),
    )
    return join(Markup("<!doctype html>\n"), tag("html", head, tag("body", body), lang="en"), Markup("\n"))


def _origin(report: Report) -> Markup | None:
    if not report.details:
        return None
    pairs = [part for label, value in report.details.items() for part in (tag("dt", label), tag("dd", value))]
    return section("Where it comes from", tag("dl", *pairs), key="origin")
