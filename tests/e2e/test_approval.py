"""From a registered version to the endpoint by approval, and back by rejection: once set up, with plain boto3 only."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest

from groundloop.local import LocalAws
from groundloop.local.archive import pack
from groundloop.local.detector import artifact
from groundloop.local.detector.hyperparameters import parse
from groundloop.local.detector.network import Network
from pipeline.config import Config, load_config
from tests.e2e.conftest import LOCAL

NAME, BUCKET = "approved", "groundloop-local"
IMAGE = "811284229777.dkr.ecr.us-east-1.amazonaws.com/object-detection:1"


def ended(pipeline: str, count: int) -> list[str]:
    """The statuses of a pipeline's executions, newest first, once there are so many and none of them runs."""
    sagemaker, until = boto3.client("sagemaker"), time.monotonic() + 120
    while True:
        found = sagemaker.list_pipeline_executions(PipelineName=pipeline)["PipelineExecutionSummaries"]
        statuses = [execution["PipelineExecutionStatus"] for execution in found]
        if len(statuses) >= count and not {"Executing", "Stopping"} & set(statuses):
            return statuses
        assert time.monotonic() < until, statuses
        time.sleep(0.2)


def served() -> str:
    """ARN of the package whose model the endpoint serves, as AWS tells it."""
    sagemaker = boto3.client("sagemaker")
    config = sagemaker.describe_endpoint(EndpointName=NAME)["EndpointConfigName"]
    (variant,) = sagemaker.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"]
    (container,) = sagemaker.describe_model(ModelName=variant["ModelName"])["Containers"]
    return str(container["ModelPackageName"])


def decide(arn: str, status: str) -> None:
    """What a click in Studio does."""
    boto3.client("sagemaker").update_model_package(ModelPackageArn=arn, ModelApprovalStatus=status)


@pytest.fixture(scope="module")
def config(aws: LocalAws) -> Config:
    """Two pipelines and their rules; what follows is seen and done with plain boto3."""
    from pipeline.triggers import apply_triggers
    from pipeline.upsert import upsert_pipelines

    names = (
        f"pipeline={{name: {NAME}, deploy_name: {NAME}-deploy}}",
        f"registry={{group: {NAME}, approval_status: PendingManualApproval}}",
        f"deploy={{mode: on_approval, endpoint: {{name: {NAME}}}}}",
    )
    config = load_config([LOCAL], names, environment={})
    upsert_pipelines(config)
    apply_triggers(config)
    return config


def register(model: str) -> str:
    """Register a version as it comes from training, pending; return its ARN."""
    created = boto3.client("sagemaker").create_model_package(
        ModelPackageGroupName=NAME,
        ModelApprovalStatus="PendingManualApproval",
        InferenceSpecification={
            "Containers": [{"Image": IMAGE, "ModelDataUrl": model}],
            "SupportedContentTypes": ["image/jpeg"],
        },
    )
    return str(created["ModelPackageArn"])


def put_model(name: str, files: Path) -> str:
    """Upload the archive of a model; return its S3 URI."""
    archive = files.with_suffix(".tar.gz")
    pack(files, archive)
    boto3.client("s3").put_object(Bucket=BUCKET, Key=f"{name}/model.tar.gz", Body=archive.read_bytes())
    return f"s3://{BUCKET}/{name}/model.tar.gz"


