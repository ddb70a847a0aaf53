"""Every command explains itself, with an example, and at once."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest
import typer.main
from typer.testing import CliRunner

from pipeline.cli.main import app


def _commands(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
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
        *("models", "approve", "reject", "deploy", "rollback", "endpoint", "triggers", "predict"),
        *("doctor", "prove", "demo", "local", "destroy", "config"),
    }
