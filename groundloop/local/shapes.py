"""Requests and answers held against botocore's own model of the service.

botocore checks required members and types before it sends a request, but no enums, patterns or upper bounds; AWS does,
and so does the offline AWS, with AWS's own wording. Some patterns of the model are Java's and do not compile in Python
(``\\p{L}``): they are skipped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import botocore.loaders
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StringShape, StructureShape

from groundloop.local.errors import invalid


@lru_cache(maxsize=1)
def sagemaker_model() -> ServiceModel:
    """botocore's model of the SageMaker API."""
    description: Any = botocore.loaders.create_loader().load_service_model("sagemaker", "service-2")
    return ServiceModel(description, "sagemaker")


@lru_cache(maxsize=512)
def _pattern(source: str) -> re.Pattern[str] | None:
    try:
        return re.compile(source, re.DOTALL)
    except re.error:
        return None


def _camel(name: str) -> str:
    return name[:1].lower() + name[1:]


def _bounds(shape: Shape, size: float, noun: str) -> Iterator[str]:
    smallest, largest = shape.metadata.get("min"), shape.metadata.get("max")
    if smallest is not None and size < smallest:
        yield f"Member must have {noun} greater than or equal to {smallest}"
    if largest is not None and size > largest:
        yield f"Member must have {noun} less than or equal to {largest}"


def _faults_of_value(shape: Shape, value: Any) -> Iterator[str]:
    if isinstance(shape, StringShape):
        if shape.enum and value not in shape.enum:
            yield f"Member must satisfy enum value set: [{', '.join(shape.enum)}]"
        yield from _bounds(shape, len(value), "length")
        source = shape.metadata.get("pattern")
        compiled = _pattern(source) if source else None
        if compiled and not compiled.fullmatch(value):
            yield f"Member must satisfy regular expression pattern: {source}"
    elif isinstance(shape, ListShape | MapShape):
        yield from _bounds(shape, len(value), "length")
    elif shape.type_name in ("integer", "long", "float", "double"):
        yield from _bounds(shape, value, "value")


_TYPES: dict[str, tuple[type, ...]] = {
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
}


def _walk(shape: Shape, value: Any, path: str) -> Iterator[tuple[str, Any, str]]:
    expected = _TYPES.get(shape.type_name)
    if expected and (not isinstance(value, expected) or (isinstance(value, bool) and bool not in expected)):
        yield path, value, f"Member must be of type {shape.type_name}"
        return
    for fault in _faults_of_value(shape, value):
        yield path, value, fault
    if isinstance(shape, StructureShape):
        for name in shape.required_members:
            if value.get(name) is None:
                yield f"{path}.{_camel(name)}".lstrip("."), None, "Member must not be null"
        for name, item in value.items():
            if item is not None and name in shape.members:
                yield from _walk(shape.members[name], item, f"{path}.{_camel(name)}".lstrip("."))
    elif isinstance(shape, ListShape):
        for number, item in enumerate(value, 1):
            yield from _walk(shape.member, item, f"{path}.{number}.member")
    elif isinstance(shape, MapShape):
        for key, item in value.items():
            yield from _walk(shape.key, key, f"{path}.key")
            yield from _walk(shape.value, item, f"{path}.{key}")


def check_request(operation: str, request: dict[str, Any]) -> None:
    """Raise a ValidationException that lists every fault of the request, as AWS words them."""
    shape = sagemaker_model().operation_model(operation).input_shape
    faults = list(_walk(shape, request, "")) if shape else []
    if faults:
        told = "; ".join(
            f"Value {'null' if value is None else repr(value)} at '{path}' failed to satisfy constraint: {fault}"
            for path, value, fault in faults
        )
        plural = "" if len(faults) == 1 else "s"
        raise invalid(f"{len(faults)} validation error{plural} detected: {told}")


def shaped(operation: str, answer: dict[str, Any]) -> dict[str, Any]:
    """The members of an answer that the operation's output shape has; nothing that is None."""
    shape = sagemaker_model().operation_model(operation).output_shape
    return _shaped(shape, answer) if shape else {}


def _shaped(shape: Shape, value: Any) -> Any:
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        members = shape.members
        return {
            name: _shaped(members[name], item) for name, item in value.items() if name in members and item is not None
        }
    if isinstance(shape, ListShape):
        return [_shaped(shape.member, item) for item in value]
    if isinstance(shape, MapShape):
        return {key: _shaped(shape.value, item) for key, item in value.items()}
    return value
