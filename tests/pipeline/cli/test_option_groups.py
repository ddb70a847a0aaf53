"""A command takes the options of a data class as its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from pipeline.cli.option_groups import with_option_groups


@dataclass(frozen=True)
class Size:
    """Two options."""

    width: Annotated[int, typer.Option(min=1, help="How wide.")] = 4
    names: Annotated[list[str] | None, typer.Option("--name", help="Names.")] = None


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param(["x"], "x Size(width=4, names=None) False", id="defaults"),
        pytest.param(
            ["x", "--width", "2", "--name", "a", "--name", "b", "--deep"],
            "x Size(width=2, names=['a', 'b']) True",
            id="given",
        ),
    ],
)
def test_options_arrive_as_the_data_class(arguments: list[str], expected: str) -> None:
    app = typer.Typer()

    @app.command()
    @with_option_groups
    def show(label: str, size: Size, deep: bool = False) -> None:
        """Show it."""
        typer.echo(f"{label} {size} {deep}")

    assert CliRunner().invoke(app, arguments).output.strip() == expected
    assert "How wide." in CliRunner().invoke(app, ["--help"]).output
    assert CliRunner().invoke(app, ["x", "--width", "0"]).exit_code == 2
