"""`groundloop watch`: follow an execution, whoever started it."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.cli.options import Assignments, ConfigFiles, JsonLines, PipelineName, load
from pipeline.cli.output import print_line


def watch(
    execution: Annotated[
        str | None, typer.Argument(help="ARN of the execution, or the id at its end; default: the latest.")
    ] = None,
    name: PipelineName = None,
    as_json: JsonLines = False,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Follow an execution until it ends.

    Of a training job, it prints a line for each epoch, and what the rules on its log find; training.watch.stop_on names
    the findings on which the job is stopped. Ctrl-C stops watching, not the execution.

    Example: groundloop watch
    """
    settings = load(config, assignments)
    from groundloop.executions.control import resolve
    from pipeline.cli.progress import follow
    from pipeline.cli.run_end import print_run_end

    arn = resolve(settings.aws.region, name or settings.pipeline.name, execution)
    if not as_json:
        print_line(f"watching {arn}")
    follow(
        settings.aws.region,
        arn,
        as_json=as_json,
        stop_on=settings.training.watch.stop_on,
        print_results=print_run_end,
    )
