"""`groundloop tune stop`: end a search before all its training jobs have run."""

from __future__ import annotations

from pipeline.cli.options import AsJson, Assignments, ConfigFiles, PipelineName, Yes, load, suggest
from pipeline.cli.output import is_declined, print_json, print_line
from pipeline.cli.tune.show import TuningJobName


def stop(
    tuning_job: TuningJobName = None,
    yes: Yes = False,
    name: PipelineName = None,
    as_json: AsJson = False,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Stop a running search and its training jobs.

    The Tune step fails then, and with it its execution; tune apply can still use the best job that has completed. Asks
    for confirmation on a terminal.

    Example: groundloop tune stop
    """
    settings = load(config, assignments)
    from groundloop.aws import client
    from groundloop.errors import UserError
    from groundloop.executions.tuning import find_search

    search = find_search(settings.aws.region, name or settings.pipeline.name, tuning_job)
    if search.status != "InProgress":
        raise UserError(f"{search.name} is {search.status}, not running: nothing was stopped")
    if not (yes or as_json) and is_declined(f"Stop the search {search.name}?", "nothing was stopped"):
        return
    client("sagemaker", settings.aws.region).stop_hyper_parameter_tuning_job(HyperParameterTuningJobName=search.name)
    if as_json:
        print_json({"tuning_job": search.name, "status": "Stopping"})
        return
    print_line(f"stopping {search.name}; its training jobs may take some minutes")
    print_line(f"what it found: {suggest('tune', 'show', search.name)}")
