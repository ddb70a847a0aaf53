"""``groundloop stop``: stop an execution that runs."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from groundloop.errors import UserError
from pipeline.cli.execution_options import Pipeline
from pipeline.cli.options import AsJson, Assignments, ConfigFiles, load


def stop(
    execution: Annotated[
        str | None, typer.Argument(help="ARN of the execution, or the id at its end; else the one that runs.")
    ] = None,
    name: Pipeline = None,
    as_json: AsJson = False,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Stop an execution and its jobs; asks nothing. What its finished steps made stays.

    Example: groundloop stop
    """
    settings = load(config, assignments)
    from groundloop.executions.control import RUNNING, steps, transition
    from groundloop.executions.control import stop as stop_execution

    region, pipeline = settings.aws.region, name or settings.pipeline.name
    arn = _the_one(region, pipeline, execution)
    begun = {step.step for step in map(transition, steps(region, arn)) if step.status in RUNNING}
    if not as_json:
        typer.echo(f"stopping {arn} ...")
    status = stop_execution(region, arn)
    ended = [step for step in map(transition, steps(region, arn)) if step.step in begun and step.status not in RUNNING]
    if as_json:
        stopped = [{"step": step.step, "status": step.status, "job": step.job} for step in ended]
        typer.echo(json.dumps({"execution": arn, "status": status, "steps": stopped}, indent=2))
        return
    for step in ended:
        typer.echo(f"  {step.step:<15} {step.status:<10} {step.job}".rstrip())
    if status in RUNNING:
        typer.echo(f"still {status}: a job may take some minutes to end; see `groundloop watch {arn}`")
    else:
        typer.echo(f"execution {status}")


def _the_one(region: str, pipeline: str, execution: str | None) -> str:
    from groundloop.executions.control import resolve, running
    from groundloop.executions.jobs import status_of

    if execution is not None:
        arn = resolve(region, pipeline, execution)
        status = status_of(region, arn)
        if status not in {"Executing", "Stopping"}:
            raise UserError(f"{arn} does not run: its status is {status}")
        return arn
    found = running(region, pipeline)
    if not found:
        raise UserError(f"no execution of pipeline {pipeline!r} is running; nothing was stopped")
    if len(found) > 1:
        named = ", ".join(arn.rsplit("/", 1)[-1] for arn in found)
        raise UserError(
            f"{len(found)} executions of pipeline {pipeline!r} are running ({named}); nothing was stopped: "
            f"say which one, as in `groundloop stop {found[0].rsplit('/', 1)[-1]}`"
        )
    return found[0]
