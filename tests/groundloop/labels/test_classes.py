from __future__ import annotations

import hashlib

import pytest

from groundloop.errors import UserError
from groundloop.labels.classes import ClassList, similar_names
from groundloop.labels.findings import LabelCode


def test_the_configured_order_gives_the_ids() -> None:
    classes = ClassList.from_config(["nut", "bolt"])
    assert classes.ids == {"nut": 0, "bolt": 1}
    assert classes.class_map == {"0": "nut", "1": "bolt"}
    assert list(classes) == ["nut", "bolt"]


def test_the_union_is_sorted_whatever_the_order_of_the_lines() -> None:
    assert ClassList.from_union(["nut", "bolt", "nut"]) == ClassList.from_union(["bolt", "nut"])
    assert ClassList.from_union(["nut", "Nut", "螺母"]).names == ("Nut", "nut", "螺母")


@pytest.mark.parametrize(
    ("names", "message"),
    [
        pytest.param([], "is empty", id="no name"),
        pytest.param(["a", ""], "empty name", id="an empty name"),
        pytest.param(["a", "b", "a"], "'a' twice", id="a name twice"),
    ],
)
def test_a_list_that_gives_no_id_per_class_is_refused(names: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        ClassList.from_config(names)


def test_the_hash_is_that_of_the_compact_json_list() -> None:
    assert ClassList(("a", "ü")).sha256 == hashlib.sha256('["a","ü"]'.encode()).hexdigest()
    assert ClassList(("a", "b")).sha256 != ClassList(("b", "a")).sha256


@pytest.mark.parametrize(
    ("names", "warnings"),
    [
        pytest.param(["nut", "bolt"], 0, id="different names"),
        pytest.param(["nut", "Nut"], 1, id="case"),
        pytest.param(["nut", "nut "], 2, id="a trailing space: odd, and like another"),
        pytest.param([" nut"], 1, id="a leading space"),
    ],
)
def test_names_that_are_easily_confused_are_warned_about(names: list[str], warnings: int) -> None:
    findings = list(similar_names(names))
    assert [finding.code for finding in findings] == [LabelCode.SIMILAR_CLASS_NAMES] * warnings
