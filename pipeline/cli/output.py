"""What the commands print: tables, key/value lists, JSON, and lines with a colour.

Tables are laid out by Rich, which is imported with the first table only. Where the output is not a terminal they are
plain text with one line per row. `NO_COLOR`, `FORCE_COLOR` and `TERM=dumb` are obeyed everywhere.

The commands print through these functions only: labels, names and files can hold control characters, which are shown
escaped here.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TextIO

import typer

from groundloop.escaping import escaped, escaped_json, is_safe, shortened

if TYPE_CHECKING:
    from rich.table import Table

#: Columns of an output that is not a terminal: no row is ever folded for `grep` and the like.
_UNLIMITED = 10_000
_MIN_WIDTH = 40
_MAX_ERROR_LINES = 50


def terminal_width() -> int | None:
    """Return the columns of the terminal that standard output is; None when it is a file or a pipe."""
    return max(_MIN_WIDTH, shutil.get_terminal_size().columns) if sys.stdout.isatty() else None


def is_interactive() -> bool:
    """Tell whether somebody can answer a prompt."""
    return sys.stdin.isatty()


def is_declined(question: str, outcome: str) -> bool:
    """Ask before something is changed, where somebody can answer; return whether the answer is no.

    Args:
        question: such as `Stop 3 human loops?`.
        outcome: printed then, such as `nothing was stopped`.
    """
    if not is_interactive() or typer.confirm(question):
        return False
    print_line(outcome)
    return True


def uses_colour(stream: TextIO) -> bool:
    """Tell whether a stream gets colours.

    `NO_COLOR` (https://no-color.org) and `FORCE_COLOR` decide when they are set and not empty.
    """
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") not in {"dumb", "unknown"}


def print_line(text: str = "", colour: str | None = None, *, word: str = "", to_stderr: bool = False) -> None:
    """Print a line of text, coloured where the stream takes colours.

    Control characters are shown escaped, line ends inside the text too; those around it are blank lines.

    Args:
        text: the line.
        colour: its colour.
        word: the part that is coloured, such as a status; empty: the whole line, which is hard to read when it is long.
        to_stderr: print on standard error.
    """
    stream = sys.stderr if to_stderr else sys.stdout
    coloured = uses_colour(stream)
    content = text.strip("\n")
    before, _, after = text.partition(content) if content else (text, "", "")
    line = before + _encodable(escaped(content), stream) + after
    if colour and coloured:
        start, found, end = line.partition(word) if word else ("", line, "")
        line = start + (typer.style(found, fg=colour) if found else "") + end
    typer.echo(line, err=to_stderr, color=coloured)


def print_lines(texts: Iterable[str]) -> None:
    """Print lines of text; an empty one is a blank line."""
    for text in texts:
        print_line(text)


class RedrawnLine:
    """A line at the end of a terminal's output, rewritten in place without escape sequences.

    Args:
        to_stderr: write on standard error.
    """

    def __init__(self, *, to_stderr: bool = False) -> None:
        self._to_stderr = to_stderr
        self._length = 0

    def show(self, text: str) -> None:
        """Write the line again; its text is escaped already, and fits."""
        self._write(f"\r{text.ljust(self._length)}")
        self._length = len(text)

    def clear(self) -> None:
        """Blank the line."""
        if self._length:
            self._write(f"\r{' ' * self._length}\r")
            self._length = 0

    def _write(self, text: str) -> None:
        stream = sys.stderr if self._to_stderr else sys.stdout
        stream.write(text)
        stream.flush()


def print_warning(text: str) -> None:
    """Print a warning on standard error, shortened when it is long."""
    print_line(f"warning: {shortened(text)}", typer.colors.YELLOW, word="warning:", to_stderr=True)


def print_error(*lines: str) -> None:
    """Print what went wrong on standard error, each line marked as an error and shortened when it is long."""
    shown, more = lines[:_MAX_ERROR_LINES], len(lines) - _MAX_ERROR_LINES
    for line in (*shown, *([f"and {more:,} more"] if more > 0 else [])):
        print_line(f"error: {shortened(line)}", typer.colors.RED, word="error:", to_stderr=True)


def print_error_json(lines: Sequence[str], code: int) -> None:
    """Print what went wrong on standard error as one line of JSON, for scripts."""
    text = json.dumps({"error": {"message": "\n".join(map(shortened, lines)), "exit_code": code}}, ensure_ascii=False)
    typer.echo(escaped_json(text), err=True)


def print_json(value: Any) -> None:
    """Print a value as indented JSON."""
    print_json_text(json.dumps(value, indent=2, ensure_ascii=False))


def print_json_line(value: Any) -> None:
    """Print a value as one line of JSON."""
    print_json_text(json.dumps(value, ensure_ascii=False))


def print_json_text(text: str) -> None:
    """Print JSON; control characters in its strings are written with JSON's escapes."""
    typer.echo(escaped_json(text))


def print_yaml(value: Any) -> None:
    """Print a value as YAML; where a string holds control characters, all that is not ASCII is written escaped."""
    import yaml

    text = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=120)
    if not is_safe(text):
        text = yaml.safe_dump(value, sort_keys=False, width=120)
    typer.echo(text, nl=False)


def print_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    right: Collection[str] = (),
    indent: int = 0,
    colours: Sequence[str | None] = (),
    details: Sequence[Sequence[str]] = (),
) -> None:
    """Print a table with a header.

    Args:
        columns: the header's texts; all empty leaves the header out.
        rows: a cell for each column.
        right: columns that are aligned to the right, such as numbers.
        indent: spaces before each line.
        colours: one for each row; where there is a column `status`, only that is coloured.
        details: lines to print below each row; such a table is never folded.
    """
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=any(columns), show_edge=False, pad_edge=False, padding=(0, 2, 0, 0))
    for name in columns:
        justify = "right" if name in right else "left"
        table.add_column(Text(escaped(name)), justify=justify, overflow="fold", no_wrap=bool(details))  # type: ignore[arg-type]
    for number, row in enumerate(rows):
        colour = colours[number] if colours else None
        styles = [colour if name == "status" or "status" not in columns else "" for name in columns]
        table.add_row(*(Text(escaped(str(cell)), style=style or "") for cell, style in zip(row, styles, strict=True)))
    lines = _rendered(table, indent)
    below: list[Sequence[str]] = [(), *details] if any(columns) else list(details)
    for number, line in enumerate(lines):
        typer.echo(line, color=uses_colour(sys.stdout))
        for text in below[number] if details else ():
            print_line(" " * (indent + 4) + text)


def print_values(values: Mapping[str, object], *, indent: int = 0) -> None:
    """Print names and their values in two columns; a long value is folded beside its name."""
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in values.items():
        table.add_row(Text(escaped(name)), Text(escaped(str(value))))
    for line in _rendered(table, indent):
        typer.echo(line, color=uses_colour(sys.stdout))


def _rendered(table: Table, indent: int) -> list[str]:
    """Lay a table out, without spaces at the ends of lines."""
    import io

    from rich.console import Console

    console = Console(
        file=io.StringIO(),
        width=(terminal_width() or _UNLIMITED) - indent,
        force_terminal=False,
        color_system="standard" if uses_colour(sys.stdout) else None,
        legacy_windows=False,
    )
    with console.capture() as capture:
        console.print(table)
    lines = capture.get().splitlines()
    return [(" " * indent + _encodable(line, sys.stdout)).rstrip() for line in lines]


def _encodable(text: str, stream: TextIO) -> str:
    """Write arrows with two characters where the stream's encoding has none of one; `?` for what else it lacks."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.replace("→", "->").encode(encoding, "replace").decode(encoding)
    return text
