"""Checks of requests against the API's model, with AWS's wording; answers reduced to their shapes."""

from __future__ import annotations

from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from groundloop.local.errors import invalid
from groundloop.spec.shapes import SAGEMAKER, Constraint, Violation, bounds, output_shape, request_violations


def check_request(operation: str, request: dict[str, Any], service: str = SAGEMAKER) -> None:
    """Check a request against the shape of its operation.

    Raises:
        ApiError: a ValidationException that lists every fault of the request, as AWS words them.
    """
    faults = [
        _fault(violation)
        for violation in request_violations(operation, request, _join, service)
        if violation.constraint is not Constraint.UNKNOWN  # the service ignores them
    ]
    if faults:
        plural = "" if len(faults) == 1 else "s"
        raise invalid(f"{len(faults)} validation error{plural} detected: {'; '.join(faults)}")


def _fault(violation: Violation) -> str:
    shown = "null" if violation.value is None else repr(violation.value)
    return f"Value {shown} at '{violation.path}' failed to satisfy constraint: {_requirement(violation)}"


def _requirement(violation: Violation) -> str:
    shape = violation.shape
    minimum, maximum = bounds(shape)
    return {
        Constraint.ENUM: f"Member must satisfy enum value set: [{', '.join(getattr(shape, 'enum', ()))}]",
        Constraint.MIN_LENGTH: f"Member must have length greater than or equal to {minimum}",
        Constraint.MAX_LENGTH: f"Member must have length less than or equal to {maximum}",
        Constraint.MINIMUM: f"Member must have value greater than or equal to {minimum}",
        Constraint.MAXIMUM: f"Member must have value less than or equal to {maximum}",
        Constraint.PATTERN: f"Member must satisfy regular expression pattern: {shape.metadata.get('pattern')}",
        Constraint.TYPE: f"Member must be of type {shape.type_name}",
        Constraint.REQUIRED: "Member must not be null",
    }[violation.constraint]


def _join(path: str, parent: Shape, token: str | int, is_key: bool) -> str:
    """Return a member's path as AWS's messages have it: `tags.2.member.value`."""
    if isinstance(token, int):
        return f"{path}.{token + 1}.member"
    if isinstance(parent, MapShape):
        return f"{path}.key" if is_key else f"{path}.{token}"
    return f"{path}.{token[:1].lower()}{token[1:]}".lstrip(".")


def shaped(operation: str, answer: dict[str, Any], service: str = SAGEMAKER) -> dict[str, Any]:
    """Return the members of an answer that the operation's output shape has, without those that are None."""
    shape = output_shape(operation, service)
    return _shaped(shape, answer) if shape else {}


def _shaped(shape: Shape, value: Any) -> Any:
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        return {
            name: _shaped(shape.members[name], item)
            for name, item in value.items()
            if name in shape.members and item is not None
        }
    if isinstance(shape, ListShape):
        return [_shaped(shape.member, item) for item in value]
    if isinstance(shape, MapShape):
        return {key: _shaped(shape.value, item) for key, item in value.items()}
    return value