@pytest.fixture(scope="module")
def versions(config: Config, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Two versions, pending, that answer differently; how well does not matter here, so nobody has trained them."""
    values = {"num_classes": "3", "num_training_samples": "16", "image_shape": "300"}
    found = []
    for seed in (1, 2):
        detector = artifact.Detector(parse(values), Network(3, seed=seed))
        detector.network.head.weights.value *= 10
        files = tmp_path_factory.mktemp("model") / "files"
        artifact.save(files, detector)
        found.append(register(put_model(f"seed-{seed}", files)))
    assert boto3.client("sagemaker").list_endpoints()["Endpoints"] == [], "nothing is deployed without an approval"
    return found


@pytest.fixture
def answer(scene: bytes) -> Callable[[], Any]:
    """Asks the endpoint what is on an image; the answer as it comes."""

    def ask() -> Any:
        runtime = boto3.client("sagemaker-runtime")
        body = runtime.invoke_endpoint(EndpointName=NAME, Body=scene, ContentType="image/jpeg")["Body"].read()
        return json.loads(body)["prediction"]

    return ask


def test_from_approval_to_endpoint_and_back(versions: list[str], answer: Callable[[], Any]) -> None:
    first, second = versions
    decide(first, "Approved")
    assert ended(f"{NAME}-deploy", 1) == ["Succeeded"]
    assert served() == first
    before = answer()
    decide(second, "Approved")
    assert ended(f"{NAME}-deploy", 2)[0] == "Succeeded"
    assert served() == second
    assert answer() != before, "the new version answers"
    decide(second, "Rejected")
    assert ended(f"{NAME}-deploy", 3)[0] == "Succeeded"
    assert served() == first
    assert answer() == before, "the previous version answers"


def test_a_deployment_that_fails_leaves_the_old_version_answering(
    versions: list[str], answer: Callable[[], Any], tmp_path: Path
) -> None:
    sagemaker, before, first = boto3.client("sagemaker"), served(), answer()
    configs = sagemaker.list_endpoint_configs(NameContains=NAME)["EndpointConfigs"]
    broken = register(put_model("broken", _nothing(tmp_path)))
    executions = len(ended(f"{NAME}-deploy", 0))
    decide(broken, "Approved")
    assert ended(f"{NAME}-deploy", executions + 1)[0] == "Failed"
    endpoint = sagemaker.describe_endpoint(EndpointName=NAME)
    assert endpoint["EndpointStatus"] == "InService"
    assert endpoint["FailureReason"]
    assert (served(), answer()) == (before, first)
    assert sagemaker.list_endpoint_configs(NameContains=NAME)["EndpointConfigs"] == configs, "it cleaned up"
    decide(broken, "Rejected")
    assert ended(f"{NAME}-deploy", executions + 2)[0] == "Succeeded", "rejecting what isn't served changes nothing"
    assert served() == before


def test_two_events_for_one_approval_deploy_once(versions: list[str]) -> None:
    sagemaker, executions = boto3.client("sagemaker"), len(ended(f"{NAME}-deploy", 0))
    before = sagemaker.describe_endpoint(EndpointName=NAME)
    for _ in range(2):
        decide(versions[1], "Approved")
    assert ended(f"{NAME}-deploy", executions + 2)[:2] == ["Succeeded", "Succeeded"]
    assert served() == versions[1]
    outcomes = sorted(_outcome(execution) for execution in _executions()[:2])
    assert outcomes == ["endpoint approved serves version 2", "endpoint approved serves version 2 already"]
    assert sagemaker.describe_endpoint(EndpointName=NAME)["EndpointConfigName"] != before["EndpointConfigName"]


def _executions() -> list[str]:
    found = boto3.client("sagemaker").list_pipeline_executions(PipelineName=f"{NAME}-deploy")
    return [execution["PipelineExecutionArn"] for execution in found["PipelineExecutionSummaries"]]


def _outcome(execution: str) -> str:
    """What the Deploy job of an execution says it did (deployment.json)."""
    sagemaker = boto3.client("sagemaker")
    (step,) = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=execution)["PipelineExecutionSteps"]
    job = step["Metadata"]["ProcessingJob"]["Arn"].rsplit("/", 1)[-1]
    (output,) = sagemaker.describe_processing_job(ProcessingJobName=job)["ProcessingOutputConfig"]["Outputs"]
    bucket, _, prefix = output["S3Output"]["S3Uri"].removeprefix("s3://").partition("/")
    body = boto3.client("s3").get_object(Bucket=bucket, Key=f"{prefix}/deployment.json")["Body"].read()
    return str(json.loads(body)["outcome"])


def _nothing(folder: Path) -> Path:
    """A folder with nothing in it that can be served."""
    (folder / "files").mkdir()
    (folder / "files" / "nothing").touch()
    return folder / "files"
