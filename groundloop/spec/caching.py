"""Step caching: the members of a request that decide whether outputs are reused, and how old they may be.

Source: "Caching Pipeline Steps" and "Default cache key attributes by pipeline step type" in the SageMaker developer
guide.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from groundloop.spec.expressions import expression, referenced_step

#: The members of a request that are compared with those of the earlier run, by step type; of other types all are.
_COMPARED_MEMBERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "Processing": ("AppSpecification", "Environment", "ProcessingInputs"),
        "Training": (
            "AlgorithmSpecification",
            "CheckpointConfig",
            "DebugHookConfig",
            "DebugRuleConfigurations",
            "Environment",
            "HyperParameters",
            "InputDataConfig",
        ),
        "Tuning": ("HyperParameterTuningJobConfig", "TrainingJobDefinition", "TrainingJobDefinitions"),
        "Transform": (
            "DataProcessing",
            "Environment",
            "ModelName",
            "TransformInput",
            "BatchStrategy",
            "MaxPayloadInMB",
        ),
    }
)
#: Of these compared members not all that is in them is.
_COMPARED_PARTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "TrainingJobDefinition": (
            "AlgorithmSpecification",
            "HyperParameterRanges",
            "InputDataConfig",
            "StaticHyperParameters",
            "TuningObjective",
        ),
    }
)
_DURATION = re.compile(
    r"P?(?=\w)(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?=\d)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?",
    re.IGNORECASE,
)


def compared_arguments(step_type: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a step's arguments that has to equal that of an earlier run for a cache hit.

    Example:
        >>> compared_arguments("Transform", {"ModelName": "m", "MaxConcurrentTransforms": 2})
        {'ModelName': 'm'}
    """
    compared = _COMPARED_MEMBERS.get(step_type, tuple(arguments))
    return {member: _compared(member, arguments[member]) for member in compared if member in arguments}


def _compared(member: str, value: Any) -> Any:
    parts = _COMPARED_PARTS.get(member)
    if parts is None or not isinstance(value, Mapping):
        return value
    return {part: value[part] for part in parts if part in value}


def model_of_each_execution(step_type: str, arguments: Mapping[str, Any], types: Mapping[str, str]) -> str | None:
    """Return the Model step whose model a Transform step uses; None if there is none.

    Such a step never comes from the cache: the model's name is compared, and a Model step, which itself isn't cached,
    gives a new one in each execution.

    Args:
        step_type: the step's type.
        arguments: its arguments.
        types: types of the definition's steps by name.

    Example:
        >>> arguments = {"ModelName": {"Get": "Steps.CreateModel.ModelName"}}
        >>> model_of_each_execution("Transform", arguments, {"CreateModel": "Model"})
        'CreateModel'
    """
    if step_type != "Transform":
        return None
    name = referenced_step(*(expression(arguments.get("ModelName")) or ("", "")))
    return name if name and types.get(name) == "Model" else None


def is_enabled(cache_config: Any) -> bool:
    """Return whether a step's CacheConfig enables caching."""
    return isinstance(cache_config, dict) and cache_config.get("Enabled") is True


def parse_duration(text: str) -> timedelta:
    """Return the length of an ISO 8601 duration, in the forms that the SDK documents.

    These are `P30D`, `p30d`, `P4DT12H` and `T12H`. A year has 365 days and a month 30.

    Raises:
        ValueError: the text is not such a duration.

    Example:
        >>> parse_duration("P4DT12H").total_seconds() / 3600
        108.0
    """
    match = _DURATION.fullmatch(text)
    parts = {name: float(count) for name, count in match.groupdict().items() if count} if match else {}
    if not parts:
        raise ValueError(f"{text!r} is not an ISO 8601 duration (P30D, PT12H)")
    days = parts.pop("years", 0) * 365 + parts.pop("months", 0) * 30 + parts.pop("days", 0)
    return timedelta(days=days, **parts)
