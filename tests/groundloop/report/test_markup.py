"""Text stays text: whatever a name holds, it is read back as it was, and opens no element."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundloop.report.markup import Markup, escape, join, name, tag


class _Reader(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.titles: list[str | None] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.titles += [value for key, value in attrs if key == "title"]

    def handle_data(self, data: str) -> None:
        self.text += data


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff")))
def test_any_name_is_read_back_as_it_was(words: str) -> None:
    read = _Reader(tag("p", words, title=words or None))
    assert read.text == words
    assert read.elements == ["p"]
    assert read.titles == ([words] if words else [])


@pytest.mark.parametrize("character", ["\x00", "\x1b", "\x7f", "\ud800"], ids=repr)
def test_what_html_forbids_is_replaced(character: str) -> None:
    assert escape(f"a{character}b") == "a\ufffdb"


@pytest.mark.parametrize(
    ("made", "written"),
    [
        pytest.param(tag("td", "a & b"), "<td>a &amp; b</td>", id="text is escaped"),
        pytest.param(tag("td", Markup("<b>a</b>")), "<td><b>a</b></td>", id="markup is not"),
        pytest.param(tag("td", None, 0), "<td>0</td>", id="none is left out, zero is not"),
        pytest.param(tag("td", class_="x", title=None), '<td class="x"></td>', id="class, and an attribute without"),
        pytest.param(
            tag("svg", viewBox="0 0 1 1", stroke_width=2), '<svg viewBox="0 0 1 1" stroke-width="2"></svg>', id="svg"
        ),
        pytest.param(tag("div", hidden=""), "<div hidden></div>", id="an attribute without value"),
        pytest.param(tag("br"), "<br>", id="an element without end"),
        pytest.param(join("<", Markup("<i>")), "&lt;<i>", id="joined"),
        pytest.param(name("<"), "<bdi>&lt;</bdi>", id="a name"),
    ],
)
def test_elements_are_written(made: Markup, written: str) -> None:
    assert made == written
    assert isinstance(made, Markup)
