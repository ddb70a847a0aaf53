"""Edits that put one fault into a definition."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

Definition = dict[str, Any]
Edit = Callable[[Definition], None]

RUNTIME = "Arguments.StoppingCondition.MaxRuntimeInSeconds"
WAIT = "Arguments.StoppingCondition.MaxWaitTimeInSeconds"
TRAIN = "Arguments.InputDataConfig.0"
SOURCE = f"{TRAIN}.DataSource.S3DataSource"
ATTRIBUTES = "Arguments.InputDataConfig[0].DataSource.S3DataSource.AttributeNames"
OUTPUTS = "Arguments.ProcessingOutputConfig.Outputs"
VARIANT = "Arguments.ProductionVariants.0"


def step(definition: Definition, name: str) -> Definition:
    """A step by name, also from branches."""
    pending = list(definition["Steps"])
    while pending:
        found: Definition = pending.pop()
        if found["Name"] == name:
            return found
        pending += found["Arguments"].get("IfSteps", []) + found["Arguments"].get("ElseSteps", [])
    raise KeyError(name)


def _descend(holder: Any, path: str) -> tuple[Any, Any]:
    *parts, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    for part in parts:
        holder = holder[part]
    return holder, last


def put(name: str, path: str, value: Any) -> Edit:
    """Sets a member of a step; numbers in the path are indices."""

    def edit(definition: Definition) -> None:
        holder, key = _descend(step(definition, name), path)
        holder[key] = value

    return edit


def drop(name: str, path: str) -> Edit:
    """Removes a member of a step."""

    def edit(definition: Definition) -> None:
        holder, key = _descend(step(definition, name), path)
        del holder[key]

    return edit


def rename(name: str, path: str, new: str) -> Edit:
    """Gives a member of a step another name."""

    def edit(definition: Definition) -> None:
        holder, key = _descend(step(definition, name), path)
        holder[new] = holder.pop(key)

    return edit


def add(name: str, path: str, item: Any) -> Edit:
    """Appends to a list of a step, which is made if it isn't there."""

    def edit(definition: Definition) -> None:
        holder, key = _descend(step(definition, name), path)
        holder.setdefault(key, []).append(copy.deepcopy(item))

    return edit


def parameter(name: str, **members: Any) -> Edit:
    """Changes a parameter's declaration, or adds it."""

    def edit(definition: Definition) -> None:
        for item in definition["Parameters"]:
            if item["Name"] == name:
                item.update(members)
                return
        definition["Parameters"].append({"Name": name, **members})

    return edit


def top(key: str, value: Any) -> Edit:
    return lambda definition: definition.__setitem__(key, value)


def add_step(new: Definition) -> Edit:
    return lambda definition: definition["Steps"].append(copy.deepcopy(new))


def hyper(name: str, value: Any) -> Edit:
    return put("Train", f"Arguments.HyperParameters.{name}", value)


def get(path: str) -> dict[str, str]:
    return {"Get": path}


def json_get(step_name: str, file: str, path: Any = "gate.thresholds_missed") -> Definition:
    return {"Std:JsonGet": {"PropertyFile": get(f"Steps.{step_name}.PropertyFiles.{file}"), "Path": path}}


def equals(left: Any, right: Any) -> Definition:
    return {"Type": "Equals", "LeftValue": left, "RightValue": right}


MODEL_CHANNEL = {
    "ChannelName": "model",
    "ContentType": "application/x-sagemaker-model",
    "InputMode": "File",
    "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/model.tar.gz"}},
}
FAIL = {"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": "stopped"}}
