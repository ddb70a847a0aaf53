"""What the commands of the life cycle have in common."""

from __future__ import annotations

from typing import Any

import pytest

COMMANDS = [
    ["models"], ["models", "show"], ["approve"], ["reject"], ["triggers"], ["triggers", "apply"], ["triggers", "show"],
    ["deploy"], ["rollback"], ["endpoint"], ["destroy"],
]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_has_an_example_of_the_command(command: list[str]) -> None:
    import typer
    from typer.testing import CliRunner

    from pipeline.cli import approve, deploy, destroy, endpoint, models, reject, rollback, triggers

    app = typer.Typer()
    app.add_typer(models.app, name="models")
    app.add_typer(triggers.app, name="triggers")
    functions: list[Any] = [
        approve.approve, reject.reject, deploy.deploy, rollback.rollback, endpoint.endpoint, destroy.destroy,
    ]  # fmt: skip
    for function in functions:
        app.command()(function)
    told = CliRunner().invoke(app, [*command, "--help"]).stdout
    assert f"Example: groundloop {' '.join(command)}" in " ".join(told.split())
