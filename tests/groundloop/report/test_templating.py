"""Text stays text: whatever a name holds, it is read back as it was, and opens no element."""

from __future__ import annotations

import subprocess
import sys
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import TemplateNotFound, UndefinedError

from groundloop.report.chart import LegendEntry
from groundloop.report.templating import _environment, render


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


def _filled(source: str, **values: object) -> str:
    return _environment().from_string(source).render(values)


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff")))
def test_any_name_is_read_back_as_it_was(name: str) -> None:
    read = _Reader(_filled('<p title="{{ name }}">{{ name }}</p>', name=name))
    assert read.text == name
    assert read.elements == ["p"]
    assert read.titles == [name]


@pytest.mark.parametrize("character", ["\x00", "\x1b", "\x7f", "\ud800"], ids=repr)
def test_characters_that_html_forbids_are_replaced(character: str) -> None:
    assert _filled("{{ name }}", name=f"a{character}b") == "a\ufffdb"


def test_markup_of_a_macro_is_not_escaped_again() -> None:
    source = '{% from "chart.html" import legend %}{{ legend(entries) }}'
    read = _Reader(_filled(source, entries=[LegendEntry("mean", "<b>\x07", ": 1")]))
    assert read.elements == ["ul", "li", "svg", "path", "span", "bdi"]
    assert "<b>\ufffd: 1" in read.text


def test_a_value_that_is_not_there_is_an_error_but_none_is_nothing() -> None:
    assert _filled("({{ value }})", value=None) == "()"
    with pytest.raises(UndefinedError, match="value"):
        _filled("{{ value }}")


def test_a_template_that_is_not_there_is_an_error() -> None:
    with pytest.raises(TemplateNotFound):
        render("none.html")


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = "import sys, groundloop.report; print({'jinja2', 'PIL', 'boto3'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
