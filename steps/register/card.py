"""The model card of a version: intended use, data, training and evaluation, for those who approve it.

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

_PLACEHOLDER = re.compile(r'"\\u0000(\d+)\\u0000"')


@dataclass(frozen=True, slots=True)
class RawJson:
    """A variable that holds JSON, not a text: its value goes into the card without quotes."""

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
    """Return the card, its values plain or variables of the pipeline (see :func:`json_join_parts`).

    Args:
        settings: texts of the configuration.
        creator: who made the model.
        artifact: URI of model.tar.gz.
        training_job: ARN of the training job.
        training_image: URI of the training image.
        hyperparameters: values by name.
        train_manifest: URI.
        validation_manifest: URI.
        test_manifest: URI.
        data: description of the data.
        observation: description of the evaluation.
        metric_groups: metric groups of the evaluation (`steps/evaluate/registry_metadata.py`).
        details: other texts by name: versions, hashes, links.
    """
    card: dict[str, Any] = {
        "model_overview": {"model_creator": creator, "model_artifact": [artifact]},
        "intended_uses": _texts(
            settings,
            "purpose_of_model",
            "intended_uses",
            "factors_affecting_model_efficiency",
            "risk_rating",
            "explanations_for_risk_rating",
        ),
        "business_details": _texts(settings, "business_problem", "business_stakeholders", "line_of_business"),
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
            **_texts(settings, "ethical_considerations", "caveats_and_recommendations"),
            "custom_details": dict(details),
        },
    }
    return {section: content for section, content in card.items() if content}


def json_join_parts(card: Mapping[str, Any]) -> list[Any]:
    """Return the texts and variables that, joined, are the card's JSON on one line.

    A value that JSON doesn't know is a variable of the pipeline: its value is put between quotes, so it must hold no
    quote, backslash or line break (ARNs, URIs, numbers and instance types don't). In a :class:`RawJson` it is put
    in as it is.
    """
    placeholders: list[Any] = []

    def replace_value(value: Any) -> str:
        placeholders.append(value)
        return f"\0{len(placeholders) - 1}\0"  # no text of the configuration holds a NUL: YAML refuses it

    parts: list[Any] = []
    texts = _PLACEHOLDER.split(json.dumps(card, default=replace_value, ensure_ascii=False))
    for index, text in enumerate(texts):
        if index % 2 == 0:
            parts.append(text)
            continue
        value = placeholders[int(text)]
        parts += [value.value] if isinstance(value, RawJson) else ['"', value, '"']
    return _merged(parts)


def _merged(parts: list[Any]) -> list[Any]:
    """Join neighbouring texts, and drop empty ones."""
    merged: list[Any] = []
    for part in parts:
        if isinstance(part, str) and merged and isinstance(merged[-1], str):
            merged[-1] += part
        elif part != "":
            merged.append(part)
    return merged


def _texts(settings: CardSettings, *names: str) -> dict[str, str]:
    return {name: value for name in names if (value := getattr(settings, name))}
