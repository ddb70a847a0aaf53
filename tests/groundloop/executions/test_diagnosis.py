"""A failed step is diagnosed from its reason, and its job's log where there is one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from groundloop.executions import control, diagnosis, logs
from groundloop.executions.control import Transition, transition
from groundloop.executions.diagnosis import diagnose, validation_map, warning_of_training
from tests.groundloop.spec.service_samples.samples import response

REGION = "eu-west-1"
CREATED = datetime(2026, 1, 1, tzinfo=timezone.utc)
ARN = "arn:aws:sagemaker:eu-west-1:111122223333:pipeline/WearForecast/execution/m3n8b5v2c9xz"


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Stubber]:
    """Return the stub of a service's client; a call that is not expected fails."""
    stubs: dict[str, Stubber] = {}

    def stub(service: str) -> Stubber:
        if service not in stubs:
            stubs[service] = Stubber(boto3.Session(region_name=REGION).client(service))
            stubs[service].activate()
        return stubs[service]

    for module in (control, diagnosis, logs):
        monkeypatch.setattr(module, "client", lambda service, region: stub(service).client)
    return stub


def steps_of(sample: str) -> dict[str, Transition]:
    return {step["StepName"]: transition(step) for step in response(sample)["PipelineExecutionSteps"]}


def test_a_step_whose_job_was_never_created_is_diagnosed_by_its_reason(clients: Callable[[str], Stubber]) -> None:
    clients("sagemaker").add_response("list_pipeline_execution_steps", response("steps_quota"))
    found = diagnose(REGION, ARN, steps_of("steps_quota")["Preprocess"])
    assert (found.job, found.log_group, found.log, found.evidence) == ("", "", [], [])
    assert [known.code for known in found.known] == ["quota"]


def test_the_log_says_what_the_reason_does_not(clients: Callable[[str], Stubber]) -> None:
    """FailureReason of a transform job is "See job logs"; its log names the image."""
    job = "pipelines-m3n8b5v2c9xz-WearTransform-p1O2i3U4y5"
    step = {
        "StepName": "WearTransform",
        "StepStatus": "Failed",
        "FailureReason": "ClientError: See job logs for more information",
        "Metadata": {"TransformJob": {"Arn": f"arn:aws:sagemaker:eu-west-1:111122223333:transform-job/{job}"}},
    }
    stream = f"{job}/i-0123456789abcdef0/data-log"
    line = "[sagemaker logs]: mill/images/7.jpg: Bad HTTP status received from algorithm: 400"
    clients("logs").add_response("describe_log_streams", {"logStreams": [{"logStreamName": stream}]})
    page: dict[str, Any] = {"nextForwardToken": "f", "nextBackwardToken": "b"}
    events = [{"timestamp": 1_770_110_435_123, "message": line, "ingestionTime": 1_770_110_435_999}]
    clients("logs").add_response("get_log_events", {**page, "events": events})
    clients("logs").add_response("get_log_events", {**page, "events": []})
    clients("sagemaker").add_response("list_pipeline_execution_steps", {"PipelineExecutionSteps": [step]})
    found = diagnose(REGION, ARN, transition(step))
    assert [event.text for event in found.log] == [line]
    assert [known.code for known in found.known] == ["rejected-image"]


def test_what_cannot_be_read_is_a_note(clients: Callable[[str], Stubber]) -> None:
    clients("sagemaker").add_client_error("list_pipeline_execution_steps", "AccessDeniedException", "no")
    found = diagnose(REGION, ARN, steps_of("steps_quota")["Preprocess"])
    [note] = found.evidence
    assert "AccessDeniedException" in note
    assert [known.code for known in found.known] == ["quota"]


def test_a_training_that_a_selective_execution_reuses_is_not_examined_again(clients: Callable[[str], Stubber]) -> None:
    assert warning_of_training(REGION, steps_of("steps_selective")["WearTrain"]) is None


def _trained(**changes: Any) -> Transition:
    values: dict[str, Any] = {"step": "Train", "status": "Succeeded", "seconds": 60.0, "cached": False, "attempt": 1}
    return Transition(**{**values, "kind": "TrainingJob", "job": "job-1", **changes})


@pytest.mark.parametrize(
    ("metrics", "expected"),
    [
        pytest.param({"validation:mAP": 0.812}, 0.812, id="the last mAP"),
        pytest.param({"train:loss": 1.2}, None, id="no mAP among them"),
        pytest.param(None, None, id="no metrics"),
    ],
)
def test_the_validation_map_is_the_one_that_the_training_job_ended_with(
    clients: Callable[[str], Stubber], metrics: dict[str, float] | None, expected: float | None
) -> None:
    described: dict[str, Any] = {
        "TrainingJobName": "job-1",
        "TrainingJobArn": "arn:aws:sagemaker:eu-west-1:111122223333:training-job/job-1",
        "ModelArtifacts": {"S3ModelArtifacts": "s3://bucket/model.tar.gz"},
        "TrainingJobStatus": "Completed",
        "SecondaryStatus": "Completed",
        "AlgorithmSpecification": {"TrainingInputMode": "Pipe"},
        "ResourceConfig": {"VolumeSizeInGB": 50},
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
        "CreationTime": CREATED,
    }
    if metrics is not None:
        described["FinalMetricDataList"] = [
            {"MetricName": name, "Value": value, "Timestamp": CREATED} for name, value in metrics.items()
        ]
    clients("sagemaker").add_response("describe_training_job", described, {"TrainingJobName": "job-1"})
    assert validation_map(REGION, _trained()) == expected


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"cached": True}, id="from the cache"),
        pytest.param({"kind": "ProcessingJob"}, id="of another kind"),
    ],
)
def test_a_step_without_a_job_of_its_own_has_no_validation_map(
    clients: Callable[[str], Stubber], changes: dict[str, Any]
) -> None:
    clients("sagemaker")  # which expects no call
    assert validation_map(REGION, _trained(**changes)) is None


def test_without_the_permission_to_describe_the_job_there_is_no_validation_map(
    clients: Callable[[str], Stubber],
) -> None:
    clients("sagemaker").add_client_error("describe_training_job", "AccessDeniedException")
    assert validation_map(REGION, _trained()) is None
