from __future__ import annotations

import csv
import gzip
import io
import math
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundloop.detections.dataset import ScoredImage
from groundloop.detections.evaluation import OutcomeRow
from groundloop.detections.outcomes import outcomes
from groundloop.detections.table import COLUMNS, parse_outcomes, write_outcomes
from groundloop.errors import UserError

MakeImage = Callable[..., ScoredImage]
BOX = (1.0, 2.0, 3.5, 1 / 3 + 4)
GOOD = "test,s3://b/a.jpg,TP,nut,0.9,0.0,0.0,1.0,1.0,0.8,0.0,0.0,1.0,1.0"


def _packed(*lines: str) -> bytes:
    return gzip.compress("".join(f"{line}\n" for line in (",".join(COLUMNS), *lines)).encode())


def _corners() -> st.SearchStrategy[tuple[float, float, float, float]]:
    number = st.floats(-1e6, 1e6)
    return st.tuples(number, number, st.floats(0, 1e6), st.floats(0, 1e6)).map(
        lambda box: (box[0], box[1], box[0] + box[2], box[1] + box[3])
    )


_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
_share = st.floats(0, 1)


def _outcome() -> st.SearchStrategy[OutcomeRow]:
    start = (st.sampled_from(["validation", "test"]), _text)
    found = st.tuples(*start, st.sampled_from(["TP"]), _text, _share, _corners(), _share, _corners())
    false = st.tuples(*start, st.just("FP"), _text, _share, _corners(), _share, st.none())
    under = st.tuples(*start, st.just(""), _text, _share, _corners(), _share, st.none() | _corners())
    missed = st.tuples(*start, st.just("FN"), _text, st.none(), st.none(), _share, _corners())
    return st.one_of(found, false, under, missed).map(lambda fields: OutcomeRow(*fields))


@given(st.lists(_outcome(), max_size=5))
def test_reading_gives_what_was_written(tmp_path_factory: pytest.TempPathFactory, rows: list[OutcomeRow]) -> None:
    path = tmp_path_factory.getbasetemp() / "detections.csv.gz"
    write_outcomes(path, rows)
    assert list(parse_outcomes(path.read_bytes())) == rows


def test_a_line_without_an_end_is_not_read_to_the_end() -> None:
    content = gzip.compress(b"x" * 50_000_000)
    with pytest.raises(UserError, match=r"the file is damaged: a line has more than 100,000 characters"):
        list(parse_outcomes(content))


def test_equal_rows_give_equal_bytes_whatever_the_name_and_time(tmp_path: Path, make_image: MakeImage) -> None:
    image = make_image([(0, *BOX)], [(0, 0.9, *BOX), (1, 0.1, *BOX)])
    contents = set()
    for name in ("one.csv.gz", "other.csv.gz"):
        rows = outcomes("test", [image], ("nut", "bolt"), {"nut": 0.5, "bolt": 0.5})
        write_outcomes(tmp_path / name, rows)
        contents.add((tmp_path / name).read_bytes())
    assert len(contents) == 1
    assert contents.pop()[4:8] == b"\0\0\0\0"  # the time in gzip's header


def test_the_table_is_plain_csv(tmp_path: Path) -> None:
    path = tmp_path / "t.csv.gz"
    write_outcomes(
        path,
        [
            OutcomeRow("test", "s3://b/a,b.jpg", "TP", 'a "nut"', 0.1 + 0.2, BOX, 1 / 3, BOX),
            OutcomeRow("test", "s3://b/a,b.jpg", "FN", "bolt", None, None, 0.0, BOX),
        ],
    )
    rows = list(csv.DictReader(io.StringIO(gzip.decompress(path.read_bytes()).decode())))
    assert list(rows[0]) == list(COLUMNS)
    assert (rows[0]["class"], rows[0]["score"], rows[0]["iou"]) == ('a "nut"', repr(0.1 + 0.2), repr(1 / 3))
    assert (rows[1]["outcome"], rows[1]["score"], rows[1]["xmin"], rows[1]["true_xmin"]) == ("FN", "", "", "1.0")


