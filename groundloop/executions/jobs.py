"""Find the job of a step by the step's name."""

from __future__ import annotations

import json
import time
from datetime import datetime, timezone

from groundloop.aws import client, poll_seconds
from groundloop.errors import UserError
from groundloop.executions.control import RUNNING, Transition, steps, transition
from groundloop.spec.definition import parse_definition
from groundloop.suggestions import near_misses

# SageMaker names the job of a step within seconds of the step's start.
_NAMING_TIMEOUT_SECONDS = 60
_JOB_STEPS = {"Processing", "Training", "Transform"}


def job_of(region: str, execution: str, name: str, wait: bool = False) -> Transition:
    """Return the newest job of a step.

    Args:
        region: AWS region.
        execution: ARN of the execution.
        name: name of the step.
        wait: wait for a step that has not started, until it starts or the execution ends.

    Raises:
        UserError: there is no such step, it runs no job, or it has not started.
    """
    types = _step_types(region, execution)
    with_job = [step for step, kind in types.items() if kind in _JOB_STEPS]
    if name not in types:
        near = near_misses(name, types, count=1, cutoff=0.5) or _equal_ignoring_case(name, types)
        hint = f"did you mean {near[0]}? " if near else ""
        raise UserError(f"there is no step {name!r}; {hint}Steps with a log: {', '.join(with_job)}")
    if types[name] == "Tuning":
        raise UserError(
            f"{name} is a search, whose training jobs have logs of their own in /aws/sagemaker/TrainingJobs; "
            "`groundloop tune show --json` has their names"
        )
    if name not in with_job:
        raise UserError(f"{name} is a {types[name]} step and runs no job; steps with a log: {', '.join(with_job)}")
    deadline = time.monotonic() + _NAMING_TIMEOUT_SECONDS
    while True:
        step = next((transition(step) for step in steps(region, execution) if step["StepName"] == name), None)
        if step is not None and step.log_group:
            return step
        running = status_of(region, execution) in RUNNING
        starting = step is not None and step.status in RUNNING and time.monotonic() < deadline
        if not (starting or (wait and running and step is None)):
            raise UserError(_no_job(name, step, running))
        time.sleep(poll_seconds(5))


def earlier_jobs(region: str, execution: str, step: Transition) -> list[str]:
    """Return the names of the jobs of a step's earlier attempts, oldest first.

    The execution itself names only the last job.
    """
    if step.attempt == 1 or step.cached:
        return []
    # SageMaker names the jobs pipelines-<execution>-<first 20 characters of the step>-<random>.
    prefix = f"{step.job.rpartition('-')[0]}-"
    paginator = client("sagemaker", region).get_paginator(f"list_{step.kind.removesuffix('Job').lower()}_jobs")
    pages = paginator.paginate(NameContains=prefix, SortBy="CreationTime", SortOrder="Ascending")
    names = [job[f"{step.kind}Name"] for page in pages for job in page[f"{step.kind}Summaries"]]
    # "...-Train-" is also in the names of the jobs of a step Train-Again.
    return [name for name in names if name != step.job and name.rpartition("-")[0] == prefix[:-1]]


def seconds_since_start(region: str, execution: str) -> float:
    """Return how long ago an execution started, in seconds."""
    described = client("sagemaker", region).describe_pipeline_execution(PipelineExecutionArn=execution)
    started: datetime = described["CreationTime"]
    return (datetime.now(timezone.utc) - started).total_seconds()


def status_of(region: str, execution: str) -> str:
    """Return the status of an execution, such as `Executing` or `Succeeded`."""
    response = client("sagemaker", region).describe_pipeline_execution(PipelineExecutionArn=execution)
    return str(response["PipelineExecutionStatus"])


def has_ended(region: str, step: Transition) -> bool:
    """Tell whether a step's job has ended."""
    kind = step.kind.removesuffix("Job").lower()
    response = getattr(client("sagemaker", region), f"describe_{kind}_job")(**{f"{step.kind}Name": step.job})
    return response[f"{step.kind}Status"] not in {"InProgress", "Stopping"}


def _no_job(name: str, step: Transition | None, running: bool) -> str:
    if step is None and running:
        return f"{name} has not started yet; --follow waits for it"
    if step is None:
        return f"{name} did not run in this execution; `groundloop runs` lists others, for --execution"
    return f"{name} is {step.status} and has no job: {step.reason or 'no reason was given'}"


def _step_types(region: str, execution: str) -> dict[str, str]:
    """Return name and type of each step of an execution's definition, including those in branches."""
    response = client("sagemaker", region).describe_pipeline_definition_for_execution(PipelineExecutionArn=execution)
    definition, _ = parse_definition(json.loads(response["PipelineDefinition"]))
    return {step.name: step.type for step in definition.steps}


def _equal_ignoring_case(name: str, types: dict[str, str]) -> list[str]:
    return [step for step in types if step.lower() == name.lower()]
