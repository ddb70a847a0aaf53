"""Names that every server takes."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from groundloop.tracking.names import MAX_NAME_LENGTH, cut, metric_names

# mlflow.utils.validation: the characters, without the colon; and no name that means another folder.
ALLOWED = re.compile(r"[/\w.\- ]+")


def test_what_mlflow_refuses_is_replaced() -> None:
    names = metric_names([("per_class", "M4:8/10", "ap"), ("per_class", "..", "ap"), ("per_class", "ナット", "ap")])
    assert list(names.values()) == ["per_class/M4_8_10/ap", "per_class/__/ap", "per_class/ナット/ap"]


def test_equal_names_are_told_apart_and_the_true_one_stays() -> None:
    names = metric_names([("per_class", "a:b", "ap"), ("per_class", "a_b", "ap"), ("per_class", "a?b", "ap")])
    assert len(set(names.values())) == 3
    assert names["per_class", "a_b", "ap"] == "per_class/a_b/ap"
    assert re.fullmatch("per_class/a_b/ap-[0-9a-f]{6}", names["per_class", "a:b", "ap"])


def test_a_long_name_is_cut_and_stays_unique() -> None:
    first, second = metric_names([("x" * 300, "ap"), ("x" * 300, "f1")]).values()
    assert len(first) == len(second) == MAX_NAME_LENGTH
    assert first != second


@given(st.lists(st.lists(st.text(max_size=8), min_size=1, max_size=3).map(tuple), unique=True, max_size=8))
def test_names_are_allowed_and_each_another(paths: list[tuple[str, ...]]) -> None:
    names = list(metric_names(paths).values())
    assert len(set(names)) == len(paths)
    for name in names:
        assert ALLOWED.fullmatch(name)
        assert not {".", "..", ""} & set(name.split("/"))


def test_a_long_value_is_cut() -> None:
    assert (cut("abc", 3), cut("abcd", 3)) == ("abc", "ab…")
