"""Checks of requests to AWS against the API's model, in the words of its reference, before anything is sent."""

from __future__ import annotations

from typing import Any

from botocore.model import MapShape, Shape

from groundloop.spec.shapes import SAGEMAKER, Constraint, Violation, bounds, request_violations

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
    return [_problem(violation) for violation in request_violations(operation, request, _join, service)]


def _problem(violation: Violation) -> str:
    minimum, maximum = bounds(violation.shape)
    if violation.constraint is Constraint.REQUIRED:
        return f"{violation.path} is missing"
    if violation.constraint is Constraint.UNKNOWN:
        return f"{violation.path} is unknown to {violation.shape.name}"
    where = f"{violation.path}: " if violation.path else ""
    if violation.constraint is Constraint.TYPE:
        return f"{where}{violation.value!r} is not of type {violation.shape.type_name}"
    broken = {
        Constraint.ENUM: f"is none of {', '.join(getattr(violation.shape, 'enum', ()))}",
        Constraint.MIN_LENGTH: f"is shorter than {minimum}",
        Constraint.MAX_LENGTH: f"is longer than {maximum}",
        Constraint.MINIMUM: f"is less than {minimum}",
        Constraint.MAXIMUM: f"is more than {maximum}",
        Constraint.PATTERN: f"does not match {violation.shape.metadata.get('pattern')}",
    }
    return f"{where}{_shown(violation.value)} {broken[violation.constraint]}"


def _shown(value: Any) -> str:
    if isinstance(value, str) and len(value) > _MAX_SHOWN:
        return f"{value[:_MAX_SHOWN]!r}... ({len(value):,} characters)"
    return f"a value with {len(value)} items" if isinstance(value, list | dict) else repr(value)


def _join(path: str, parent: Shape, token: str | int, is_key: bool) -> str:
    if isinstance(token, int):
        return f"{path}[{token}]"
    if isinstance(parent, MapShape) and is_key:
        return f"{path} (key)"
    return f"{path}.{token}".lstrip(".")
