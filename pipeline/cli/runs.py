"""``groundloop runs``: the executions of the pipeline."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.execution_options import Pipeline
from pipeline.cli.options import AsJson, Assignments, ConfigFiles, load

if TYPE_CHECKING:
    from groundloop.executions.listing import Execution

_INDENT = " " * 14


def runs(
    name: Pipeline = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="The newest so many.")] = 10,
    as_json: AsJson = False,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """List executions, newest first: start, status, duration, parameters that are not the defaults, why it failed.

    Example: groundloop runs --limit 5
    """
    settings = load(config, assignments)
    from groundloop.executions.listing import list_executions

    pipeline = name or settings.pipeline.name
    found = list_executions(settings.aws.region, pipeline, limit)
    if as_json:
        executions = [{**asdict(run), "id": run.id, "started": run.started.isoformat()} for run in found]
        typer.echo(json.dumps({"pipeline": pipeline, "executions": executions}, indent=2, ensure_ascii=False))
    elif not found:
        typer.echo(f"pipeline {pipeline} has no execution yet: run `groundloop start`")
    else:
        typer.echo(f"{'id':<14}{'started':<18}{'status':<11}{'took':>12}")
        for run in found:
            _print(run)


def _print(run: Execution) -> None:
    from pipeline.cli.progress import COLOURS, duration

    started = run.started.astimezone().strftime("%Y-%m-%d %H:%M")
    line = f"{run.id:<14}{started:<18}{run.status:<11}{duration(run.seconds):>12}"
    typer.secho(line, fg=COLOURS.get(run.status))
    if run.parameters:
        typer.echo(_INDENT + " ".join(f"{name}={value}" for name, value in run.parameters.items()))
    if run.failure:
        typer.echo(_INDENT + run.failure)
