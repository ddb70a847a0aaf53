"""The confusion matrix as a table: rows true, columns detected, the background last."""

from __future__ import annotations

from groundloop.detections.evaluation import Evaluation
from groundloop.report.markup import Content, Markup, join, name, scrolling, section, tag
from groundloop.report.numbers import many

#: Up to so many classes the cells hold their numbers.
MOST_NUMBERED = 30
_CELL, _NARROW_CELL, _TINY_CELL = 46, 34, 16
_NARROW_FROM = 14
_MOST_ERRORS = 8


def confusion_section(evaluation: Evaluation) -> Markup:
    """The matrix of counts; the colour goes by the share of the row."""
    classes, counts = evaluation.classes, evaluation.confusion.tolist()
    numbered = len(classes) <= MOST_NUMBERED
    cell = _TINY_CELL if not numbered else _NARROW_CELL if len(classes) >= _NARROW_FROM else _CELL
    columns = [*map(name, classes), Markup("not found")]
    heads = [
        tag("th", tag("span", column), scope="col", title=title)
        for column, title in zip(columns, _columns(classes), strict=True)
    ]
    rows = [tag("tr", tag("th", "true \u2193 detected \u2192"), *heads)]
    body = []
    for index, row in enumerate(counts):
        last = index == len(classes)
        head: Content = "nothing there" if last else name(classes[index])
        cells = [_cell(classes, index, column, row, numbered) for column in range(len(row))]
        body.append(
            tag(
                "tr",
                tag("th", head, scope="row", title=None if last else classes[index]),
                *cells,
                class_="edge" if last else None,
            )
        )
    table = tag("table", tag("thead", *rows), tag("tbody", *body), class_="matrix", style=f"--cell:{cell}px")
    told = (
        "At the thresholds, matched at IoU 0.50. A row is a true class, a column what was detected in its place: right "
        "ones on the diagonal, missed objects in the last column, false alarms in the last row. The colour is the "
        "share of the row."
    )
    if not numbered:
        told += " There are too many classes for numbers; rest the pointer on a cell, or look into evaluation.json."
    both = tag("div", scrolling(table, "Confusion matrix"), _most_frequent(evaluation), class_="beside")
    return section("Confusion matrix", tag("p", told), both, key="confusion")


def _most_frequent(evaluation: Evaluation) -> Markup | None:
    """The errors that are made most often, in words."""
    classes, background = evaluation.classes, len(evaluation.classes)
    errors = [
        (-count, index, column)
        for index, row in enumerate(evaluation.confusion.tolist())
        for column, count in enumerate(row)
        if count and index != column
    ]
    told = []
    for count, index, column in sorted(errors)[:_MOST_ERRORS]:
        if index == background:
            words = join(f"{many(-count, 'false alarm')}: ", name(classes[column]))
        else:
            taken = join("taken for ", name(classes[column])) if column < background else "not found"
            total = int(evaluation.confusion[index].sum())
            words = join(f"{-count:,} of {total:,} ", name(classes[index]), " ", taken)
        told.append(tag("li", words))
    return tag("div", tag("h3", "Most frequent errors"), tag("ul", *told)) if told else None


def _columns(classes: tuple[str, ...]) -> list[str]:
    return [*(f"detected as {label}" for label in classes), "not detected"]


def _cell(classes: tuple[str, ...], index: int, column: int, row: list[int], numbered: bool) -> Markup:
    background = len(classes)
    edge = "edge" if column == background else None
    count, total = row[column], sum(row)
    if not count:
        return tag("td", class_=edge)
    share = count / total
    true = f"true {classes[index]}" if index < background else "nothing there"
    found = f"detected as {classes[column]}" if column < background else "not detected"
    kind = "--heat" if column == index else "--heat-off"
    # Ink stays readable on every tint: the strongest is well short of the full colour.
    tint = f"background:rgba(var({kind}),{0.08 + 0.52 * share:.2f})"
    words = f"{true}, {found}: {count:,} of {total:,} ({100 * share:.0f} %)"
    return tag("td", f"{count}" if numbered else None, class_=edge, style=tint, title=words)
