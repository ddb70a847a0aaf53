"""``groundloop watch``: follow an execution that was started here or in Studio."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.cli.execution_options import JsonLines, Pipeline
from pipeline.cli.options import Assignments, ConfigFiles, load


def watch(
    execution: Annotated[
        str | None, typer.Argument(help="ARN of the execution, or the id at its end; else the pipeline's newest.")
    ] = None,
    name: Pipeline = None,
    as_json: JsonLines = False,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Follow an execution to its end; Ctrl-C ends the watching, not the execution.

    Example: groundloop watch
    """
    settings = load(config, assignments)
    from groundloop.executions.control import resolve
    from pipeline.cli.progress import follow

    arn = resolve(settings.aws.region, name or settings.pipeline.name, execution)
    if not as_json:
        typer.echo(f"watching {arn}")
    follow(settings.aws.region, arn, stop_on_interrupt=False, as_json=as_json)
