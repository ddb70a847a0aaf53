"""Checks values of pipeline parameters against the ranges of the settings that they stand for.

SageMaker checks a value's type and choices only, so that an impossible number would fail after Prepare was paid for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from groundloop.errors import UserError
from pipeline.config.keys import field_at
from pipeline.config.messages import expectation
from steps.evaluate.settings import GateSettings

#: The settings that give the parameters of the pipelines their defaults.
PARAMETER_KEYS = {
    "InputManifest": "labels.manifest",
    # No setting of its own: reviewing makes it. It must be what labels.manifest must be.
    "ReviewedManifest": "labels.manifest",
    "LabelAttribute": "labels.attribute",
    "ProcessingInstanceType": "processing.instance_type",
    "TrainInstanceType": "training.instance_type",
    "TransformInstanceType": "predict.instance_type",
    "Epochs": "training.hyperparameters.epochs",
    "MiniBatchSize": "training.hyperparameters.mini_batch_size",
    "LearningRate": "training.hyperparameters.learning_rate",
    "TuningJobs": "training.tuning.jobs",
    "TuningParallelJobs": "training.tuning.parallel_jobs",
    "ModelApprovalStatus": "registry.approval_status",
    "DeployMode": "deploy.mode",
    "EndpointName": "deploy.endpoint.name",
    "InputUri": "predict.input",
    "OutputUri": "predict.output",
    "WindowHours": "monitor.window_hours",
    "EndpointInstanceType": "deploy.endpoint.instance_type",
}
#: The parameters of the quality gate, with the metric that each has the threshold of.
PARAMETER_METRICS = {"MinMap": "map", "MinMap50": "map_50", "MinVocMap": "voc_map", "MaxCountMae": "count.mae"}
#: Errors on a value's type: SageMaker has types of its own, and `start` compares with them.
_TYPE_ERRORS = ("_type", "_parsing", "_from_float")


def check_values(assignments: Sequence[str]) -> None:
    """Check values of pipeline parameters, each a text `Name=Value`; unknown names and wrong types are left to `start`.

    Raises:
        UserError: values are out of range; the message has a line for each.

    Example:
        >>> check_values(["Epochs=40"])
    """
    lines = []
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals:
            continue
        if name in PARAMETER_METRICS:
            faults = _threshold_faults(PARAMETER_METRICS[name], value)
        elif name in PARAMETER_KEYS:
            faults = _setting_faults(PARAMETER_KEYS[name], value)
        else:
            continue
        lines += [f"-p {assignment}: {name} {fault}" for fault in faults]
    if lines:
        raise UserError(*lines)


def _setting_faults(dotted: str, value: str) -> list[str]:
    field = field_at(tuple(dotted.split(".")))
    assert field is not None  # noqa: S101 (a test compares the keys with the settings)
    kind: Any = Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation
    return _faults(TypeAdapter(kind).validate_python, value)


def _threshold_faults(metric: str, value: str) -> list[str]:
    return _faults(lambda number: GateSettings.model_validate({"thresholds": {metric: float(number)}}), value)


def _faults(validate: Any, value: str) -> list[str]:
    try:
        validate(value)
    except ValidationError as error:
        return [_text(fault) for fault in error.errors() if not fault["type"].endswith(_TYPE_ERRORS)]
    except ValueError:
        return []  # no number at all
    return []


def _text(fault: ErrorDetails) -> str:
    return (
        f"is not valid: {fault['ctx']['error']}"
        if fault["type"] == "value_error"
        else f"{expectation(fault)}, got {fault['input']!r}"
    )
