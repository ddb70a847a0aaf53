"""What follows the first execution: upsert, a champion to be compared with, a gate that is missed, other pipelines."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import boto3
import numpy as np
import pytest

from pipeline.doctor import container_images
from pipeline.doctor.role_policy import statements
from tests.e2e.conftest import BUCKET, ROOT, SETTINGS, FirstExecution, Project
from tests.e2e.plain_boto3 import package_of, read, steps_of
from tests.fixtures.cli import Groundloop
from tests.fixtures.recorded_calls import CallRecorder, covered, covered_by_chance, recording
from tests.pipeline.doctor.test_role_coverage import READS_REGISTRY

LOCAL = ("-c", "configs/local.yaml")


@pytest.fixture(scope="module", autouse=True)
def job_calls(executed: Project, first_execution: FirstExecution) -> Iterator[CallRecorder]:
    """The calls of all jobs of the first execution and of this module's."""
    with recording(executed.config.aws.role.split(":")[4], executed.region) as recorder:
        recorder.calls.update(first_execution.calls)
        yield recorder


@pytest.fixture(scope="module")
def execution(executed: Project, first_execution: FirstExecution) -> str:
    """ARN of the execution that plain boto3 made."""
    return first_execution.arn


def sets(least_gain: float) -> list[str]:
    """Options of a configuration whose gate asks for an improvement over the champion."""
    gain = f"gate.min_improvement_over_champion={{map_50: {least_gain}}}"
    return [*LOCAL, *(f"--set={setting}" for setting in (*SETTINGS, gain))]


def evaluation_of_newest() -> dict[str, Any]:
    """What the Evaluate job of the newest execution wrote, also where nothing was registered."""
    sagemaker = boto3.client("sagemaker")
    newest = sagemaker.list_pipeline_executions(PipelineName="groundloop")["PipelineExecutionSummaries"][0]
    job = steps_of(newest["PipelineExecutionArn"])["Evaluate"]["Metadata"]["ProcessingJob"]["Arn"]
    described = sagemaker.describe_processing_job(ProcessingJobName=job.rpartition("/")[2])
    (output,) = described["ProcessingOutputConfig"]["Outputs"]
    evaluation: dict[str, Any] = json.loads(read(f"{output['S3Output']['S3Uri']}/evaluation.json"))
    return evaluation


def test_upsert_takes_over_the_pipeline(execution: str, groundloop: Groundloop) -> None:
    assert execution
    ran = groundloop("upsert", "-v", *sets(least_gain=0))
    assert ran.code == 0, ran.err
    assert "updated groundloop\n" in ran.out
    assert "created groundloop-deploy\n" in ran.out
    assert "arn:aws:sagemaker:us-east-1:123456789012:pipeline/groundloop" in ran.out
    assert re.search(r"MinMap50 +Float +0\.2\b", ran.out)
    again = groundloop("upsert", *sets(least_gain=0))
    assert "created" not in again.out, "the second time nothing is new"


def test_a_second_execution_is_compared_with_the_champion(execution: str, groundloop: Groundloop) -> None:
    """The same model again, trained by nobody: its training comes from the cache, the comparison does not."""
    champion = package_of(execution)["ModelPackageArn"]
    assert groundloop("upsert", *sets(least_gain=0)).code == 0
    ran = groundloop("start", *LOCAL, "--watch")
    assert ran.code == 0, ran.err
    assert "from cache" in next(line for line in ran.out.splitlines() if "Train " in line and "Succeeded" in line)
    evaluation = evaluation_of_newest()
    compared = evaluation["champion"]
    assert compared["package"] == champion
    assert compared["images_shared"] == evaluation["images"]["test"]
    assert compared["metrics"]["map_50"] == pytest.approx(compared["candidate"]["map_50"])
    assert "compared with version" in compared["message"]


def test_a_gate_that_is_missed_fails_with_the_figures(execution: str, groundloop: Groundloop) -> None:
    """Not good enough, and not better than the champion by what was asked; again nothing is trained."""
    champion = package_of(execution)["ModelPackageArn"]
    assert groundloop("upsert", *sets(least_gain=0.5)).code == 0
    ran = groundloop("start", *LOCAL, "-p", "MinMap50=0.9999", "--watch")
    assert ran.code == 1
    lines = {line.split()[1]: line for line in ran.out.splitlines() if line[2:3] == ":" and "Executing" not in line}
    assert "from cache" not in lines["Prepare"], "labels may have changed behind their URI"
    assert "from cache" in lines["Train"]
    assert "from cache" not in lines["Evaluate"], "the threshold is an argument of it"
    assert "Failed" in lines["GateMissed"]
    assert "Register" not in lines
    assert "error: GateMissed failed: The quality gate was missed: " in ran.err
    assert "map_50 is 0." in ran.err
    assert "under its threshold 0.9999" in ran.err
    assert "under the required improvement of 0.5" in ran.err
    compared = evaluation_of_newest()["champion"]
    assert compared["package"].rpartition("/")[0] == champion.rpartition("/")[0]
    assert compared["metrics"]["map_50"] == pytest.approx(compared["candidate"]["map_50"])


