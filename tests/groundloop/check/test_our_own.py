"""Nothing is found in our own definitions, however they are configured."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from groundloop.check import DefinitionCode, check_definition
from steps.train.settings import TrainingSettings

Definition = dict[str, Any]
ROOT = Path(__file__).resolve().parents[3]
CONFIGS = ROOT / "configs"
#: What the checker suggests in place of the default.
CURRENT = "training.instance_type=ml.g4dn.xlarge"


@pytest.mark.parametrize("deploy", [pytest.param(False, id="training"), pytest.param(True, id="deploy")])
@pytest.mark.parametrize("name", ["local", "prod"])
def test_nothing_is_found_in_the_examples(define: Callable[..., Definition], name: str, deploy: bool) -> None:
    assert check_definition(define(overlay=CONFIGS / f"{name}.yaml", deploy=deploy)) == []


def test_the_default_instance_type_is_of_a_family_that_ec2_retires(define: Callable[..., Definition]) -> None:
    default = TrainingSettings.model_fields["instance_type"].default
    (found,) = check_definition(define(f"training.instance_type={default}"))
    assert (found.code, found.step) == (DefinitionCode.RETIRED_INSTANCE, "Train")
    assert f"--set {CURRENT}" in found.remedy


def test_what_it_suggests_is_accepted(define: Callable[..., Definition]) -> None:
    assert check_definition(define(CURRENT)) == []


#: Assignments to the local configuration that change the definitions.
VARIANTS = [
    pytest.param(["training.spot.enabled=true"], id="spot"),
    pytest.param(["training.tuning.enabled=true"], id="search for hyperparameters"),
    pytest.param(["training.tuning.enabled=true", "training.spot.enabled=true"], id="search on spot capacity"),
    pytest.param(["training.tuning={enabled: true, strategy: hyperband}"], id="search by hyperband"),
    pytest.param(
        ["training.tuning={enabled: true, strategy: grid, ranges: {learning_rate: [0.001, 0.0001]}}"], id="grid search"
    ),
    pytest.param(
        [
            "aws.network={subnets: [subnet-0a], security_groups: [sg-0b], isolation: true, encrypt_traffic: true}",
            "processing.image_uri=123456789012.dkr.ecr.us-east-1.amazonaws.com/jobs:1",
            "processing.requirements=preinstalled",
            "prepare.check_images=none",
        ],
        id="VPC and isolation",
    ),
    pytest.param(["aws.network={subnets: [subnet-0a], security_groups: [sg-0b]}"], id="VPC"),
    pytest.param(["aws.kms_key=arn:aws:kms:us-east-1:123456789012:key/k"], id="KMS key"),
    pytest.param(
        [
            "aws.kms_key=alias/data",
            "processing.instance_type=ml.g4dn.xlarge",
            "predict.instance_type=ml.g4dn.xlarge",
        ],
        id="KMS key with local storage",
    ),
    pytest.param(["aws.tags={'cost centre': 'Zürich 7', team: vision}"], id="tags beyond ASCII"),
    pytest.param(["prepare.split.stratify=true"], id="stratified"),
    pytest.param(["prepare.split.group.pattern='clip-\\d+'"], id="groups"),
    pytest.param(["labels.classes=[nut, bolt, washer]"], id="classes"),
    pytest.param(["deploy.mode=never"], id="never deployed"),
    pytest.param(["deploy.mode=on_pass"], id="deployed at once"),
    pytest.param(
        ["deploy.mode=on_pass", "deploy.endpoint.autoscaling={min_instances: 1, max_instances: 4, target: 300}"],
        id="autoscaling, by the Deploy job",
    ),
    pytest.param(["deploy.endpoint.data_capture_percent=20"], id="data capture"),
    pytest.param(["deploy.endpoint.serverless={memory_mb: 4096, max_concurrency: 5}"], id="serverless"),
    pytest.param(["deploy.endpoint.async_inference={}"], id="asynchronous"),
    pytest.param(["execution.cache.enabled=false"], id="no cache"),
    pytest.param(["execution.cache.expire_after=PT12H"], id="cache for hours"),
    pytest.param(["execution.retry={service: null, job: null, capacity: null}"], id="no retries"),
    pytest.param(["training.instance_count=2", "training.hyperparameters.kv_store=dist_sync"], id="two instances"),
    pytest.param(["training.instance_type=ml.g5.xlarge"], id="another instance type"),
    pytest.param(["processing.engine=spark"], id="Spark"),
    pytest.param(
        [
            "training.hyperparameters.base_network=resnet-50",
            "training.hyperparameters.optimizer=adam",
            "training.hyperparameters.lr_scheduler_step='3,6'",
            "training.hyperparameters.early_stopping=true",
            "training.hyperparameters.freeze_layer_pattern='^conv1'",
            "training.hyperparameters.learning_rate=1e-05",
        ],
        id="hyperparameters",
    ),
    pytest.param(["aws.region=eu-west-1"], id="another region"),
    pytest.param(["gate.thresholds.map=0", "gate.thresholds.map_50=1"], id="thresholds of 0 and 1"),
]


@pytest.mark.parametrize("assignments", VARIANTS)
def test_nothing_is_found_in_variants(define: Callable[..., Definition], assignments: list[str]) -> None:
    for deploy in (False, True):
        assert check_definition(define(*assignments, deploy=deploy)) == []


@pytest.mark.parametrize(
    "assignments",
    [
        pytest.param([], id="plain"),
        pytest.param(
            ["aws.network={subnets: [subnet-0a], security_groups: [sg-0b]}", "aws.kms_key=alias/k"], id="VPC and key"
        ),
        pytest.param(["predict.output=s3://elsewhere/found/", "aws.tags={team: vision}"], id="output and tags"),
    ],
)
def test_nothing_is_found_in_the_predict_pipeline(define: Callable[..., Definition], assignments: list[str]) -> None:
    assert check_definition(define("predict.input=s3://photos/new/", *assignments, predict=True)) == []


def test_all_configurations_in_the_folder_are_checked() -> None:
    assert {path.stem for path in CONFIGS.glob("*.yaml")} == {"base", "local", "prod", "tune"}


def test_it_needs_neither_the_sdk_nor_a_region_nor_credentials(define: Callable[..., Definition]) -> None:
    training = define()
    program = (
        "import json, sys\n"
        "from groundloop.check import check_definition\n"
        "assert check_definition(json.load(sys.stdin)) == []\n"
        "assert not {'sagemaker', 'boto3', 'moto', 'pydantic'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], input=json.dumps(training), text=True, check=True, env={}, cwd=ROOT)
