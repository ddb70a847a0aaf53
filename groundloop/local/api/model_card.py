"""Check model cards of model packages against their JSON schema, as SageMaker does in CreateModelPackage.

`model_card_schema.json` holds the rules of "Model package model card schema" in the SageMaker developer guide (View and
Update the Details of a Model Version).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from groundloop.local.errors import invalid

_MAX_MESSAGE_LENGTH = 200


def check_model_card(card: Mapping[str, Any]) -> None:
    """Check the content of a ModelPackageModelCard.

    Raises:
        ApiError: ValidationException that names each fault with its path.
    """
    try:
        content = json.loads(card.get("ModelCardContent", "{}"))
    except ValueError as error:
        raise invalid(f"ModelCardContent is not JSON: {error}") from None
    faults = [f"{error.json_path}: {_message(error)}" for error in _validator().iter_errors(content)]
    if faults:
        raise invalid(f"ModelCardContent does not follow the model card schema: {'; '.join(faults)}")


def _message(error: Any) -> str:
    """Return the validator's message, or the violated rule if the message quotes a long value."""
    if len(error.message) <= _MAX_MESSAGE_LENGTH:
        return str(error.message)
    return f"the value does not satisfy {error.validator} {error.validator_value}"


@cache
def _validator() -> Any:
    # A card is rare, and the library takes a tenth of a second to import.
    from jsonschema import Draft202012Validator

    schema = resources.files(__package__).joinpath("model_card_schema.json").read_text(encoding="utf-8")
    return Draft202012Validator(json.loads(schema))
