"""What commands print: nothing in labels, names and files can act on the terminal or forge a line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from pipeline.cli import output

HOSTILE = "bolt\x1b[2J\x9b31m\u202e\ud800\nerror: forged"
SHOWN = r"bolt\x1b[2J\x9b31m\u202e\ud800\nerror: forged"
CLI = Path(output.__file__).parent


class TestControlCharacters:
    @pytest.mark.parametrize("coloured", [False, True], ids=["plain", "coloured"])
    def test_a_line_is_one_line_and_shows_them_escaped(
        self, coloured: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("FORCE_COLOR", "1" if coloured else "")
        output.print_line(f"class {HOSTILE}", "red")
        shown = f"class {SHOWN}"
        assert capsys.readouterr().out == (f"\x1b[31m{shown}\x1b[0m\n" if coloured else f"{shown}\n")

    def test_line_ends_around_a_line_are_blank_lines(self, capsys: pytest.CaptureFixture[str]) -> None:
        output.print_line("\nnext:\n")
        output.print_line("\n")
        output.print_line()
        assert capsys.readouterr().out == "\nnext:\n\n\n\n\n"

    def test_tables(self, capsys: pytest.CaptureFixture[str]) -> None:
        output.print_table(("class", HOSTILE), [(HOSTILE, 1)], details=[[HOSTILE]])
        output.print_values({HOSTILE: HOSTILE})
        printed = capsys.readouterr().out
        assert len(printed.splitlines()) == 4
        assert printed.count(SHOWN) == 5

    def test_json_stays_what_it_is(self, capsys: pytest.CaptureFixture[str]) -> None:
        output.print_json({HOSTILE: "螺母"})
        output.print_json_line([HOSTILE])
        printed = capsys.readouterr().out
        assert printed.replace("\n", "").isprintable()
        assert "螺母" in printed
        *whole, line = printed.splitlines()
        assert json.loads("".join(whole)) == {HOSTILE: "螺母"}
        assert json.loads(line) == [HOSTILE]

    def test_yaml_stays_what_it_is(self, capsys: pytest.CaptureFixture[str]) -> None:
        settings = {"name": HOSTILE.replace("\ud800", ""), "class": "螺母"}
        output.print_yaml(settings)
        printed = capsys.readouterr().out
        assert printed.replace("\n", "").isprintable()
        assert yaml.safe_load(printed) == settings

    def test_yaml_without_any_is_readable(self, capsys: pytest.CaptureFixture[str]) -> None:
        output.print_yaml({"class": "螺母"})
        assert capsys.readouterr().out == "class: 螺母\n"


class TestErrors:
    def test_each_line_is_marked(self, capsys: pytest.CaptureFixture[str]) -> None:
        output.print_error("one", f"two {HOSTILE}")
        assert capsys.readouterr().err == f"error: one\nerror: two {SHOWN}\n"

    def test_a_long_one_is_shortened(self, capsys: pytest.CaptureFixture[str]) -> None:
        output.print_error("x" * 5_000)
        output.print_warning("x" * 5_000)
        error, warning = capsys.readouterr().err.splitlines()
        assert "[4,000 characters left out]" in error
        assert "[4,000 characters left out]" in warning

    def test_of_many_the_first_are_shown(self, capsys: pytest.CaptureFixture[str]) -> None:
        output.print_error(*map(str, range(5_000)))
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == 51
        assert lines[-1] == "error: and 4,950 more"


def test_commands_print_through_this_module_only() -> None:
    """Except for lines that are redrawn in place, which escape what they show."""
    allowed = {CLI / "output.py", CLI / "labels" / "progress.py", CLI / "progress_line.py"}
    other_ways = re.compile(r"typer\.(s?echo|secho)\(|(?<![\w.])print\(|\.write\(")
    for file in sorted(set(CLI.rglob("*.py")) - allowed):
        assert not other_ways.search(file.read_text(encoding="utf-8")), file
