"""The loop: an endpoint sees darker light, the alarm's queue is reviewed, and the labels train the next version.

On few drawn images; the drawing stands in for the people who review.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from groundloop.executions.control import running
from groundloop.models.packages import Package
from pipeline.config import load_config
from pipeline.demo.drift_loop import DARKER, DriftLoop, scenes
from pipeline.doctor.role_policy import statements
from tests.e2e.conftest import BUCKET, LOCAL, Project
from tests.fixtures.cli import Groundloop
from tests.fixtures.recorded_calls import CallRecorder, covered, recording

NAME = "drift-loop"
SENT, QUEUED = 16, 8
SETTINGS = (
    f"labels.manifest=s3://{BUCKET}/labels/output.manifest",
    f"pipeline={{name: {NAME}, deploy_name: {NAME}-deploy}}",
    f"registry={{group: {NAME}, approval_status: PendingManualApproval}}",
    f"deploy={{mode: on_approval, endpoint: {{name: {NAME}, data_capture_percent: 100}}}}",
    "prepare.split={validation: 0.25, test: 0.25}",
    "evaluate.intervals.resamples=0",
    f"monitor={{fail: any, max_images: {SENT}, min_images: {SENT}, review: {{images: {QUEUED}}}}}",
    f"triggers.retrain_when={{reviewed: {QUEUED}}}",
)
FIRST = ("training.hyperparameters.epochs=2",)
SECOND = ("training.hyperparameters.epochs=1", "training.start_from=champion")


@pytest.fixture(scope="module", autouse=True)
def job_calls(project: Project) -> Iterator[CallRecorder]:
    """The calls of all jobs of this module's executions."""
    with recording(project.config.aws.role.split(":")[4], project.region) as recorder:
        yield recorder


@pytest.fixture(scope="module")
def loop(project: Project, tmp_path_factory: pytest.TempPathFactory) -> DriftLoop:
    """The loop with pipelines and triggers, on a few of the labelled images."""
    config = load_config([LOCAL], [*SETTINGS, *FIRST], environment={})
    made = DriftLoop(config, tmp_path_factory.mktemp("reviews"), lambda _: None)
    made.upsert()
    return made


@pytest.fixture(scope="module")
def first(loop: DriftLoop) -> Package:
    version = loop.train()
    sagemaker = boto3.client("sagemaker")
    (registered,) = sagemaker.list_model_packages(ModelPackageGroupName=NAME)["ModelPackageSummaryList"]
    assert registered["ModelApprovalStatus"] == "PendingManualApproval"
    assert sagemaker.list_endpoints()["Endpoints"] == [], "nothing is deployed without an approval"
    assert loop.approve(version, "the first").version == 1
    return version


def test_from_darker_light_to_the_version_that_knows_it(
    loop: DriftLoop,
    first: Package,
    job_calls: CallRecorder,
    groundloop: Groundloop,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    region = loop.config.aws.region
    shown = groundloop("models", "show", "1", "-c", str(LOCAL), *(f"--set={text}" for text in SETTINGS))
    assert first.baseline_uri
    assert first.baseline_uri in shown.out

    # The usual light: no alarm. Darker light: an alarm, and the execution fails with the reason.
    loop.send(list(scenes(SENT, 101)))
    quiet = loop.monitor()
    assert (quiet["alarms"], quiet["reason"]) == (0, "")
    loop.send(list(scenes(SENT, 102, DARKER)))
    alarm = loop.monitor()
    assert alarm["alarms"] >= 1
    assert "DriftFound failed" in alarm["reason"]
    assert "the images differ from the baseline" in alarm["reason"]
    queue = alarm["variants"][0]["queue"]
    assert queue["images"] == QUEUED
    listed = boto3.client("cloudwatch", region_name=region).list_metrics(Namespace="groundloop")["Metrics"]
    assert {"Name": "Endpoint", "Value": NAME} in [item for metric in listed for item in metric["Dimensions"]]
    assert running(region, NAME) == [], "drift alone never starts training"

    # The queue opens on the review page.
    monkeypatch.chdir(tmp_path)
    made = groundloop("review", "new", "drift", "--queue", queue["uri"], "-c", str(LOCAL))
    assert made.code == 0, made.err
    assert f"made queue drift: {QUEUED} images, classes bolt, nut, washer" in made.out

    # Its labels start training from the champion, once.
    loop.upsert(load_config([LOCAL], [*SETTINGS, *SECOND], environment={}))
    started = loop.review(queue["uri"])
    assert f"{QUEUED} of {QUEUED} reviewed labels are new: started arn:" in started
    second = loop.retrained()
    assert second.version == 2
    assert second.summary["training"]["started_from"] == first.arn
    # The data set's images lie in another bucket, so that none of the queue's can be a test image.
    assert second.summary["reviewed"] == {"used": QUEUED, "train_only": QUEUED}
    assert loop.approve(second, "trained on the darker light").version == 2
    assert "nothing was decided" in loop.monitor()["message"], "nothing was sent to version 2 yet"
    executions = boto3.client("sagemaker").list_pipeline_executions(PipelineName=NAME)["PipelineExecutionSummaries"]
    assert len(executions) == 2, "the monitor counts the labels too, and they are not new any more"

    # The role that doctor prints may do all of that.
    policy = [statement.json() for statement in statements(loop.config, [])]
    assert {"cloudwatch:PutMetricData", "sagemaker:ListPipelineExecutions"} <= {c.action for c in job_calls.calls}
    assert [call for call in job_calls.calls if not covered(call, policy)] == []
