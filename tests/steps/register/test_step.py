"""What the definition registers."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from groundloop.local.api.model_card import check_model_card
from pipeline.job_archive import job_archive
from steps.evaluate.registry_metadata import METRICS, OTHER_METADATA, registry_metadata

Register = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def register(define: Callable[..., dict[str, Any]]) -> Register:
    """The Arguments of the step, from local.yaml and assignments."""

    def build(*assignments: str) -> dict[str, Any]:
        gate = next(step for step in define(*assignments)["Steps"] if step["Name"] == "QualityGate")
        (step,) = gate["Arguments"]["IfSteps"]
        assert step["Name"] == "Register"
        arguments: dict[str, Any] = step["Arguments"]
        return arguments

    return build


@pytest.fixture(scope="module")
def arguments(register: Register) -> dict[str, Any]:
    return register()


def path_of(value: Any) -> str:
    """What a JsonGet reads of gate.json; alone in a member it is joined, which makes it text."""
    if "Std:Join" in value:
        (value,) = value["Std:Join"]["Values"]
    assert value["Std:JsonGet"]["PropertyFile"] == {"Get": "Steps.Evaluate.PropertyFiles.Evaluation"}
    return str(value["Std:JsonGet"]["Path"])


def test_metadata_carries_what_evaluate_wrote_for_it(arguments: dict[str, Any]) -> None:
    metadata = arguments["CustomerMetadataProperties"]
    for name in (*METRICS, *OTHER_METADATA):
        assert path_of(metadata[name]) == f"registry.{name}"
    assert {"summary", "evaluation", "report", "test_manifest", "execution"} <= metadata.keys()
    assert len(metadata) <= 50
    assert arguments["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"] == metadata["evaluation"]


def test_metadata_names_code_and_configuration(arguments: dict[str, Any], register: Register) -> None:
    metadata = arguments["CustomerMetadataProperties"]
    assert metadata["code_version"] == " ".join(f"{job}@{job_archive(job).sha256}" for job in ("prepare", "evaluate"))
    assert len(metadata["code_version"]) <= 256
    other = register("training.hyperparameters.epochs=3")["CustomerMetadataProperties"]
    assert other["config_sha256"] != metadata["config_sha256"]
    assert other["code_version"] == metadata["code_version"]


def test_the_card_is_valid_once_its_variables_are_known(
    arguments: dict[str, Any], evaluation: dict[str, Any], summary: dict[str, Any]
) -> None:
    facts = registry_metadata(evaluation, summary)
    assert arguments["ModelCard"]["ModelCardStatus"] == "PendingReview"
    join = arguments["ModelCard"]["ModelCardContent"]["Std:Join"]
    assert join["On"] == ""

    def resolved(piece: Any) -> str:
        if isinstance(piece, str):
            return piece
        assert "Std:Join" not in piece, "nothing says that Joins may be nested"
        return "known later" if "Get" in piece else facts[path_of(piece).removeprefix("registry.")]

    text = "".join(map(resolved, join["Values"]))
    check_model_card({"ModelCardContent": text})
    card = json.loads(text)
    assert {"intended_uses", "training_details", "evaluation_details"} <= card.keys()
    assert {"name": "epochs", "value": "known later"} in card["training_details"]["training_job_details"][
        "user_provided_hyper_parameters"
    ]
    used = {path_of(piece) for piece in join["Values"] if not isinstance(piece, str) and "Std:JsonGet" in piece}
    assert used == {f"registry.{name}" for name in ("card_data", "card_observation", "card_metric_groups", "threshold")}


def test_people_say_in_the_configuration_what_the_model_is_for(register: Register) -> None:
    given = register("registry.card.business_problem='Who took the \"nuts\"?'", "registry.card.risk_rating=High")
    text = "".join(
        piece if isinstance(piece, str) else "1"
        for piece in given["ModelCard"]["ModelCardContent"]["Std:Join"]["Values"]
    )
    card = json.loads(text)
    assert card["business_details"] == {"business_problem": 'Who took the "nuts"?'}
    assert card["intended_uses"]["risk_rating"] == "High"
