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

    Ctrl-C stops watching, not the execution.

    Example: groundloop watch
    """
    settings = load(config, assignments)
    from groundloop.executions.control import resolve
    from pipeline.cli.progress import follow
    from pipeline.cli.run_end import print_run_end

    arn = resolve(settings.aws.region, name or settings.pipeline.name, execution)
    if not as_json:
        print_line(f"watching {arn}")
    follow(settings.aws.region, arn, as_json=as_json, print_results=print_run_end)
