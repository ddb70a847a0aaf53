"""``groundloop start``: start an execution."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.cli.options import Assignments, ConfigFiles, PipelineParameters, load


def start(
    parameters: PipelineParameters = None,
    watch: Annotated[bool, typer.Option("--watch", help="Follow it to its end; Ctrl-C stops the execution.")] = False,
    name: Annotated[
        str | None, typer.Option("--name", help="Pipeline; else pipeline.name of the configuration.")
    ] = None,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Start an execution of the pipeline that was upserted.

    Example: groundloop start -p Epochs=40 -p MinMap50=0.7 --watch
    """
    settings = load(config, assignments)
    from pipeline.cli.progress import follow
    from pipeline.executions import start as start_execution

    arn = start_execution(settings.aws.region, name or settings.pipeline.name, parameters or [])
    typer.echo(f"started {arn}")
    if watch:
        follow(settings.aws.region, arn)
    else:
        typer.echo(f"next: groundloop watch {arn}")
