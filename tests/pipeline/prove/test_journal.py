"""The journal: what was made is on the disk before it is made, also when the process dies while it writes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from groundloop.errors import UserError
from pipeline.prove.journal import FILE, Journal, Place
from pipeline.teardown import Resource

PLACE = Place("0123abcd", "us-east-1", "123456789012", "")
PIPELINE, MODEL = Resource("pipeline", "a"), Resource("model", "b")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = Journal(tmp_path)
    made.begin(PLACE)
    yield made
    made.close()


def reopened(journal: Journal) -> Journal:
    journal.close()
    return Journal(journal.path.parent)


def test_it_outlives_the_process(journal: Journal) -> None:
    journal.create(PIPELINE)
    journal.create(MODEL)
    again = reopened(journal)
    assert again.place == PLACE
    assert again.left == [MODEL, PIPELINE], "the newest first"
    again.close()


def test_what_was_removed_is_not_left(journal: Journal) -> None:
    journal.create(PIPELINE)
    journal.create(MODEL)
    journal.removed(MODEL)
    again = reopened(journal)
    assert again.left == [PIPELINE]
    again.close()


def test_a_record_is_on_the_disk_at_once(journal: Journal) -> None:
    journal.create(PIPELINE)
    last = journal.path.read_text(encoding="utf-8").splitlines()[-1]
    assert json.loads(last) == {"create": {"kind": "pipeline", "name": "a", "note": ""}}


def test_half_a_line_is_of_a_call_that_was_never_made(journal: Journal) -> None:
    journal.create(PIPELINE)
    with (journal.path.parent / FILE).open("a", encoding="utf-8") as file:
        file.write('{"create": {"kind": "mod')
    again = reopened(journal)
    assert again.left == [PIPELINE]
    again.removed(PIPELINE)
    last = reopened(again)
    assert last.left == []
    last.close()


def test_one_process_at_a_time(journal: Journal) -> None:
    with pytest.raises(UserError, match="another proof runs with"):
        Journal(journal.path.parent)


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"--output .*file: can't be written"):
        Journal(tmp_path / "file")
