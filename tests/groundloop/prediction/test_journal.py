"""A results file survives a crash, and never mixes two models."""

from __future__ import annotations

from pathlib import Path

import pytest

from groundloop.errors import UserError
from groundloop.prediction.journal import ImageResult, Journal, is_results_file, read_results

THRESHOLDS = {"nut": 0.5}


def result(name: str) -> ImageResult:
    return ImageResult(name, 10, 10, "model", THRESHOLDS)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with Journal(tmp_path / "results.jsonl", "model", THRESHOLDS) as journal:
        journal.add(result("a"))
        journal.add(result("b"))
    return tmp_path / "results.jsonl"


@pytest.mark.parametrize("cut", [1, 10, 60], ids="{} bytes are missing".format)
def test_a_line_that_was_cut_off_is_written_again(path: Path, cut: int) -> None:
    path.write_bytes(path.read_bytes()[:-cut])
    with Journal(path, "model", THRESHOLDS) as journal:
        assert list(journal.done) == ["a"]
        journal.add(result("b"))
    assert [one.image for one in read_results(path)] == ["a", "b"]


@pytest.mark.parametrize(
    ("model", "thresholds", "message"),
    [
        pytest.param("other", THRESHOLDS, "has results of another model", id="another model"),
        pytest.param("model", {"nut": 0.4}, "has results of other thresholds", id="another threshold"),
    ],
)
def test_results_of_two_models_are_not_mixed(
    path: Path, model: str, thresholds: dict[str, float], message: str
) -> None:
    before = path.read_bytes()
    with pytest.raises(UserError, match=message):
        Journal(path, model, thresholds)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"my notes", id="text without an end of line"),
        pytest.param(b"my notes\n", id="text"),
        pytest.param(b'{"source-ref": "s3://b/a.jpg"}\n', id="a manifest"),
        pytest.param(
            b'{"image":"a","width":1,"height":1,"model":"m","thresholds":{},"detections":[{"class":"x","score":1,'
            b'"box":[0,0,1,1]}]}\n',
            id="a class of no list",
        ),
    ],
)
def test_another_file_is_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "results.jsonl"
    path.write_bytes(content)
    with pytest.raises(UserError, match="not a result"):
        Journal(path, "model", THRESHOLDS)
    assert path.read_bytes() == content


def test_one_process_writes_at_a_time(path: Path) -> None:
    with Journal(path, "model", THRESHOLDS), pytest.raises(UserError, match="another groundloop predict is writing it"):
        Journal(path, "model", THRESHOLDS)


def test_results_files_are_known_by_their_content(path: Path) -> None:
    assert is_results_file(path)
    assert not is_results_file(path.parent)
    assert not is_results_file(path.parent / "none")
