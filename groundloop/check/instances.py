"""Instance types of jobs and endpoints: retired families, and keys for volumes that can't have one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from groundloop.check.business_rules import items, part, training_jobs
from groundloop.check.findings import DefinitionCode, DefinitionFinding
from groundloop.spec.definition import Definition, Json, Parameter, Step
from groundloop.spec.expressions import GET, expression
from groundloop.spec.instance_types import has_local_storage, is_retired
from groundloop.spec.known_values import known
from groundloop.spec.object_detection import CURRENT_INSTANCE_TYPES
from groundloop.suggestions import quoted

#: Where the resources of a job stand in its request.
_RESOURCES = {
    "Processing": ("ProcessingResources", "ClusterConfig"),
    "QualityCheck": ("ProcessingResources", "ClusterConfig"),
    "ClarifyCheck": ("ProcessingResources", "ClusterConfig"),
    "Transform": ("TransformResources",),
}


@dataclass(frozen=True)
class _Resources:
    """A structure with an InstanceType, its path, and whether it is of a training job."""

    step: Step
    members: Json
    path: str
    trains: bool = False


def check_instances(definition: Definition) -> Iterator[DefinitionFinding]:
    """Check the instance types of every job and production variant, and the keys of the jobs' volumes."""
    for step in definition.steps:
        for resources in _resources(step):
            yield from _retired(definition, resources)
            yield from _volume_key(definition, resources)


def _resources(step: Step) -> Iterator[_Resources]:
    for request, path in training_jobs(step):
        yield _Resources(step, part(request, "ResourceConfig"), f"{path}.ResourceConfig", trains=True)
    if keys := _RESOURCES.get(step.type):
        yield _Resources(step, part(step.arguments, *keys), ".".join(("Arguments", *keys)))
    if step.type == "EndpointConfig":
        for index, variant in enumerate(items(step.arguments, "ProductionVariants")):
            if isinstance(variant, dict):
                yield _Resources(step, variant, f"Arguments.ProductionVariants[{index}]")


def _retired(definition: Definition, resources: _Resources) -> Iterator[DefinitionFinding]:
    instance_type = known(resources.members.get("InstanceType"), definition)
    if not isinstance(instance_type, str) or not is_retired(instance_type):
        return
    family = instance_type.split(".")[1].upper()
    message = f"EC2 retires {family}: {instance_type} can't be had where there is no quota or capacity left"
    parameter = _parameter(resources.members.get("InstanceType"), definition)
    remedy = f"use {CURRENT_INSTANCE_TYPES[0]}"
    if parameter:
        remedy += f" as {parameter.name}"
    if resources.trains:
        remedy += f" (in groundloop: --set training.instance_type={CURRENT_INSTANCE_TYPES[0]})"
    path = f"{resources.path}.InstanceType"
    yield DefinitionFinding(DefinitionCode.RETIRED_INSTANCE, resources.step.name, path, message, remedy)


def _volume_key(definition: Definition, resources: _Resources) -> Iterator[DefinitionFinding]:
    given = resources.members.get("VolumeKmsKeyId")
    if given is None:
        return
    step, path = resources.step.name, f"{resources.path}.VolumeKmsKeyId"
    candidates = [known(resources.members.get("InstanceType"), definition)]
    if parameter := _parameter(resources.members.get("InstanceType"), definition):
        candidates += parameter.values
    local = next((name for name in candidates if isinstance(name, str) and has_local_storage(name)), None)
    if local is not None:
        choice = f", a choice of parameter {parameter.name}," if parameter else ""
        message = f"{local}{choice} has local storage, for which VolumeKmsKeyId is rejected"
        remedy = "remove VolumeKmsKeyId: local storage is encrypted in hardware"
        yield DefinitionFinding(DefinitionCode.VOLUME_KEY, step, path, message, remedy)
    key = known(given, definition)
    if resources.trains and isinstance(key, str) and (key.startswith("alias/") or ":alias/" in key):
        message = f"VolumeKmsKeyId of a training job is a key's id or ARN, not the alias {quoted(key)}"
        yield DefinitionFinding(DefinitionCode.VOLUME_KEY, step, path, message, "write the id or the ARN of the key")


def _parameter(value: Any, definition: Definition) -> Parameter | None:
    """Return the parameter that a value comes from; None if it comes from none."""
    function, body = expression(value) or ("", None)
    space, _, name = str(body).partition(".")
    return definition.parameters.get(name) if function == GET and space == "Parameters" else None
