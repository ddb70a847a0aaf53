"""`groundloop stop`: stop a running execution."""

from __future__ import annotations

from typing import Annotated

import typer

from groundloop.errors import UserError
from pipeline.cli.options import AsJson, Assignments, ConfigFiles, PipelineName, Yes, load, suggest
from pipeline.cli.output import is_interactive, print_json, print_line, print_table


def stop(
    execution: Annotated[
        str | None, typer.Argument(help="ARN of the execution, or the id at its end; default: the running one.")
    ] = None,
    yes: Yes = False,
    name: PipelineName = None,
    as_json: AsJson = False,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Stop a running execution and its jobs.

    Asks for confirmation on a terminal. The results of finished steps are kept.

    Example: groundloop stop
    """
    settings = load(config, assignments)
    from groundloop.executions.control import RUNNING, steps, transition
    from groundloop.executions.control import stop as stop_execution
    from groundloop.executions.jobs import seconds_since_start
    from pipeline.cli.progress import duration

    region, pipeline = settings.aws.region, name or settings.pipeline.name
    arn = _running_execution(region, pipeline, execution)
    if not (yes or as_json) and is_interactive():
        age = duration(seconds_since_start(region, arn))
        if not typer.confirm(f"Stop execution {arn.rsplit('/', 1)[-1]}, running for {age}?"):
            print_line("nothing was stopped")
            return
    begun = {step.step for step in map(transition, steps(region, arn)) if step.status in RUNNING}
    if not as_json:
        print_line(f"stopping {arn} ...")
    status = stop_execution(region, arn)
    ended = [step for step in map(transition, steps(region, arn)) if step.step in begun and step.status not in RUNNING]
    if as_json:
        stopped = [{"step": step.step, "status": step.status, "job": step.job} for step in ended]
        print_json({"execution": arn, "status": status, "steps": stopped})
        return
    if ended:
        print_table(("", "", ""), [(step.step, step.status, step.job) for step in ended], indent=2)
    if status in RUNNING:
        print_line(f"still {status}: a job may take some minutes to stop; see `{suggest('watch', arn)}`")
    else:
        print_line(f"execution {status}")


def _running_execution(region: str, pipeline: str, execution: str | None) -> str:
    from groundloop.executions.control import resolve, running
    from groundloop.executions.jobs import status_of

    if execution is not None:
        arn = resolve(region, pipeline, execution)
        status = status_of(region, arn)
        if status not in {"Executing", "Stopping"}:
            raise UserError(f"{arn} is not running: its status is {status}")
        return arn
    found = running(region, pipeline)
    if not found:
        raise UserError(f"no execution of pipeline {pipeline!r} is running; nothing was stopped")
    if len(found) > 1:
        named = ", ".join(arn.rsplit("/", 1)[-1] for arn in found)
        raise UserError(
            f"{len(found)} executions of pipeline {pipeline!r} are running ({named}); nothing was stopped: "
            f"name one of them, as in `{suggest('stop', found[0])}`"
        )
    return found[0]
