"""The model card of a version: intended use, data, training and evaluation, for whoever has to approve it.

The schema is that of a model package's card ("Model package model card schema", SageMaker developer guide, View and
Update the Details of a Model Version): unlike a free-standing card it has no `model_package_details`, and its
`model_overview` holds `model_creator` and `model_artifact` only. CreateModelPackage takes it as one string of JSON, at
most 100,000 characters.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from steps.register.settings import CardSettings

_HELD = re.compile(r'"\\u0000(\d+)\\u0000"')


@dataclass(frozen=True, slots=True)
class RawJson:
    """Something that stands for JSON, not for a text: its value goes into the card without quotes."""

    value: Any


def model_card(
    settings: CardSettings,
    *,
    creator: str,
    artifact: Any,
    training_job: Any,
    training_image: str,
    hyperparameters: Mapping[str, Any],
    train_manifest: Any,
    validation_manifest: Any,
    test_manifest: Any,
    data: Any,
    observation: Any,
    metric_groups: Any,
    details: Mapping[str, Any],
) -> dict[str, Any]:
    """The card, its values plain or not known before the execution (see :func:`json_join_parts`).

    Args:
        creator: who made the model.
        artifact: URI of model.tar.gz.
        training_job: its ARN.
        hyperparameters: texts by name.
        train_manifest, validation_manifest, test_manifest: URIs.
        data: a text about the data.
        observation: a text about the evaluation.
        metric_groups: of the evaluation (`steps/register/facts.py`).
        details: more texts by name: versions, hashes, links.
    """
    card: dict[str, Any] = {
        "model_overview": {"model_creator": creator, "model_artifact": [artifact]},
        "intended_uses": _given(
            settings,
            "purpose_of_model",
            "intended_uses",
            "factors_affecting_model_efficiency",
            "risk_rating",
            "explanations_for_risk_rating",
        ),
        "business_details": _given(settings, "business_problem", "business_stakeholders", "line_of_business"),
        "training_details": {
            "training_observations": data,
            "training_job_details": {
                "training_arn": training_job,
                "training_datasets": [train_manifest, validation_manifest],
                "training_environment": {"container_image": [training_image]},
                "user_provided_hyper_parameters": [
                    # The schema takes 1 to 255 characters; an empty value is one that isn't used.
                    {"name": name, "value": value[:255] if isinstance(value, str) else value}
                    for name, value in hyperparameters.items()
                    if value != ""
                ],
            },
        },
        "evaluation_details": [
            {
                "name": "Test split",
                "evaluation_observation": observation,
                "datasets": [test_manifest],
                "metric_groups": metric_groups,
            }
        ],
        "additional_information": {
            **_given(settings, "ethical_considerations", "caveats_and_recommendations"),
            "custom_details": dict(details),
        },
    }
    return {section: content for section, content in card.items() if content}


def json_join_parts(card: Mapping[str, Any]) -> list[Any]:
    """The card as the texts and variables that, put in a row, are its JSON (on one line).

    A value that JSON doesn't know is a variable of the pipeline: its value is put between quotes, so it must hold no
    quote, backslash or line break (ARNs, URIs, numbers and names of machines don't). In a :class:`RawJson` it is put
    in as it is.
    """
    held: list[Any] = []

    def hold(value: Any) -> str:
        held.append(value)
        return f"\0{len(held) - 1}\0"  # no text of the configuration holds a NUL: YAML refuses it

    found: list[Any] = []
    texts = _HELD.split(json.dumps(card, default=hold, ensure_ascii=False))
    for index, text in enumerate(texts):
        if index % 2 == 0:
            found.append(text)
            continue
        value = held[int(text)]
        found += [value.value] if isinstance(value, RawJson) else ['"', value, '"']
    return _merged(found)


def _merged(parts: list[Any]) -> list[Any]:
    """Neighbouring texts as one; no empty ones."""
    merged: list[Any] = []
    for part in parts:
        if isinstance(part, str) and merged and isinstance(merged[-1], str):
            merged[-1] += part
        elif part != "":
            merged.append(part)
    return merged


def _given(settings: CardSettings, *names: str) -> dict[str, str]:
    return {name: value for name in names if (value := getattr(settings, name))}
