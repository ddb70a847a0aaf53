"""What was asked of the model and of the champion, and what the model has to show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from groundloop.detections.evaluation import Evaluation
from groundloop.report.markup import Content, Markup, escape, join, name, scrolling, section, tag
from groundloop.report.numbers import better, interval, many, share, signed, title

_OPERATORS = {">=": "\u2265", "<=": "\u2264"}


def gate_section(gate: Mapping[str, Any], evaluation: Evaluation) -> Markup:
    """The verdict in words, and a row for every requirement."""
    asked, missed = gate["requirements"], gate["thresholds_missed"]
    if not asked:
        kind, words = None, "No verdict: nothing was asked of the model"
    elif missed:
        kind, words = "missed", f"\u2717 Not passed: {missed} of {many(len(asked), 'requirement')} missed"
    else:
        kind, words = "met", f"\u2713 Passed: {many(len(asked), 'requirement')} met"
    heads = ("metric", "", "value", "asked", "difference", "interval")
    rows = [_requirement(row, evaluation) for row in asked]
    table = scrolling(_table(heads, rows), "Requirements of the quality gate") if rows else None
    head = tag("h2", words)
    return tag(
        "section", head, tag("p", gate["message"]), table, id="gate", class_=" ".join(filter(None, ["verdict", kind]))
    )


def champion_section(champion: Mapping[str, Any]) -> Markup:
    """The metrics of the champion and of this model side by side, on the images that both have."""
    if champion["package"] is None:
        return section("Champion", tag("p", champion["message"]), key="champion")
    shared = champion["images_shared"]
    both = f"Both on the {many(shared, 'test image')} that both have. " if shared else None
    heads = ("metric", "this model", f"version {champion['version']}", "difference", "")
    rows = {
        metric: _side_by_side(metric, value, champion["candidate"].get(metric))
        for metric, value in champion["metrics"].items()
        if value is not None or champion["candidate"].get(metric) is not None
    }
    main = [row for metric, row in rows.items() if title(metric)]
    rest = [row for metric, row in rows.items() if not title(metric)]
    return section(
        "Champion",
        tag("p", champion["message"]),
        tag("p", tag("small", both, champion["package"])),
        scrolling(_table(heads, main), "Champion and this model side by side") if main else None,
        _folded(_table(heads, rest)) if rest else None,
        key="champion",
    )


def _folded(table: Markup) -> Markup:
    label = "Champion and this model side by side, by class"
    return tag("details", tag("summary", "Side by side, by class"), scrolling(table, label))


def _requirement(row: Mapping[str, Any], evaluation: Evaluation) -> Markup:
    value, threshold = row["value"], row["threshold"]
    asked = escape(f"{_OPERATORS.get(row['operator'], row['operator'])} {_exact(threshold)}")
    if row.get("against"):
        asked = join(asked, tag("br"), tag("small", row["against"]))
    ends = interval(evaluation, row["metric"])
    cells: list[Content] = [
        tag("td", "\u2713 met", class_="good") if row["met"] else tag("td", "\u2717 missed", class_="bad"),
        tag("td", signed(value) if row["metric"].endswith("bias") else share(value)),
        tag("td", asked),
        tag("td", _difference(value, threshold)),
        tag("td", f"{ends[0]:.2f} to {ends[1]:.2f}" if ends else None),
    ]
    return tag("tr", tag("th", _metric(row["metric"]), scope="row"), *cells)


def _side_by_side(metric: str, theirs: float | None, ours: float | None) -> Markup:
    difference = None if theirs is None or ours is None else ours - theirs
    judged = None if difference is None else better(metric, difference)
    words = {True: tag("td", "\u25b2 better", class_="good"), False: tag("td", "\u25bc worse", class_="bad")}
    last = tag("td", "same" if difference == 0 else None) if judged is None else words[judged]
    write = signed if metric.endswith("bias") else share
    cells = (tag("td", write(ours)), tag("td", write(theirs)), tag("td", signed(difference)))
    return tag("tr", tag("th", _metric(metric), scope="row"), *cells, last)


def _metric(metric: str) -> Markup:
    """What people call it with its name in evaluation.json, by which the gate asks for it."""
    known = title(metric)
    return join(known, " ", tag("small", metric)) if known else name(metric)


def _difference(value: float | None, threshold: float) -> str:
    if value is None:
        return signed(None)
    difference = value - threshold
    # A narrow miss must not look like none.
    return signed(difference, 3 if abs(difference) >= 0.0005 or difference == 0 else 9)


def _exact(threshold: float) -> str:
    """As it was written, unless it was computed."""
    text = f"{threshold:g}"
    return text if float(text) == threshold else f"{threshold:.3f}"


def _table(heads: tuple[str, ...], rows: list[Markup]) -> Markup:
    columns = (tag("th", head, scope="col") for head in heads)
    return tag("table", tag("thead", tag("tr", *columns)), tag("tbody", *rows), class_="wide")
