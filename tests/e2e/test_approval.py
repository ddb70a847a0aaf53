"""From a trained version to the endpoint by approval, and back by rejection: triggers once, then plain boto3 only."""

from __future__ import annotations

import io
import json
import tarfile
import time
from pathlib import Path
from typing import Any

import boto3
import pytest

from pipeline.config import Config, load_config

NAME = "approved"
FEW = 30
ROOT = Path(__file__).resolve().parents[2]


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
def config(project: Any, settings: list[str]) -> Config:
    """Two pipelines and their rules; what follows is seen and done with plain boto3."""
    from pipeline.triggers import apply_triggers
    from pipeline.upsert import upsert_pipelines

    # How well the versions detect does not matter here, so they see few images.
    lines = (project.data / "output.manifest").read_text().splitlines(keepends=True)[:FEW]
    boto3.client("s3").put_object(Bucket="groundloop-e2e", Key="labels/few.manifest", Body="".join(lines).encode())
    names = (
        "labels.manifest=s3://groundloop-e2e/labels/few.manifest",
        f"pipeline={{name: {NAME}, deploy_name: {NAME}-deploy}}",
        f"registry={{group: {NAME}, approval_status: PendingManualApproval}}",
        f"deploy={{mode: on_approval, endpoint: {{name: {NAME}}}}}",
    )
    config = load_config([ROOT / "configs" / "local.yaml"], [*settings, *names], environment={})
    upsert_pipelines(config)
    apply_triggers(config)
    return config


@pytest.fixture(scope="module")
def versions(config: Config) -> list[str]:
    """Two trained versions, pending, that answer differently; how well does not matter here."""
    sagemaker = boto3.client("sagemaker")
    anything = {"MinMap": "0", "MinMap50": "0", "MinVocMap": "0"}
    for number, parameters in enumerate(({"Epochs": "2", **anything}, {"Epochs": "1", **anything}), 1):
        given = [{"Name": name, "Value": value} for name, value in parameters.items()]
        sagemaker.start_pipeline_execution(PipelineName=NAME, PipelineParameters=given)
        assert ended(NAME, number)[0] == "Succeeded"
    packages = sagemaker.list_model_packages(ModelPackageGroupName=NAME, SortOrder="Ascending")
    found = packages["ModelPackageSummaryList"]
    assert [package["ModelApprovalStatus"] for package in found] == ["PendingManualApproval"] * 2
    assert sagemaker.list_endpoints(NameContains=NAME)["Endpoints"] == [], "nothing is deployed without an approval"
    return [package["ModelPackageArn"] for package in found]


@pytest.fixture
def answer(project: Any) -> Any:
    """Asks the endpoint what is on a test image; the answer as it comes."""
    image = (project.data / "images" / "image-0001.jpg").read_bytes()

    def ask() -> Any:
        runtime = boto3.client("sagemaker-runtime")
        body = runtime.invoke_endpoint(EndpointName=NAME, Body=image, ContentType="image/jpeg")["Body"].read()
        return json.loads(body)["prediction"]

    return ask


def test_from_approval_to_endpoint_and_back(versions: list[str], answer: Any) -> None:
    good, weak = versions
    decide(good, "Approved")
    assert ended(f"{NAME}-deploy", 1) == ["Succeeded"]
    assert served() == good
    first = answer()
    decide(weak, "Approved")
    assert ended(f"{NAME}-deploy", 2)[0] == "Succeeded"
    assert served() == weak
    assert answer() != first, "the new version answers"
    decide(weak, "Rejected")
    assert ended(f"{NAME}-deploy", 3)[0] == "Succeeded"
    assert served() == good
    assert answer() == first, "the previous version answers"


def test_a_deployment_that_fails_leaves_the_old_version_answering(versions: list[str], answer: Any) -> None:
    sagemaker, before, first = boto3.client("sagemaker"), served(), answer()
    configs = sagemaker.list_endpoint_configs(NameContains=NAME)["EndpointConfigs"]
    specification = sagemaker.describe_model_package(ModelPackageName=versions[0])["InferenceSpecification"]
    specification["Containers"][0]["ModelDataUrl"] = _broken_model()
    broken = sagemaker.create_model_package(ModelPackageGroupName=NAME, InferenceSpecification=specification)
    executions = len(ended(f"{NAME}-deploy", 0))
    decide(broken["ModelPackageArn"], "Approved")
    assert ended(f"{NAME}-deploy", executions + 1)[0] == "Failed"
    endpoint = sagemaker.describe_endpoint(EndpointName=NAME)
    assert endpoint["EndpointStatus"] == "InService"
    assert endpoint["FailureReason"]
    assert (served(), answer()) == (before, first)
    assert sagemaker.list_endpoint_configs(NameContains=NAME)["EndpointConfigs"] == configs, "it cleaned up"
    decide(broken["ModelPackageArn"], "Rejected")
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


def _broken_model() -> str:
    """S3 URI of an archive with nothing in it that can be served."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo("nothing"), io.BytesIO())
    boto3.client("s3").put_object(Bucket="groundloop-e2e", Key="broken/model.tar.gz", Body=buffer.getvalue())
    return "s3://groundloop-e2e/broken/model.tar.gz"
