"""The Tuning steps of a definition, checked with the values that its expressions have when an execution starts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from groundloop.spec.definition import Definition, Step
from groundloop.spec.expressions import is_expression
from groundloop.spec.known_values import UNKNOWN, known
from groundloop.spec.tuning import TuningProblem, tuning_job_problems


def tuning_step_problems(
    definition: Definition, given: Mapping[str, Any] | None = None
) -> Iterator[tuple[Step, TuningProblem]]:
    """Yield what is wrong with the requests of a definition's Tuning steps.

    Args:
        definition: the definition.
        given: values of parameters that an execution is started with; the others have their defaults.

    Example:
        >>> limits = {"MaxNumberOfTrainingJobs": {"Get": "Parameters.Jobs"}, "MaxParallelTrainingJobs": 2}
        >>> arguments = {"HyperParameterTuningJobConfig": {"Strategy": "Random", "ResourceLimits": limits}}
        >>> step = {"Name": "Tune", "Type": "Tuning", "Arguments": arguments}
        >>> jobs = {"Name": "Jobs", "Type": "Integer", "DefaultValue": 12}
        >>> from groundloop.spec.definition import parse_definition
        >>> definition, _ = parse_definition({"Parameters": [jobs], "Steps": [step]})
        >>> [problem.message for _, problem in tuning_step_problems(definition, {"Jobs": 1})]
        ['MaxParallelTrainingJobs 2 is more than MaxNumberOfTrainingJobs 1']
    """
    parameters = {
        name: replace(parameter, default=(given or {}).get(name, parameter.default))
        for name, parameter in definition.parameters.items()
    }
    started = replace(definition, parameters=parameters)
    for step in definition.steps:
        if step.type == "Tuning":
            for problem in tuning_job_problems(_with_values(step.arguments, started)):
                yield step, problem


def _with_values(value: Any, definition: Definition) -> Any:
    if is_expression(value):
        found = known(value, definition)
        return value if found is UNKNOWN else found
    if isinstance(value, dict):
        return {key: _with_values(item, definition) for key, item in value.items()}
    return [_with_values(item, definition) for item in value] if isinstance(value, list) else value
