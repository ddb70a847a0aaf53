"""Every command explains itself, with an example, and at once."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer.main
from typer.testing import CliRunner

from pipeline.cli.main import COMMANDS, app


def _commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    for name, child in getattr(command, "commands", {}).items():
        yield from _commands(child, (*path, name))


ALL = [path for path in _commands(typer.main.get_command(app)) if path]


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_its_help_has_an_example(path: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(app, [*path, "--help"], env={"COLUMNS": "200"})
    assert shown.exit_code == 0
    assert f"Example: groundloop {' '.join(path)}" in " ".join(shown.output.split())


def test_the_commands_are_those_of_the_readme() -> None:
    assert {path[0] for path in ALL} == {
        *("labels", "evaluate", "check", "plan", "upsert", "start", "watch", "runs", "stop", "logs", "compile"),
        *("report", "track", "tune"),
        *("label", "review", "labeling", "a2i"),
        *("models", "approve", "reject", "deploy", "rollback", "endpoint", "triggers", "predict", "count"),
        *("export-model", "serve", "captures", "drift"),
        *("init", "doctor", "prove", "demo", "local", "destroy", "config"),
    }


def test_the_commands_are_grouped_and_no_sentence_is_cut() -> None:
    shown = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "80"}).output
    for heading, commands in COMMANDS.items():
        section = shown.split(f"\n{heading}:\n")[1].split("\n\n")[0].splitlines()
        assert [line.split()[0] for line in section] == list(commands)
        assert all(line.endswith(".") and not line.endswith("...") for line in section)


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_its_first_line_is_short(path: tuple[str, ...]) -> None:
    command: Any = typer.main.get_command(app)
    for name in path:
        command = command.commands[name]
    assert len((command.help or "").splitlines()[0]) <= 55


def test_rich_is_imported_with_the_first_table_only() -> None:
    slow = ("rich", "boto3", "sagemaker")
    code = f"import sys; import pipeline.cli; sys.exit(any(name in sys.modules for name in {slow}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def _example(help_text: str) -> list[str]:
    """Return the arguments of a help text's example, which may be folded, without a redirection of its output."""
    paragraph = help_text.split("Example: groundloop ", 1)[1].split("\n\n")[0]
    words = shlex.split(" ".join(paragraph.split()))
    return words[: words.index(">")] if ">" in words else words


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_its_example_can_be_typed(path: tuple[str, ...]) -> None:
    command: Any = typer.main.get_command(app)
    for name in path:
        command = command.commands[name]
    arguments = _example(command.help)
    assert arguments[: len(path)] == list(path)
    rest = arguments[len(path) :]
    while rest and rest[0] in getattr(command, "commands", {}):
        command = command.commands[rest.pop(0)]
    with command.make_context("groundloop", rest) as context:  # raises an error of usage
        assert not context.args
