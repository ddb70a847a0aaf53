"""Rules of a tuning job's request, for any algorithm: its ranges, its strategy, its limits, its checkpoints."""

from __future__ import annotations

from collections.abc import Iterator

from groundloop.check.business_rules import training_jobs
from groundloop.check.findings import DefinitionCode, DefinitionFinding
from groundloop.spec.definition import Definition
from groundloop.spec.tuning_steps import tuning_step_problems


def check_tuning(definition: Definition) -> Iterator[DefinitionFinding]:
    """Check every Tuning step for what the shapes of its request do not express."""
    for step, problem in tuning_step_problems(definition):
        path = f"Arguments.{problem.path}"
        yield DefinitionFinding(_code(problem.path), step.name, path, problem.message, problem.remedy)
    for step in definition.steps:
        if step.type != "Tuning":
            continue
        for job, path in training_jobs(step):
            if job.get("CheckpointConfig") is not None:
                message = (
                    "all training jobs write their checkpoints to one S3 URI: one may go on from another's weights"
                )
                remedy = "remove CheckpointConfig; an interrupted job then begins again"
                yield DefinitionFinding(
                    DefinitionCode.SHARED_CHECKPOINTS, step.name, f"{path}.CheckpointConfig", message, remedy
                )


def _code(path: str) -> DefinitionCode:
    if ".ParameterRanges" in path:
        return DefinitionCode.TUNING_RANGE
    return DefinitionCode.OUT_OF_RANGE if ".ResourceLimits" in path else DefinitionCode.TUNING_STRATEGY
