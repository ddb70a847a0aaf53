"""``groundloop watch``: follow an execution that was started here or in Studio."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.cli.options import Assignments, ConfigFiles, load


def watch(
    execution: Annotated[str | None, typer.Argument(help="ARN of the execution; else the pipeline's newest.")] = None,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Follow an execution to its end; Ctrl-C ends the watching, not the execution.

    Example: groundloop watch
    """
    settings = load(config, assignments)
    from pipeline.cli.progress import follow
    from pipeline.executions import latest

    arn = execution or latest(settings.aws.region, settings.pipeline.name)
    typer.echo(f"watching {arn}")
    follow(settings.aws.region, arn, stop_on_interrupt=False)
