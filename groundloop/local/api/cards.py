"""Model cards of model packages, held against their schema, as the service does when a package is made.

The schema: "Model package model card schema" in the SageMaker developer guide (View and Update the Details of a Model
Version). A dialect of JSON schema; here each rule is a function from a value and its path to the faults it has.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from groundloop.local.errors import invalid

Rule: TypeAlias = Callable[[Any, str], Iterator[str]]


def check_model_card(card: Mapping[str, Any]) -> None:
    """Refuse a ModelPackageModelCard whose content is not the JSON of a card.

    Raises:
        LocalAwsError: ValidationException, names each fault with its path.
    """
    try:
        content = json.loads(card.get("ModelCardContent", "{}"))
    except ValueError as error:
        raise invalid(f"ModelCardContent is not JSON: {error}") from None
    faults = list(_CARD(content, ""))
    if faults:
        raise invalid(f"ModelCardContent does not follow the model card schema: {'; '.join(faults)}")


def _text(most: int | None = None, *, least: int = 0) -> Rule:
    def rule(value: Any, path: str) -> Iterator[str]:
        if not isinstance(value, str):
            yield f"{path} must be a string"
        elif len(value) < least or (most is not None and len(value) > most):
            yield f"{path} must have {least} to {most} characters"

    return rule


def _enum(*options: str) -> Rule:
    def rule(value: Any, path: str) -> Iterator[str]:
        if value not in options:
            yield f"{path} must be one of {', '.join(options)}"

    return rule


def _number(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        yield f"{path} must be a number"


def _scalar(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, str):
        yield from _text(63)(value, path)
    elif not isinstance(value, bool):
        yield from _number(value, path)


def _list(item: Rule, most: int | None = None, *, least: int = 0) -> Rule:
    def rule(value: Any, path: str) -> Iterator[str]:
        if not isinstance(value, list):
            yield f"{path} must be a list"
            return
        if len(value) < least or (most is not None and len(value) > most):
            yield f"{path} must have {least} to {most} items"
        for index, child in enumerate(value):
            yield from item(child, f"{path}[{index}]")

    return rule


def _object(fields: Mapping[str, Rule], *required: str) -> Rule:
    """An object with no other members than these."""

    def rule(value: Any, path: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield f"{path or 'the card'} must be an object"
            return
        yield from (f"{path}.{name} is required".lstrip(".") for name in required if name not in value)
        for name, child in value.items():
            here = f"{path}.{name}".lstrip(".")
            if name in fields:
                yield from fields[name](child, here)
            else:
                yield f"{here} is no member of the schema"

    return rule


def _map(item: Rule) -> Rule:
    def rule(value: Any, path: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield f"{path} must be an object"
            return
        for name, child in value.items():
            yield from item(child, f"{path}.{name}")

    return rule


def _metric(value: Any, path: str) -> Iterator[str]:
    kind = value.get("type") if isinstance(value, dict) else None
    rule = _METRICS.get(kind) if isinstance(kind, str) else None
    if rule is None:
        yield f"{path}.type must be one of {', '.join(_METRICS)}"
    else:
        yield from rule(value, path)


def _metric_of(value: Rule, x_axis: Rule, y_axis: Rule) -> Rule:
    fields = {"name": _text(255, least=1), "notes": _text(1024), "type": _text(), "value": value}
    return _object({**fields, "x_axis_name": x_axis, "y_axis_name": y_axis}, "name", "type", "value")


_AXIS, _AXES = _text(63), _list(_text(63))
_SIMPLE = _metric_of(_scalar, _AXIS, _AXIS)
_METRICS: Mapping[str, Rule] = {
    "number": _SIMPLE,
    "string": _SIMPLE,
    "boolean": _SIMPLE,
    "linear_graph": _metric_of(_list(_list(_number, 2, least=2), least=1), _AXIS, _AXIS),
    "bar_chart": _metric_of(_list(_number, least=1), _AXES, _AXIS),
    "matrix": _metric_of(_list(_list(_number, 20, least=1), 20, least=1), _AXES, _AXES),
}
_PROSE, _URI = _text(2048), _text(1024)
_TRAINING_METRICS = _list(
    _object({"name": _text(255, least=1), "notes": _text(1024), "value": _number}, "name", "value"), 50
)
_HYPERPARAMETERS = _list(_object({"name": _text(255, least=1), "value": _text(255, least=1)}, "name", "value"), 100)
_CARD = _object(
    {
        "model_overview": _object({"model_creator": _text(1024), "model_artifact": _list(_URI, 15)}),
        "intended_uses": _object(
            {
                "purpose_of_model": _PROSE,
                "intended_uses": _PROSE,
                "factors_affecting_model_efficiency": _PROSE,
                "risk_rating": _enum("High", "Medium", "Low", "Unknown"),
                "explanations_for_risk_rating": _PROSE,
            }
        ),
        "business_details": _object(
            {"business_problem": _PROSE, "business_stakeholders": _PROSE, "line_of_business": _PROSE}
        ),
        "training_details": _object(
            {
                # The published schema leaves its members open.
                "objective_function": _map(lambda value, path: iter(())),
                "training_observations": _text(1024),
                "training_job_details": _object(
                    {
                        "training_arn": _text(1024),
                        "training_datasets": _list(_URI, 15),
                        "training_environment": _object({"container_image": _list(_URI, 15)}),
                        "training_metrics": _TRAINING_METRICS,
                        "user_provided_training_metrics": _TRAINING_METRICS,
                        "hyper_parameters": _HYPERPARAMETERS,
                        "user_provided_hyper_parameters": _HYPERPARAMETERS,
                    }
                ),
            }
        ),
        "evaluation_details": _list(
            _object(
                {
                    "name": _text(63, least=1),
                    "evaluation_observation": _text(2096),
                    "evaluation_job_arn": _text(256),
                    "datasets": _list(_URI, 10),
                    "metadata": _map(_text(1024)),
                    "metric_groups": _list(
                        _object({"name": _text(63, least=1), "metric_data": _list(_metric)}, "name", "metric_data")
                    ),
                },
                "name",
            )
        ),
        "additional_information": _object(
            {
                "ethical_considerations": _PROSE,
                "caveats_and_recommendations": _PROSE,
                "custom_details": _map(_text(1024)),
            }
        ),
    }
)
