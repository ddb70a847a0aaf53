"""``groundloop start``: start an execution."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from pipeline.cli.execution_options import JsonLines, Pipeline
from pipeline.cli.options import Assignments, ConfigFiles, PipelineParameters, load


def start(
    parameters: PipelineParameters = None,
    watch: Annotated[bool, typer.Option("--watch", help="Follow it to its end; Ctrl-C stops the execution.")] = False,
    name: Pipeline = None,
    as_json: JsonLines = False,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Start an execution of the pipeline that was upserted.

    Example: groundloop start -p Epochs=40 -p MinMap50=0.7 --watch
    """
    settings = load(config, assignments)
    from groundloop.executions.control import start as start_execution
    from pipeline.cli.progress import follow

    pipeline = name or settings.pipeline.name
    arn = start_execution(settings.aws.region, pipeline, parameters or [])
    typer.echo(json.dumps({"event": "start", "execution": arn, "pipeline": pipeline}) if as_json else f"started {arn}")
    if watch:
        follow(settings.aws.region, arn, as_json=as_json)
    elif not as_json:
        typer.echo(f"next: groundloop watch {arn}")
