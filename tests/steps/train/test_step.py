"""What the Train step asks of SageMaker when training starts from an earlier model."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from groundloop.check import Severity, check_definition
from groundloop.errors import ConfigError
from pipeline.config import load_config

Define = Callable[..., dict[str, Any]]
LOCAL = Path(__file__).resolve().parents[3] / "configs" / "local.yaml"


def request(definition: dict[str, Any], step: str) -> dict[str, Any]:
    found: dict[str, Any] = next(item["Arguments"] for item in definition["Steps"] if item["Name"] == step)
    return found


def channels(definition: dict[str, Any]) -> dict[str, Any]:
    return {channel["ChannelName"]: channel for channel in request(definition, "Train")["InputDataConfig"]}


@pytest.fixture(scope="module")
def incremental(define: Define) -> dict[str, Any]:
    return define("training.start_from=champion")


def test_the_model_is_a_file_beside_the_manifests(incremental: dict[str, Any]) -> None:
    found = channels(incremental)
    train, model = found["train"]["DataSource"]["S3DataSource"], found["model"]["DataSource"]["S3DataSource"]
    assert found["model"] | {"DataSource": None} == {
        "ChannelName": "model",
        "ContentType": "application/x-sagemaker-model",
        "CompressionType": "None",
        "InputMode": "File",
        "DataSource": None,
    }
    assert model["S3DataType"] == "S3Prefix"
    assert model["S3Uri"]["Std:Join"]["Values"][:-1] == train["S3Uri"]["Std:Join"]["Values"][:-1]
    assert model["S3Uri"]["Std:Join"]["Values"][-1] == "model.tar.gz"


def test_prepare_is_told_what_to_start_from(incremental: dict[str, Any]) -> None:
    given = request(incremental, "Prepare")["AppSpecification"]["ContainerArguments"]
    assert {"--start-from=champion", "--model-package-group=groundloop", "--base-network=vgg-16"} <= {
        item for item in given if isinstance(item, str)
    }


def test_weights_and_learning_rate_are_those_of_a_continued_training(define: Define) -> None:
    settings = "training.hyperparameters.use_pretrained_model=1", "training.start_from=7"
    definition = define(*settings)
    rate = {parameter["Name"]: parameter.get("DefaultValue") for parameter in definition["Parameters"]}["LearningRate"]
    assert rate == 0.00025
    assert request(definition, "Train")["HyperParameters"]["use_pretrained_model"] == "0"
    given = define(*settings, "training.hyperparameters.learning_rate=0.002")["Parameters"]
    assert {parameter["Name"]: parameter.get("DefaultValue") for parameter in given}["LearningRate"] == 0.002


def test_the_definition_is_valid(incremental: dict[str, Any]) -> None:
    assert [found for found in check_definition(incremental) if found.severity is Severity.ERROR] == []


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        pytest.param({"InputMode": "Pipe"}, "algorithm-incremental", id="streamed"),
        pytest.param({"ContentType": "application/x-recordio"}, "algorithm-incremental", id="another content type"),
    ],
)
def test_check_verifies_the_channel(incremental: dict[str, Any], edit: dict[str, str], code: str) -> None:
    broken = json.loads(json.dumps(incremental))
    channels(broken)["model"].update(edit)
    assert any(code in found.code.value for found in check_definition(broken) if found.severity is Severity.ERROR)


def test_the_version_says_what_it_was_started_from(incremental: dict[str, Any]) -> None:
    register = request(incremental, "QualityGate")["IfSteps"][0]["Arguments"]
    started_from = register["CustomerMetadataProperties"]["started_from"]
    assert "training.started_from" in json.dumps(started_from)
    assert "started_from" in json.dumps(register["ModelCard"])


def test_without_a_model_nothing_of_it_is_in_the_definition(define: Define) -> None:
    definition = define()
    assert set(channels(definition)) == {"train", "validation"}
    assert "start" not in json.dumps(definition)
    rate = {parameter["Name"]: parameter.get("DefaultValue") for parameter in definition["Parameters"]}["LearningRate"]
    assert rate == 0.001


@pytest.mark.parametrize(
    "value", ["0", "-3", "newest", "s3://bucket/model.zip", "'arn:aws:sagemaker:x:1:m/g/3'", "1.5"]
)
def test_only_a_model_can_be_started_from(value: str) -> None:
    with pytest.raises(ConfigError, match="start_from"):
        load_config([LOCAL], [f"training.start_from={value}"], environment={})