def test_no_rows(tmp_path: Path) -> None:
    write_outcomes(tmp_path / "t.csv.gz", [])
    assert list(parse_outcomes((tmp_path / "t.csv.gz").read_bytes())) == []


@pytest.mark.parametrize(
    ("row", "message"),
    [
        pytest.param("test,s3://b/a.jpg,TP", "3 columns instead of 14", id="cut"),
        pytest.param("", "0 columns instead of 14", id="blank"),
        pytest.param(GOOD.replace("test", "train"), "the split 'train' is neither", id="split"),
        pytest.param(GOOD.replace("TP", "tp"), "the outcome 'tp' is none of TP", id="outcome"),
        pytest.param(GOOD.replace("0.9", "high"), "'high' is not a number", id="a word for a number"),
        pytest.param(GOOD.replace("0.9", "nan"), "'nan' is not a number", id="NaN score"),
        pytest.param(GOOD.replace("0.9", "1.5"), "score 1.5 does not lie in 0 to 1", id="score over 1"),
        pytest.param(GOOD.replace("0.8", "-1"), "iou -1 does not lie in 0 to 1", id="negative IoU"),
        pytest.param(GOOD.replace("0.9,0.0,0.0,1.0,1.0", "0.9,,,,"), "needs a score and a box", id="no box"),
        pytest.param(GOOD.replace("0.9,0.0", ",0.0"), "needs a score and a box", id="no score"),
        pytest.param(GOOD.replace("TP", "FN"), "a missed ground-truth box has neither", id="missed with a score"),
        pytest.param(
            GOOD.replace("0.8,0.0,0.0,1.0,1.0", "0.8,,,,"), "TP without a ground-truth box", id="true without a box"
        ),
        pytest.param(GOOD.replace("0.9,0.0,0.0", "0.9,,0.0"), "'' is not a number", id="half a box"),
        pytest.param(GOOD.replace("0.9,0.0", "0.9,5.0"), "the corners 5.0, 0.0, 1.0, 1.0 are swapped", id="swapped"),
        pytest.param(GOOD.replace("0.9,0.0", "0.9,-inf"), "'-inf' is not a number", id="endless box"),
    ],
)
def test_a_row_that_nobody_wrote_is_refused_with_its_line(row: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        list(parse_outcomes(_packed(GOOD, row), "old/detections.csv.gz"))
    assert str(caught.value).startswith("old/detections.csv.gz, line 3: ")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"", "line 1: not a table", id="empty"),
        pytest.param(b"<html>", "line 1: the file is damaged", id="not gzip"),
        pytest.param(
            gzip.compress(b"a,b\n1,2\n"), "line 1: not a table of detections, whose columns", id="another table"
        ),
        pytest.param(gzip.compress(b"\xff\xfe"), "line 1: the file is damaged: .*utf-8", id="not text"),
        pytest.param(_packed(GOOD, '"'), "line 4: the file is damaged|line 3: the file is damaged", id="open quote"),
        pytest.param(_packed(GOOD)[:-20], "the file is cut off", id="cut off"),
        pytest.param(_packed(GOOD)[:-8] + bytes(8), "the file is damaged: CRC", id="wrong checksum"),
        pytest.param(_packed(GOOD)[:15] + b"\xff" * 9 + _packed(GOOD)[24:], "the file is damaged", id="garbled"),
    ],
)
def test_a_damaged_file_is_told_by_name(content: bytes, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        list(parse_outcomes(content, "old/detections.csv.gz"))
    assert str(caught.value).startswith("old/detections.csv.gz, line ")


@given(st.binary(max_size=60), st.integers(0, 200), st.booleans())
def test_whatever_the_bytes_the_error_is_the_users(noise: bytes, at: int, pack: bool) -> None:
    good = _packed(GOOD, GOOD)
    content = gzip.compress(gzip.decompress(good)[:at] + noise) if pack else good[:at] + noise + good[at:]
    try:
        rows = list(parse_outcomes(content))
    except UserError:
        return
    assert all(row.score is None or math.isfinite(row.score) for row in rows)
