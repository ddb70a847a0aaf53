"""How settings of the endpoint change the two definitions."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from groundloop.local.executor.definition import parse

Definition = dict[str, Any]

KINDS = {
    "canary": ("deploy.endpoint.instance_count=2", "deploy.rollout.traffic=canary"),
    "autoscaling": ("deploy.endpoint.autoscaling={max_instances: 3, target: 100}",),
    "two variants": ("deploy.endpoint.additional_variants=[{name: B, package: 2, weight: 0.1}]",),
    "serverless": ("deploy.endpoint.serverless={}",),
    "asynchronous": ("deploy.endpoint.async_inference={}",),
}


def deploying_steps(training: Definition) -> list[Definition]:
    deploy_gate = training["Steps"][-1]
    assert deploy_gate["Name"] == "DeployGate"
    steps: list[Definition] = deploy_gate["Arguments"]["IfSteps"]
    return steps


@pytest.mark.parametrize("kind", KINDS)
def test_both_definitions_of_every_kind_of_endpoint_are_valid(define: Callable[..., Definition], kind: str) -> None:
    for deploy in (False, True):
        definition = define(*KINDS[kind], deploy=deploy)
        parse(json.dumps(definition))
        text = json.dumps(definition["Steps"])
        for parameter in definition["Parameters"]:
            assert f'"Parameters.{parameter["Name"]}"' in text, "each is used"


@pytest.mark.parametrize("kind", ["canary", "autoscaling", "two variants"])
def test_what_the_endpoint_steps_cannot_express_is_a_job_in_the_main_pipeline(
    define: Callable[..., Definition], kind: str
) -> None:
    (job,) = deploying_steps(define(*KINDS[kind]))
    arguments = job["Arguments"]["AppSpecification"]["ContainerArguments"]
    assert {"Get": "Steps.Register.ModelPackageArn"} in arguments
    assert "--any-status" in arguments, "the gate is the approval"
    assert all(len(argument) <= 256 for argument in arguments if isinstance(argument, str))
    assert "CacheConfig" not in job


def test_a_serverless_endpoint_has_no_instance_type_to_choose(define: Callable[..., Definition]) -> None:
    for deploy in (False, True):
        names = [p["Name"] for p in define(*KINDS["serverless"], deploy=deploy)["Parameters"]]
        assert "EndpointInstanceType" not in names
    config, _ = deploying_steps(define(*KINDS["serverless"]))
    (variant,) = config["Arguments"]["ProductionVariants"]
    assert variant["ServerlessConfig"] == {"MemorySizeInMB": 4096, "MaxConcurrency": 5}
    assert "InstanceType" not in variant


def test_an_asynchronous_endpoint_answers_under_the_prefix(define: Callable[..., Definition]) -> None:
    config, _ = deploying_steps(define(*KINDS["asynchronous"]))
    output = config["Arguments"]["AsyncInferenceConfig"]["OutputConfig"]
    assert output["S3OutputPath"] == "s3://groundloop-local/groundloop/async"


def test_the_deploy_job_keeps_the_vpc_but_is_not_isolated(define: Callable[..., Definition]) -> None:
    """It has to call SageMaker's API; the model that it makes is isolated."""
    definition = define(
        "aws.network={subnets: [subnet-0a], security_groups: [sg-0b], isolation: true}",
        "processing.image_uri=123456789012.dkr.ecr.us-east-1.amazonaws.com/jobs:1",
        "processing.requirements=preinstalled",
        "prepare.check_images=none",
        deploy=True,
    )
    arguments = definition["Steps"][0]["Arguments"]
    assert arguments["NetworkConfig"]["VpcConfig"]["Subnets"] == ["subnet-0a"]
    assert not arguments["NetworkConfig"].get("EnableNetworkIsolation")
    text = "".join(
        argument.removeprefix("--specification=")
        for argument in arguments["AppSpecification"]["ContainerArguments"]
        if isinstance(argument, str) and argument.startswith("--specification=")
    )
    assert json.loads(text)["model"]["EnableNetworkIsolation"] is True


def test_a_serverless_endpoint_in_a_vpc_is_refused(define: Callable[..., Definition]) -> None:
    from groundloop.errors import ConfigError

    with pytest.raises(ConfigError, match="takes neither a VPC nor network isolation"):
        define("deploy.endpoint.serverless={}", "aws.network={subnets: [subnet-0a], security_groups: [sg-0b]}")


def test_the_deploy_job_needs_nothing_but_what_the_image_has() -> None:
    """Its archive imports boto3 and the standard library; no pin is installed before it can start."""
    import zipfile
    from io import BytesIO

    from pipeline.job_archive import job_archive

    with zipfile.ZipFile(BytesIO(job_archive("deploy").content)) as archive:
        names = set(archive.namelist())
        pins = [line for line in archive.read("requirements.txt").decode().splitlines() if not line.startswith("#")]
    assert pins == []
    assert "groundloop/models/rollout.py" in names
    assert not {"steps/deploy/settings.py", "steps/deploy/step.py", "steps/settings.py"} & names
