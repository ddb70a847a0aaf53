"""The conditions of Condition steps."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from groundloop.local.executor.expressions import ResolveError, Resolver
from groundloop.spec.definition import Json

_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "GreaterThan": operator.gt,
    "GreaterThanOrEqualTo": operator.ge,
    "LessThan": operator.lt,
    "LessThanOrEqualTo": operator.le,
}


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _same(left: Any, right: Any) -> bool:
    # True == 1 in Python, not in JSON.
    return bool(left == right) and isinstance(left, bool) == isinstance(right, bool)


def holds(condition: Json, resolver: Resolver) -> bool:
    """Whether one condition holds.

    Raises:
        ResolveError: an operand has no value, the operands can't be compared, or the type is unknown.
    """
    if not isinstance(condition, dict):
        raise ResolveError(f"{condition!r} is not a condition")
    kind = condition.get("Type")
    try:
        if kind == "Not":
            return not holds(condition["Condition"], resolver)
        if kind == "Or":
            # A list, not a generator: all are looked at, so that no fault stays hidden behind one that holds.
            return any([holds(inner, resolver) for inner in condition["Conditions"]])  # noqa: C419
        if kind == "In":
            query = resolver.resolve(condition["QueryValue"])
            return any(_same(query, value) for value in resolver.resolve(condition["Values"]))
        left, right = resolver.resolve(condition["LeftValue"]), resolver.resolve(condition["RightValue"])
    except KeyError as error:
        raise ResolveError(f"a condition of type {kind} lacks {error}") from error
    if kind == "Equals":
        return _same(left, right)
    if kind not in _COMPARISONS:
        raise ResolveError(f"unknown type of condition {kind!r}")
    if not (_number(left) and _number(right)) and not (isinstance(left, str) and isinstance(right, str)):
        raise ResolveError(f"{kind} can't compare {left!r} with {right!r}")
    return _COMPARISONS[kind](left, right)


def all_hold(conditions: list[Json], resolver: Resolver) -> bool:
    """Whether every condition of a list holds; all are looked at, so that no fault stays hidden."""
    return all([holds(condition, resolver) for condition in conditions])  # noqa: C419
