"""`groundloop runs`: the executions of the pipeline."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from pipeline.cli.options import AsJson, Assignments, ConfigFiles, PipelineName, load, suggest
from pipeline.cli.output import print_json, print_line, print_table


def runs(
    name: PipelineName = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="Number of executions.")] = 10,
    compare: Annotated[
        tuple[str, str] | None,
        typer.Option(
            "--compare", metavar="A B", help="What differs between two: ids, ARNs, version numbers, or latest."
        ),
    ] = None,
    as_json: AsJson = False,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """List the pipeline's executions, newest first.

    Shows start, status, duration, the parameters that differ from their defaults, and why an execution failed. With
    --compare: what differs between two of them in parameters, hyperparameters, data, code, metrics, gate and duration.

    Example: groundloop runs --compare 6 latest
    """
    settings = load(config, assignments)
    if compare is not None:
        from pipeline.cli.run_comparison import compare_runs

        compare_runs(settings, name or settings.pipeline.name, compare, as_json=as_json)
        return
    from groundloop.executions.listing import list_executions
    from pipeline.cli.progress import COLOURS, duration

    pipeline = name or settings.pipeline.name
    own_name = [] if pipeline == settings.pipeline.name else ["--name", pipeline]
    listed = list_executions(settings.aws.region, pipeline, limit)
    if as_json:
        executions = [{**asdict(run), "id": run.id, "started": run.started.isoformat()} for run in listed]
        print_json({"pipeline": pipeline, "executions": executions})
        return
    if not listed:
        starts = suggest("deploy") if pipeline == settings.pipeline.deploy_name else suggest("start", *own_name)
        print_line(f"pipeline {pipeline} has no execution yet: run `{starts}`")
        return
    rows, details = [], []
    for run in listed:
        started = run.started.astimezone().strftime("%Y-%m-%d %H:%M")
        rows.append((run.id, started, run.status, duration(run.seconds)))
        parameters = " ".join(f"{name}={value}" for name, value in run.parameters.items())
        details.append([text for text in (parameters, run.failure) if text])
    print_table(
        ("id", "started", "status", "duration"),
        rows,
        right=("duration",),
        colours=[COLOURS.get(run.status) for run in listed],
        details=details,
    )
