"""The confusion matrix as a table, and the most frequent errors in words."""

from __future__ import annotations

from dataclasses import dataclass

from groundloop.detections.evaluation import Evaluation

#: Up to so many classes the cells hold their numbers.
MAX_NUMBERED = 30
_CELL, _NARROW_CELL, _TINY_CELL = 46, 34, 16
_NARROW_FROM = 14
_MAX_ERRORS = 8


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of the matrix.

    Attributes:
        title: what it counts, in words; "" for an empty cell.
        heat: name of the CSS variable of its colour; tint: how opaque it is.
    """

    count: int
    title: str = ""
    heat: str = ""
    tint: str = ""


@dataclass(frozen=True, slots=True)
class FrequentError:
    """An error with its number: of a true class or None, taken for a class or None (not found)."""

    count: int
    total: int
    true: str | None
    detected: str | None


@dataclass(frozen=True, slots=True)
class ConfusionView:
    """The matrix: a row per true class, a column per detected class, the background last."""

    cell_pixels: int
    numbered: bool
    rows: tuple[tuple[Cell, ...], ...]
    errors: tuple[FrequentError, ...]


def confusion_view(evaluation: Evaluation) -> ConfusionView:
    """Colour the cells by their share of the row, and pick the errors that are made most often."""
    classes, counts = evaluation.classes, evaluation.confusion.tolist()
    numbered = len(classes) <= MAX_NUMBERED
    pixels = _TINY_CELL if not numbered else _NARROW_CELL if len(classes) >= _NARROW_FROM else _CELL
    rows = tuple(
        tuple(_cell(classes, index, column, row) for column in range(len(row))) for index, row in enumerate(counts)
    )
    return ConfusionView(pixels, numbered, rows, _frequent_errors(classes, counts))


def _frequent_errors(classes: tuple[str, ...], counts: list[list[int]]) -> tuple[FrequentError, ...]:
    names = [*classes, None]
    errors = sorted(
        (-count, index, column)
        for index, row in enumerate(counts)
        for column, count in enumerate(row)
        if count and index != column
    )
    return tuple(
        FrequentError(-count, sum(counts[index]), names[index], names[column])
        for count, index, column in errors[:_MAX_ERRORS]
    )


def _cell(classes: tuple[str, ...], index: int, column: int, row: list[int]) -> Cell:
    background = len(classes)
    count, total = row[column], sum(row)
    if not count:
        return Cell(0)
    share = count / total
    true = f"true {classes[index]}" if index < background else "nothing there"
    detected = f"detected as {classes[column]}" if column < background else "not detected"
    return Cell(
        count=count,
        title=f"{true}, {detected}: {count:,} of {total:,} ({100 * share:.0f} %)",
        heat="--heat" if column == index else "--heat-off",
        # Ink stays readable on every tint: the strongest is well short of the full colour.
        tint=f"{0.08 + 0.52 * share:.2f}",
    )
