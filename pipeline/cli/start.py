"""`groundloop start`: start an execution."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.cli.options import Assignments, ConfigFiles, JsonLines, PipelineName, PipelineParameters, load, suggest
from pipeline.cli.output import print_json_line, print_line, print_warning


def start(
    parameters: PipelineParameters = None,
    watch: Annotated[bool, typer.Option("--watch", help="Follow it until it ends; Ctrl-C leaves it running.")] = False,
    name: PipelineName = None,
    as_json: JsonLines = False,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Start an execution of the pipeline.

    The pipeline runs as the last `groundloop upsert` left it.

    Example: groundloop start -p Epochs=40 -p MinMap50=0.7 --watch
    """
    settings = load(config, assignments)
    from groundloop.executions.control import start as start_execution
    from pipeline.cli.progress import follow
    from pipeline.cli.run_end import print_run_end
    from pipeline.deployment import endpoint_name_warning
    from pipeline.offline_search import offline_search_notes
    from pipeline.parameter_values import check_values

    pipeline = name or settings.pipeline.name
    names = settings.pipeline
    own = (names.name, names.deploy_name, names.predict_name, names.monitor_name)
    if pipeline in own:
        check_values(parameters or [])
    if pipeline in own and (warning := endpoint_name_warning(settings, parameters or [])):
        print_warning(warning)
    arn = start_execution(settings.aws.region, pipeline, parameters or [])
    if as_json:
        print_json_line({"event": "start", "execution": arn, "pipeline": pipeline})
    else:
        print_line(f"started {arn}")
    for note in offline_search_notes(settings.aws.region, pipeline):
        print_warning(note)
    if watch:
        follow(
            settings.aws.region,
            arn,
            as_json=as_json,
            stop_on=settings.training.watch.stop_on,
            print_results=print_run_end,
        )
    elif not as_json:
        print_line(f"next: {suggest('watch', arn)}")
