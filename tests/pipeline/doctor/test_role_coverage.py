"""The printed role policy allows what the service calls for each step, in every configuration of the checks' tests.

The calls that jobs make themselves are recorded: of Prepare, Evaluate and Deploy in
`tests/e2e/test_labels_to_endpoint.py`, of every way to deploy in `tests/pipeline/lifecycle/test_role_coverage.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pipeline.config import Config, load_config
from pipeline.doctor import container_images
from pipeline.doctor.data_plane_statements import key_resource
from pipeline.doctor.role_policy import statements
from tests.fixtures.definitions import LOCAL, Definition
from tests.fixtures.recorded_calls import Call, covered, covered_by_chance
from tests.groundloop.check.test_our_own import VARIANTS

# What the service calls with the role for a step, and the resource's type: "Pipelines step types" and "How to use
# SageMaker AI execution roles" in the SageMaker developer guide.
CALLS = {
    "Processing": [(f"{verb}ProcessingJob", "processing-job") for verb in ("Create", "Describe", "Stop")],
    "Training": [(f"{verb}TrainingJob", "training-job") for verb in ("Create", "Describe", "Stop")],
    "Tuning": [
        (operation, "hyper-parameter-tuning-job")
        for operation in (
            *(f"{verb}HyperParameterTuningJob" for verb in ("Create", "Describe", "Stop")),
            "ListTrainingJobsForHyperParameterTuningJob",
        )
    ],
    "Transform": [(f"{verb}TransformJob", "transform-job") for verb in ("Create", "Describe", "Stop")],
    "Model": [("CreateModel", "model"), ("DescribeModel", "model")],
    "RegisterModel": [("CreateModelPackage", "model-package"), ("DescribeModelPackage", "model-package")],
    "EndpointConfig": [("CreateEndpointConfig", "endpoint-config"), ("DescribeEndpointConfig", "endpoint-config")],
    "Endpoint": [("CreateEndpoint", "endpoint"), ("UpdateEndpoint", "endpoint"), ("DescribeEndpoint", "endpoint")],
}
HOSTING_STEPS = {"EndpointConfig", "Endpoint", "Deploy"}
READS_REGISTRY = ("ListModelPackages", "DescribeModelPackage")
NETWORK_INTERFACE = ("CreateNetworkInterface", "DescribeVpcs", "DeleteNetworkInterfacePermission")


def all_steps(steps: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for step in steps:
        yield step
        if step["Type"] == "Condition":
            yield from all_steps([*step["Arguments"]["IfSteps"], *step["Arguments"]["ElseSteps"]])


def texts(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Each text of a request, with the member that holds it."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from texts(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item, key)
    elif isinstance(value, str):
        yield key, value


def calls_of(config: Config, step: dict[str, Any]) -> Iterator[Call]:
    """The calls that the service and the containers make for a step."""
    _, partition, _, _, account, _ = config.aws.role.split(":", 5)

    def arn(service: str, resource: str) -> str:
        return f"arn:{partition}:{service}:{config.aws.region}:{account}:{resource}"

    names = {
        "endpoint": config.deploy.endpoint.name,
        "endpoint-config": "groundloop-0a1b2c",
        "model-package": f"{config.registry.group}/7",
    }
    for operation, kind in CALLS.get(step["Type"], []):
        resource = arn("sagemaker", f"{kind}/{names.get(kind, 'pipelines-0a1b2c-step-x')}")
        yield Call(f"sagemaker:{operation}", resource)
        if operation.startswith("Create"):
            yield Call("sagemaker:AddTags", resource)
    if step["Type"] in ("Processing", "Training", "Tuning", "Transform", "Model"):
        yield Call("iam:PassRole", config.aws.role)
    if step["Name"] in ("Evaluate", "Deploy") and not (step["Name"] == "Evaluate" and config.aws.network.isolation):
        package = arn("sagemaker", f"model-package/{config.registry.group}/7")
        yield from (Call(f"sagemaker:{operation}", package) for operation in READS_REGISTRY)
    if step["Name"] == "Evaluate" and not config.aws.network.isolation:
        group = arn("logs", "log-group:/aws/sagemaker/TrainingJobs")
        yield from (Call(f"logs:{operation}", group) for operation in ("DescribeLogStreams", "FilterLogEvents"))
    for key, text in texts(step.get("Arguments", {})):
        if key == "Subnets":
            yield from (Call(f"ec2:{name}", arn("ec2", "network-interface/eni-1")) for name in NETWORK_INTERFACE)
        elif key in ("KmsKeyId", "VolumeKmsKeyId"):
            yield Call("kms:GenerateDataKey", key_resource(text, partition, config.aws.region, account)[0])
        elif text.startswith("s3://"):
            bucket, _, name = text.removeprefix("s3://").partition("/")
            yield Call("s3:GetObject", f"arn:{partition}:s3:::{bucket}/{name}/x")
            yield Call("s3:ListBucket", f"arn:{partition}:s3:::{bucket}")
        elif key in ("ImageUri", "TrainingImage", "Image") and ".dkr.ecr." in text:
            registry, _, rest = text.partition(".dkr.ecr.")
            repository = rest.split("/", 1)[1].split(":")[0]
            image = f"arn:{partition}:ecr:{config.aws.region}:{registry}:repository/{repository}"
            yield Call("ecr:BatchGetImage", image)


def policy_of(config: Config) -> list[dict[str, Any]]:
    return [statement.json() for statement in statements(config, container_images(config))]


@pytest.mark.parametrize("assignments", VARIANTS)
def test_every_step_of_every_configuration_is_allowed(
    define: Callable[..., Definition], assignments: list[str]
) -> None:
    config = load_config([LOCAL], assignments, environment={})
    policy = policy_of(config)
    for deploy in (False, True):
        steps = list(all_steps(define(*assignments, deploy=deploy)["Steps"]))
        if config.deploy.mode == "never":
            # DeployGate leads nowhere then; the role is for what is configured.
            steps = [step for step in steps if step["Name"] not in HOSTING_STEPS]
        calls = {call: step["Name"] for step in steps for call in calls_of(config, step)}
        assert {call: name for call, name in calls.items() if not covered(call, policy)} == {}
        assert [call for call in calls if covered_by_chance(call, policy)] == [], "a removed action goes unnoticed"