def test_the_deploy_pipeline_moves_the_endpoint_to_a_package(
    execution: str, executed: Project, groundloop: Groundloop
) -> None:
    sagemaker = boto3.client("sagemaker")
    before = sagemaker.describe_endpoint(EndpointName="groundloop")["EndpointConfigName"]
    package = package_of(execution)["ModelPackageArn"]
    arguments = ["--name", "groundloop-deploy", "-p", f"ModelPackageArn={package}", "--watch"]
    ran = groundloop("start", *LOCAL, *arguments)
    assert ran.code == 0, ran.err
    assert sagemaker.describe_endpoint(EndpointName="groundloop")["EndpointConfigName"] != before


def test_the_predict_pipeline_finds_what_the_endpoint_finds(
    execution: str, executed: Project, groundloop: Groundloop
) -> None:
    """Its jobs run as they do on AWS, each from its own archive; two images share a name, and a third is damaged."""
    from groundloop.detections.predictions import Detections
    from pipeline.compiled import compiled_definition
    from pipeline.config import load_config
    from pipeline.job_archive import job_archive

    s3, image = boto3.client("s3"), (executed.images / "image-0001.jpg").read_bytes()
    for name, content in (("a.jpg", image), ("b/a.jpg", image), ("cut.jpg", image[:-500])):
        s3.put_object(Bucket=BUCKET, Key=f"new/{name}", Body=content)
    given = [*SETTINGS, f"predict.input=s3://{BUCKET}/new"]
    config = load_config([ROOT / "configs" / "local.yaml"], given, environment={})
    for archive in (job_archive("select"), job_archive("collect")):
        s3.put_object(Bucket=config.aws.bucket, Key=archive.key(config.aws.prefix), Body=archive.content)
    boto3.client("sagemaker").create_pipeline(
        PipelineName="groundloop-predict",
        PipelineDefinition=compiled_definition(config, "predict"),
        RoleArn=config.aws.role,
    )
    package = package_of(execution)
    arguments = ["--name", "groundloop-predict", "-p", f"ModelPackageArn={package['ModelPackageArn']}", "--watch"]
    ran = groundloop("start", *LOCAL, *arguments)
    assert ran.code == 0, ran.err
    folder = f"s3://{config.aws.bucket}/{config.aws.prefix}/predictions/{ran.out.split()[1].rpartition('/')[2]}"
    summary = json.loads(read(f"{folder}/summary.json"))
    assert (summary["images"], [item["image"] for item in summary["skipped"]]) == (2, [f"s3://{BUCKET}/new/cut.jpg"])
    lines = [json.loads(line) for line in read(f"{folder}/predictions.jsonl").splitlines()]
    assert [line["image"] for line in lines] == [f"s3://{BUCKET}/new/{name}" for name in ("a.jpg", "b/a.jpg")]
    response = (
        boto3.client("sagemaker-runtime")
        .invoke_endpoint(EndpointName="groundloop", ContentType="image/jpeg", Body=image)["Body"]
        .read()
    )
    size = lines[0]["width"], lines[0]["height"]
    found = Detections.from_sagemaker(response, summary["objects"], image_size=size).filter(lines[0]["thresholds"])
    assert len(found)
    for line in lines:
        assert [one["class"] for one in line["detections"]] == found.names
        assert np.allclose([one["box"] for one in line["detections"]], found.xyxy, atol=1e-4)


def test_the_printed_role_allows_what_the_jobs_called(executed: Project, job_calls: CallRecorder) -> None:
    """The first and the later executions: with and without a champion, deployed by steps and by the Deploy job."""
    policy = [statement.json() for statement in statements(executed.config, container_images(executed.config))]
    calls = job_calls.calls
    actions = {call.action for call in calls}
    assert {"s3:GetObject", "sagemaker:UpdateEndpoint"} <= actions, "of Prepare and Deploy"
    registry = {action for action in actions if "ModelPackage" in action}
    assert registry == {f"sagemaker:{name}" for name in READS_REGISTRY}, "so they are checked in every configuration"
    assert [call for call in calls if not covered(call, policy)] == []
    assert [call for call in calls if covered_by_chance(call, policy)] == [], "a removed action would go unnoticed"
