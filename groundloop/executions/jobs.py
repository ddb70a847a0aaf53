"""The job of a step, by the step's name."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

from groundloop.aws import client, offline_endpoint
from groundloop.errors import UserError
from groundloop.executions.control import RUNNING, Transition, steps, transition
from groundloop.suggestions import near_misses

# A job that has only just begun gets its name within seconds.
_PATIENCE_SECONDS = 60
_JOB_STEPS = {"Processing", "Training", "Transform"}


def job_of(region: str, execution: str, name: str, wait: bool = False) -> Transition:
    """The newest job of a step.

    Args:
        wait: for a step that has not begun, until it begins or the execution ends.

    Raises:
        UserError: there is no such step, it runs no job, or it has not begun.
    """
    declared = dict(_declared(region, execution))
    with_job = [step for step, kind in declared.items() if kind in _JOB_STEPS]
    if name not in declared:
        near = near_misses(name, declared, count=1, cutoff=0.5) or _same_but_case(name, declared)
        hint = f"did you mean {near[0]}? " if near else ""
        raise UserError(f"there is no step {name!r}; {hint}Steps with a log: {', '.join(with_job)}")
    if name not in with_job:
        raise UserError(f"{name} is a {declared[name]} step and runs no job; steps with a log: {', '.join(with_job)}")
    patience = time.monotonic() + _PATIENCE_SECONDS
    while True:
        step = next((transition(step) for step in steps(region, execution) if step["StepName"] == name), None)
        if step is not None and step.log_group:
            return step
        runs = status_of(region, execution) in RUNNING
        begins = step is not None and step.status in RUNNING and time.monotonic() < patience
        if not (begins or (wait and runs and step is None)):
            raise UserError(_no_job(name, step, runs))
        time.sleep(0.3 if offline_endpoint() else 5)


def earlier_jobs(region: str, execution: str, step: Transition) -> list[str]:
    """Names of the jobs of a step's earlier attempts, oldest first; the execution itself names only the last one."""
    if step.attempt == 1 or step.cached:
        return []
    # The service makes the names: pipelines-<execution>-<step>-<random>.
    wanted = f"pipelines-{execution.rsplit('/', 1)[-1]}-{step.step}-"
    listed = client("sagemaker", region).get_paginator(f"list_{step.kind.removesuffix('Job').lower()}_jobs")
    pages = listed.paginate(NameContains=wanted, SortBy="CreationTime", SortOrder="Ascending")
    names = [job[f"{step.kind}Name"] for page in pages for job in page[f"{step.kind}Summaries"]]
    return [name for name in names if name != step.job]


def status_of(region: str, execution: str) -> str:
    """PipelineExecutionStatus."""
    described = client("sagemaker", region).describe_pipeline_execution(PipelineExecutionArn=execution)
    return str(described["PipelineExecutionStatus"])


def has_ended(region: str, step: Transition) -> bool:
    """Whether a step's job has ended."""
    kind = step.kind.removesuffix("Job").lower()
    described = getattr(client("sagemaker", region), f"describe_{kind}_job")(**{f"{step.kind}Name": step.job})
    return described[f"{step.kind}Status"] not in {"InProgress", "Stopping"}


def _no_job(name: str, step: Transition | None, runs: bool) -> str:
    if step is None and runs:
        return f"{name} has not begun yet; --follow waits for it"
    if step is None:
        return f"{name} did not run in this execution; `groundloop runs` lists others, for --execution"
    return f"{name} is {step.status} and has no job: {step.reason or 'no reason was given'}"


def _declared(region: str, execution: str) -> Iterator[tuple[str, str]]:
    """Name and type of each step of an execution's definition, those in branches too."""
    described = client("sagemaker", region).describe_pipeline_definition_for_execution(PipelineExecutionArn=execution)
    waiting: list[dict[str, Any]] = list(json.loads(described["PipelineDefinition"]).get("Steps", []))
    while waiting:
        step = waiting.pop(0)
        yield step["Name"], step["Type"]
        if step["Type"] == "Condition":
            waiting += [*step["Arguments"].get("IfSteps", []), *step["Arguments"].get("ElseSteps", [])]


def _same_but_case(name: str, declared: dict[str, str]) -> list[str]:
    return [step for step in declared if step.lower() == name.lower()]
