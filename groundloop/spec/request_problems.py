"""Checks of requests to AWS against the API's model, in the words of its reference, before anything is sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from botocore.model import MapShape, Shape, StructureShape

from groundloop.spec.shapes import (
    SAGEMAKER,
    Constraint,
    Member,
    bounds,
    has_type,
    input_shape,
    members,
    missing_members,
    violations,
)

_MAX_SHOWN = 80


def request_problems(operation: str, request: dict[str, Any], service: str = SAGEMAKER) -> list[str]:
    """Return what is wrong with a request, one sentence for each member, with its path.

    Args:
        operation: such as `CreateLabelingJob`.
        request: its arguments.
        service: the service's name in botocore.

    Example:
        >>> request_problems("StopLabelingJob", {"LabelingJobName": "week 47"})
        ["LabelingJobName: 'week 47' does not match [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}"]
    """
    shape = input_shape(operation, service)
    return [problem for member in members(request, shape, _join) for problem in _problems(member)]


def _problems(member: Member) -> Iterator[str]:
    where = f"{member.path}: " if member.path else ""
    if not has_type(member.value, member.shape):
        yield f"{where}{member.value!r} is not of type {member.shape.type_name}"
        return
    for constraint in violations(member.value, member.shape):
        yield f"{where}{_shown(member.value)} {_broken(constraint, member.shape)}"
    if isinstance(member.shape, StructureShape):
        for name in missing_members(member.value, member.shape):
            yield f"{_join(member.path, member.shape, name, False)} is missing"
        for name in sorted(set(member.value) - set(member.shape.members)):
            yield f"{_join(member.path, member.shape, name, False)} is unknown to {member.shape.name}"


def _shown(value: Any) -> str:
    if isinstance(value, str) and len(value) > _MAX_SHOWN:
        return f"{value[:_MAX_SHOWN]!r}... ({len(value):,} characters)"
    return f"a value with {len(value)} items" if isinstance(value, list | dict) else repr(value)


def _broken(constraint: Constraint, shape: Shape) -> str:
    minimum, maximum = bounds(shape)
    return {
        Constraint.ENUM: f"is none of {', '.join(getattr(shape, 'enum', ()))}",
        Constraint.MIN_LENGTH: f"is shorter than {minimum}",
        Constraint.MAX_LENGTH: f"is longer than {maximum}",
        Constraint.MINIMUM: f"is less than {minimum}",
        Constraint.MAXIMUM: f"is more than {maximum}",
        Constraint.PATTERN: f"does not match {shape.metadata.get('pattern')}",
    }[constraint]


def _join(path: str, parent: Shape, token: str | int, is_key: bool) -> str:
    if isinstance(token, int):
        return f"{path}[{token}]"
    if isinstance(parent, MapShape) and is_key:
        return f"{path} (key)"
    return f"{path}.{token}".lstrip(".")
