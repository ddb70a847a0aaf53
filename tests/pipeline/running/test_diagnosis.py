"""What is looked at for each kind of failure, on the job that failed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest

from groundloop.executions.control import Transition, steps, transition
from groundloop.executions.diagnosis import Diagnosis, diagnose, warning_of_training

BOX = {"class_id": 0, "left": 1, "top": 1, "width": 5, "height": 5}
LABEL = {"annotations": [BOX], "image_size": [{"width": 32, "height": 32}]}


@pytest.fixture(scope="module")
def kept() -> dict[str, Any]:
    return {}


@pytest.fixture
def failed(
    kept: dict[str, Any],
    groundloop: Callable[..., Any],
    make_pipeline: Callable[..., str],
    training: Callable[..., Any],
    put: Callable[[str, bytes], str],
    image: str,
) -> tuple[str, Transition]:
    """An execution whose training failed, on a manifest with a line of each kind; once for all tests."""
    if not kept:
        lines = [
            {"source-ref": image, "bounding-box": LABEL},
            {"source-ref": image.replace("grey", "gone"), "bounding-box": LABEL},
            {"source-ref": image},
        ]
        manifest = put("mixed/train.manifest", "\n".join(map(json.dumps, lines)).encode())
        step = training(manifest, num_training_samples="5", mini_batch_size="4")
        step["Arguments"]["InputDataConfig"][1]["RecordWrapperType"] = "None"
        arn = groundloop("start", "--name", make_pipeline(step), "--watch", "--json").json_lines[0]["execution"]
        (record,) = steps("us-east-1", arn)
        assert record["StepStatus"] == "Failed"
        kept["failed"] = (arn, transition(record))
    found: tuple[str, Transition] = kept["failed"]
    return found


def diagnosed(failed: tuple[str, Transition], reason: str) -> Diagnosis:
    arn, step = failed
    changed = Transition(step.step, step.status, step.seconds, False, 1, step.kind, step.job, reason)
    return diagnose("us-east-1", arn, changed)


@pytest.mark.parametrize(
    ("reason", "code", "lines"),
    [
        pytest.param(
            "Got empty batch from pipe",
            "empty-batch",
            [
                "train.manifest line 3: not labelled: the line has no label attribute 'bounding-box' (s3://groundloop-local/images/grey.jpg)",
                "channel validation: RecordWrapperType is None, it has to be RecordIO",
            ],
            id="no usable batch: channels and lines",
        ),
        pytest.param(
            "SageMaker pipe channel timed out",
            "channel-timeout",
            [
                "train.manifest line 2: the image is not in S3",
                "train.manifest: all 2 images checked in S3, 1 can't be",
            ],
            id="a stream that stands: images",
        ),
        pytest.param(
            "Expected number of batches: 5, did not match the number of batches processed: 2",
            "batch-count",
            ["train.manifest: 2 usable lines of 3, num_training_samples is 5, mini_batch_size is 4"],
            id="another number of images: counts",
        ),
    ],
)
def test_where_to_look(failed: tuple[str, Transition], reason: str, code: str, lines: list[str]) -> None:
    found = diagnosed(failed, reason)
    assert code in [known.code for known in found.known]
    for line in lines:
        assert any(text.startswith(line) for text in found.evidence), found.evidence


def test_an_unknown_failure_has_its_log_only(failed: tuple[str, Transition]) -> None:
    arn, _ = failed
    found = diagnose("us-east-1", arn, Transition("Other", "Failed", 1, False, 1, reason="something else"))
    assert (found.log, found.known, found.evidence) == ([], [], [])


def test_a_job_that_is_gone_is_said_so(failed: tuple[str, Transition]) -> None:
    arn, step = failed
    lost = Transition("Train", "Failed", 1, False, 1, step.kind, "no-such-job", "Got empty batch from pipe")
    (note,) = diagnose("us-east-1", arn, lost).evidence
    assert note.startswith("(the manifest cannot be read: AWS refused DescribeTrainingJob")


@pytest.mark.usefixtures("aws")
def test_training_that_skipped_images_is_warned_of() -> None:
    """It succeeds, on less than was asked for."""
    logs, group = boto3.client("logs"), "/aws/sagemaker/TrainingJobs"
    if not logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
        logs.create_log_group(logGroupName=group)
    message = "Expected number of batches: 1932, did not match the number of batches processed: 616."
    for job, text in (("skipped", message), ("fine", "all is well")):
        logs.create_log_stream(logGroupName=group, logStreamName=f"{job}/algo-1")
        event = {"timestamp": 1_795_000_000_000, "message": text}
        logs.put_log_events(logGroupName=group, logStreamName=f"{job}/algo-1", logEvents=[event])

    def trained(job: str, cached: bool = False) -> Transition:
        return Transition("Train", "Succeeded", 1, cached, 1, "TrainingJob", job)

    warning = warning_of_training("us-east-1", trained("skipped"))
    assert warning is not None
    assert warning.startswith(message)
    assert "num_training_samples" in warning
    assert warning_of_training("us-east-1", trained("fine")) is None
    assert warning_of_training("us-east-1", trained("skipped", cached=True)) is None, "it was reported then"
