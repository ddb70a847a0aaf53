"""botocore's model of the SageMaker API: shapes of requests and answers, and one walk over a request.

botocore checks required members and types before it sends a request, but no enums, patterns, upper bounds or sizes of
lists. `violations` checks these, for the definition checker and for the offline AWS, each with its own wording.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Any

from botocore.model import ListShape, MapShape, ServiceModel, Shape, StringShape, StructureShape

from groundloop.service_models import service_models
from groundloop.spec.patterns import matches

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
NUMBER_TYPES = ("integer", "long", "float", "double")


SAGEMAKER, A2I_RUNTIME = "sagemaker", "sagemaker-a2i-runtime"


@lru_cache(maxsize=2)
def service_model(service: str) -> ServiceModel:
    """Return botocore's model of a service's API; it lies on disk, so no network is needed.

    Args:
        service: its name in botocore: `SAGEMAKER` or `A2I_RUNTIME`.
    """
    description: Any = service_models(None).load_service_model(service, "service-2")
    return ServiceModel(description, service)


def sagemaker_model() -> ServiceModel:
    """Return botocore's model of the SageMaker API."""
    return service_model(SAGEMAKER)


@lru_cache(maxsize=128)
def input_shape(operation: str, service: str = SAGEMAKER) -> Shape:
    """Return the shape of an operation's request, None if it takes none."""
    return service_model(service).operation_model(operation).input_shape


@lru_cache(maxsize=128)
def output_shape(operation: str, service: str = SAGEMAKER) -> Shape:
    """Return the shape of an operation's answer, None if it has none."""
    return service_model(service).operation_model(operation).output_shape


@dataclass(frozen=True)
class Member:
    """A value inside a request, the shape that it should have, and the path that leads to it."""

    path: str
    shape: Shape
    value: Any


#: Makes a member's path from the path and the shape around it, and from its name, index or key; the last argument tells
#: that the member is the key of a map's item, not its value.
PathJoiner = Callable[[str, Shape, str | int, bool], str]


def members(
    value: Any, shape: Shape, join: PathJoiner, path: str = "", *, is_leaf: Callable[[Any], bool] = lambda _: False
) -> Iterator[Member]:
    """Yield a value and all values inside it that the model has a shape for, the outer ones first.

    Members of structures that are null count as absent, as they do for the service.

    Args:
        is_leaf: tells values that are yielded without what is inside them.
    """
    yield Member(path, shape, value)
    if is_leaf(value):
        return
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        for name, item in value.items():
            if item is not None and name in shape.members:
                yield from members(item, shape.members[name], join, join(path, shape, name, False), is_leaf=is_leaf)
    elif isinstance(shape, ListShape) and isinstance(value, list):
        for index, item in enumerate(value):
            yield from members(item, shape.member, join, join(path, shape, index, False), is_leaf=is_leaf)
    elif isinstance(shape, MapShape) and isinstance(value, dict):
        for key, item in value.items():
            yield Member(join(path, shape, key, True), shape.key, key)
            yield from members(item, shape.value, join, join(path, shape, key, False), is_leaf=is_leaf)


def missing_members(value: dict[str, Any], shape: StructureShape) -> list[str]:
    """Return the names of the required members that a structure lacks."""
    return [name for name in shape.required_members if value.get(name) is None]


def has_type(value: Any, shape: Shape) -> bool:
    """Return whether a value is of its shape's type; True for timestamps and blobs, which JSON has no type for."""
    types = _TYPES.get(shape.type_name)
    return types is None or (isinstance(value, types) and (bool in types or not isinstance(value, bool)))


class Constraint(Enum):
    """What a member of a request can violate: the first six by its value, once that is of the right type."""

    ENUM = "enum"
    MIN_LENGTH = "min-length"
    MAX_LENGTH = "max-length"
    MINIMUM = "minimum"
    MAXIMUM = "maximum"
    PATTERN = "pattern"
    TYPE = "type"
    REQUIRED = "required"
    UNKNOWN = "unknown"


def violations(value: Any, shape: Shape) -> Iterator[Constraint]:
    """Yield the constraints of a shape that a value violates; the value is of the shape's type."""
    minimum, maximum = bounds(shape)
    if isinstance(shape, StringShape) and shape.enum and value not in shape.enum:
        yield Constraint.ENUM
    if isinstance(shape, StringShape | ListShape | MapShape):
        if minimum is not None and len(value) < minimum:
            yield Constraint.MIN_LENGTH
        if maximum is not None and len(value) > maximum:
            yield Constraint.MAX_LENGTH
    elif shape.type_name in NUMBER_TYPES:
        if minimum is not None and value < minimum:
            yield Constraint.MINIMUM
        if maximum is not None and value > maximum:
            yield Constraint.MAXIMUM
    pattern = shape.metadata.get("pattern") if isinstance(shape, StringShape) else None
    if pattern and not matches(pattern, value):
        yield Constraint.PATTERN


@dataclass(frozen=True)
class Violation(Member):
    """A member of a request that AWS would reject.

    `REQUIRED` stands at the path of the missing member, `UNKNOWN` at that of the one that there is no shape for: its
    `shape` is that of the structure around it.
    """

    constraint: Constraint


def request_violations(
    operation: str, request: dict[str, Any], join: PathJoiner, service: str = SAGEMAKER
) -> Iterator[Violation]:
    """Yield what is wrong with a request, the outer members first.

    Args:
        operation: such as `CreateLabelingJob`.
        request: its arguments.
        join: makes the paths.
        service: the service's name in botocore.
    """
    shape = input_shape(operation, service)
    for member in members(request, shape, join) if shape else ():
        value, path = member.value, member.path
        if not has_type(value, member.shape):
            yield Violation(path, member.shape, value, Constraint.TYPE)
            continue
        for constraint in violations(value, member.shape):
            yield Violation(path, member.shape, value, constraint)
        if isinstance(member.shape, StructureShape):
            for name in missing_members(value, member.shape):
                missing = join(path, member.shape, name, False)
                yield Violation(missing, member.shape.members[name], None, Constraint.REQUIRED)
            for name in sorted(set(value) - set(member.shape.members)):
                unknown = join(path, member.shape, name, False)
                yield Violation(unknown, member.shape, value[name], Constraint.UNKNOWN)


def bounds(shape: Shape) -> tuple[float | None, float | None]:
    """Return a shape's minimum and maximum: of the value, or of the length of strings, lists and maps."""
    return shape.metadata.get("min"), shape.metadata.get("max")
