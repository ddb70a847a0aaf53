"""detections.csv.gz: the outcomes as a table for further analysis, and for scoring the detections again.

One row per detection or missed box, a header first; what there is not is empty. Numbers are written so that reading
gives the same ones, and equal rows give equal bytes.
"""

from __future__ import annotations

import csv
import gzip
import io
import math
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from groundloop.detections.evaluation import OutcomeRow
from groundloop.errors import UserError

NAME = "detections.csv.gz"
COLUMNS = (
    *("split", "source_ref", "outcome", "class", "score", "xmin", "ymin", "xmax", "ymax"),
    *("iou", "true_xmin", "true_ymin", "true_xmax", "true_ymax"),
)
_SPLITS = ("validation", "test")
_OUTCOMES = ("TP", "FP", "FN", "")
_NO_BOX = (None, None, None, None)
# The highest takes six times the CPU of this one, and saves 7 % of the bytes.
_COMPRESSION = 4

_MAX_LINE_LENGTH = 100_000

Corners = tuple[float, float, float, float]


def write_outcomes(path: Path, rows: Iterable[OutcomeRow]) -> None:
    """Write a table; whatever is at the path is replaced."""
    with (
        path.open("wb") as raw,
        # Neither name nor time: equal rows are to give equal bytes.
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0, compresslevel=_COMPRESSION) as packed,
        io.TextIOWrapper(packed, encoding="utf-8", newline="") as stream,
    ):
        # As RFC 4180 wants it; the writer quotes cells that hold a part of its line end, so that any name survives.
        writer = csv.writer(stream, lineterminator="\r\n")
        writer.writerow(COLUMNS)
        # It writes a float as `repr` does, and None as an empty cell.
        writer.writerows(
            (
                *(row.split, row.source_ref, row.outcome, row.class_name, row.score),
                *(row.box or _NO_BOX),
                row.iou,
                *(row.true_box or _NO_BOX),
            )
            for row in rows
        )


def parse_outcomes(content: bytes, name: str = NAME) -> Iterator[OutcomeRow]:
    """Read the rows of a table, one by one, from the file's bytes.

    Args:
        name: where they are from, for error messages.

    Raises:
        UserError: while iterating, naming the line: not a table, cut off, or a row that Evaluate would not write.
    """
    stream = io.TextIOWrapper(gzip.GzipFile(fileobj=io.BytesIO(content)), encoding="utf-8", newline="")
    reader = csv.reader(_lines(stream), strict=True)
    try:
        header = next(reader, None)
        if header != list(COLUMNS):
            raise UserError(f"{name}, line 1: not a table of detections, whose columns are {', '.join(COLUMNS)}")
        for cells in reader:
            try:
                yield _outcome(cells)
            except ValueError as error:
                raise UserError(f"{name}, line {reader.line_num}: {error}; evaluate that model again") from None
    except EOFError:
        raise UserError(f"{name}, line {reader.line_num + 1}: the file is cut off here; copy it again") from None
    except (OSError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{name}, line {reader.line_num + 1}: the file is damaged: {error}; copy it again") from None


def _lines(stream: io.TextIOWrapper) -> Iterator[str]:
    """Yield the lines; one that no row has is not read to its end, which may never come."""
    while line := stream.readline(_MAX_LINE_LENGTH):
        if len(line) == _MAX_LINE_LENGTH:
            raise csv.Error(f"a line has more than {_MAX_LINE_LENGTH:,} characters")
        yield line


def _outcome(cells: Sequence[str]) -> OutcomeRow:
    if len(cells) != len(COLUMNS):
        raise ValueError(f"{len(cells)} columns instead of {len(COLUMNS)}")
    split, source_ref, outcome, class_name, score = cells[:5]
    if split not in _SPLITS:
        raise ValueError(f"the split {split!r} is neither validation nor test")
    if outcome not in _OUTCOMES:
        raise ValueError(f"the outcome {outcome!r} is none of TP, FP, FN and empty")
    box, true_box = _box(cells[5:9]), _box(cells[10:])
    if (score == "" or box is None) != (outcome == "FN") or (score == "") != (box is None):
        raise ValueError("a detection needs a score and a box, a missed ground-truth box has neither")
    if true_box is None and outcome in ("TP", "FN"):
        raise ValueError(f"{outcome} without a ground-truth box")
    return OutcomeRow(
        split=split,
        source_ref=source_ref,
        outcome=outcome,
        class_name=class_name,
        score=None if score == "" else _ratio("score", score),
        box=box,
        iou=_ratio("iou", cells[9]),
        true_box=true_box,
    )


def _box(cells: Sequence[str]) -> Corners | None:
    if not any(cells):
        return None
    xmin, ymin, xmax, ymax = (_number(cell) for cell in cells)
    if xmax < xmin or ymax < ymin:
        raise ValueError(f"the corners {', '.join(cells)} are swapped")
    return xmin, ymin, xmax, ymax


def _ratio(column: str, cell: str) -> float:
    value = _number(cell)
    if not 0 <= value <= 1:
        raise ValueError(f"{column} {cell} does not lie in 0 to 1")
    return value


def _number(cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        raise ValueError(f"{cell!r} is not a number") from None
    if not math.isfinite(value):
        raise ValueError(f"{cell!r} is not a number")
    return value
