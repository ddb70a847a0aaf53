"""The model card: whole, on one line, and valid against SageMaker's schema."""

from __future__ import annotations

import json
from typing import Any

import pytest

from groundloop.local.api.model_card import check_model_card
from steps.evaluate.registry_metadata import registry_metadata
from steps.register.card import RawJson, json_join_parts, model_card
from steps.register.settings import CardSettings

Json = dict[str, Any]


class Variable:
    """Stands for a pipeline variable: JSON doesn't know it."""

    def __init__(self, value: str) -> None:
        self.value = value


def card(settings: CardSettings, facts: dict[str, str], variable: type = Variable) -> Json:
    return model_card(
        settings,
        creator="groundloop",
        artifact=variable("s3://bucket/model.tar.gz"),
        training_job=variable("arn:aws:sagemaker:us-east-1:123456789012:training-job/t"),
        training_image="811284229777.dkr.ecr.us-east-1.amazonaws.com/object-detection:1",
        hyperparameters={"epochs": variable("30"), "lr_scheduler_step": "", "freeze_layer_pattern": "x" * 300},
        train_manifest=variable("s3://bucket/train.manifest"),
        validation_manifest=variable("s3://bucket/validation.manifest"),
        test_manifest=variable("s3://bucket/test.manifest"),
        data=RawJson(variable(facts["card_data"])),
        observation=RawJson(variable(facts["card_observation"])),
        metric_groups=RawJson(variable(facts["card_metric_groups"])),
        details={"code_version": "abc", "execution": variable("arn")},
    )


def resolved(made: Json) -> str:
    return "".join(piece if isinstance(piece, str) else piece.value for piece in json_join_parts(made))


@pytest.fixture
def facts(evaluation: Json, summary: Json) -> dict[str, str]:
    return registry_metadata(evaluation, summary)


def test_with_its_variables_known_the_card_is_valid_against_sagemakers_schema(facts: dict[str, str]) -> None:
    settings = CardSettings(
        risk_rating="Low", business_problem='Nuts "go missing"\nin boxes: \\ü', line_of_business="L"
    )
    text = resolved(card(settings, facts))
    check_model_card({"ModelCardContent": text})
    import pipeline.sdk  # noqa: F401  # first: the SDK can't be imported without a region

    # isort: split
    from sagemaker.core.shapes.model_card_shapes import ModelCardContent

    ModelCardContent.model_validate_json(text)
    content = json.loads(text)
    assert content["business_details"]["business_problem"] == 'Nuts "go missing"\nin boxes: \\ü'
    assert content["model_overview"] == {"model_creator": "groundloop", "model_artifact": ["s3://bucket/model.tar.gz"]}
    job = content["training_details"]["training_job_details"]
    assert job["training_datasets"] == ["s3://bucket/train.manifest", "s3://bucket/validation.manifest"]
    assert job["user_provided_hyper_parameters"] == [
        {"name": "epochs", "value": "30"},
        {"name": "freeze_layer_pattern", "value": "x" * 255},
    ]
    (test,) = content["evaluation_details"]
    assert test["evaluation_observation"].startswith("Scored on 40 images")
    assert test["metric_groups"][0]["metric_data"][1]["notes"] == "95 % interval 0.610 to 0.780"
    assert content["additional_information"]["custom_details"] == {"code_version": "abc", "execution": "arn"}


def test_intended_use_data_training_and_evaluation_are_always_there(facts: dict[str, str]) -> None:
    content = json.loads(resolved(card(CardSettings(), facts)))
    assert {"intended_uses", "training_details", "evaluation_details"} <= content.keys()
    assert content["intended_uses"]["purpose_of_model"]
    assert content["training_details"]["training_observations"].startswith("Labelled images")
    assert "business_details" not in content, "nobody said anything of it"


def test_the_longest_card_is_within_the_apis_limit_and_on_one_line(evaluation: Json, summary: Json) -> None:
    metrics = {"ap_50": 0.123456789, "precision": 0.123456789, "recall": 0.123456789}
    evaluation["per_class"] = {f"{'类' * 240}{n}": {"boxes": n, **metrics} for n in range(500)}
    evaluation["gate"]["message"] = "x" * 3000
    prose = {name: "类" * 2048 for name in CardSettings.model_fields if name != "risk_rating"}
    text = resolved(card(CardSettings.model_validate(prose), registry_metadata(evaluation, summary)))
    check_model_card({"ModelCardContent": text})
    assert len(text) <= 100_000, "ModelCardContent, CreateModelPackage"
    assert "\n" not in text, "its pattern is .*"


def test_pieces_are_texts_and_variables_in_turn() -> None:
    first, second = Variable("1"), Variable("2")
    assert json_join_parts({"a": [first, "x"], "b": RawJson(second), "c": "\\u0000 0"}) == [
        '{"a": ["',
        first,
        '", "x"], "b": ',
        second,
        ', "c": "\\\\u0000 0"}',
    ]


def test_texts_longer_than_the_schema_allows_are_refused_early() -> None:
    with pytest.raises(ValueError, match="at most 2048 characters"):
        CardSettings(intended_uses="x" * 2049)
