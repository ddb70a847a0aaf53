from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundloop.labels.class_maps import ClassMaps, class_map_of
from groundloop.labels.findings import LabelCode, Severity

Maps = list[dict[str, str]]


def class_maps(maps: Maps) -> ClassMaps:
    found = ClassMaps()
    for line, class_map in enumerate(maps, start=1):
        found.add(class_map, line)
    return found


@pytest.mark.parametrize(
    ("maps", "conflict", "lines"),
    [
        pytest.param([], "", 0, id="no line"),
        pytest.param([{"0": "nut"}, {}, {"1": "bolt"}, {"1": "bolt", "0": "nut"}], "", 0, id="parts of one map"),
        pytest.param([{"0": "nut"}, {"7": "bolt"}], "", 0, id="gaps between ids"),
        pytest.param(
            [{"0": "nut"}, {"1": "cog"}, {"0": "bolt"}, {"0": "nut"}, {"0": "bolt"}],
            "class id 0 is 'nut' on line 1 and 'bolt' on line 3",
            2,
            id="one id, two names",
        ),
        pytest.param(
            [{"0": "nut"}, {"1": "nut"}],
            "class 'nut' has the id 0 on line 1 and 1 on line 2",
            1,
            id="one name, two ids",
        ),
        pytest.param(
            [{"0": "nut", "1": "bolt"}, {"0": "bolt", "1": "nut"}],
            "class id 0 is 'nut' on line 1 and 'bolt' on line 2",
            1,
            id="exchanged: one line, however many ids",
        ),
    ],
)
def test_contradictions(maps: Maps, conflict: str, lines: int) -> None:
    found = class_maps(maps)
    assert (found.conflict, found.lines) == (conflict, lines)
    assert [finding.message.partition(";")[0] for finding in found.findings()] == [conflict] * bool(conflict)


def test_the_finding_is_a_warning_for_the_whole_manifest_and_says_what_to_do() -> None:
    (finding,) = class_maps([{"0": "nut"}, {"0": "bolt"}]).findings()
    assert (finding.code, finding.severity, finding.line) == (LabelCode.CLASS_MAPS_DIFFER, Severity.WARNING, 0)
    assert "1 lines contradict an earlier one" in finding.message
    assert "do not train straight from this manifest" in finding.message


def test_lines_with_the_same_map_can_be_added_at_once() -> None:
    found = ClassMaps()
    found.add({"0": "nut"}, 1, lines=500)
    found.add({"0": "bolt"}, 7, lines=40)
    assert found.lines == 40
    assert found.conflict.endswith("on line 7")


def test_names_in_the_order_of_their_ids() -> None:
    assert class_maps([{"10": "ten"}, {"2": "two", "0": "nought"}]).ordered == ("nought", "two", "ten")


def test_the_map_of_a_line() -> None:
    assert class_map_of(b'{"bb": {}, "bb-metadata": {"class-map": {"0": "nut"}}}', "bb") == {"0": "nut"}
    assert class_map_of(b'{"bb": {}, "bb-metadata": {}}', "bb") == {}


@given(st.lists(st.dictionaries(st.sampled_from("012"), st.sampled_from("abc"), max_size=3), max_size=6))
def test_there_is_a_conflict_exactly_where_ids_and_names_are_no_pairs(maps: Maps) -> None:
    pairs = {pair for one in maps for pair in one.items()}
    paired = len(pairs) == len({key for key, _ in pairs}) == len({name for _, name in pairs})
    found = class_maps(maps)
    assert (found.conflict == "") == (found.lines == 0) == paired
