"""Training jobs run at the API: channels, configuration, artifact, metrics, reasons."""

from __future__ import annotations

import io
import json
import tarfile
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from groundloop.local import LocalAws

Request = Callable[..., dict[str, Any]]
Finished = Callable[[str, str], dict[str, Any]]


@pytest.fixture
def model(get: Callable[[str], bytes]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """What the stand-in wrote into the artifact of a finished job."""

    def model(described: dict[str, Any]) -> dict[str, Any]:
        packed = get(described["ModelArtifacts"]["S3ModelArtifacts"])
        with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
            assert tar.getnames() == ["seen.json"]
            file = tar.extractfile("seen.json")
            assert file is not None
            seen: dict[str, Any] = json.loads(file.read())
            return seen

    return model


@pytest.fixture
def manifest(put: Callable[..., str]) -> str:
    for name in ("a", "b", "c"):
        put(f"images/{name}.jpg", f"image {name}")
    lines = [{"source-ref": f"s3://bucket/images/{name}.jpg", "bounding-box": {"n": name}} for name in ("a", "b", "c")]
    return put("train.manifest", "\n".join(json.dumps(line) for line in lines))


def test_an_augmented_manifest_is_piped_every_epoch(
    sm: Any, training: Request, pipe_channel: Request, finished: Finished, manifest: str, model: Any
) -> None:
    channels = [pipe_channel("train", manifest, ShuffleConfig={"Seed": 3}), pipe_channel("validation", manifest)]
    sm.create_training_job(**training("piped", *channels, HyperParameters={"epochs": "2", "num_classes": "3"}))
    done = finished("training", "piped")
    assert done["TrainingJobStatus"] == done["SecondaryStatus"] == "Completed"
    assert done["ModelArtifacts"]["S3ModelArtifacts"] == "s3://bucket/models/piped/output/model.tar.gz"
    plain = ["image a", '{"n": "a"}', "image b", '{"n": "b"}', "image c", '{"n": "c"}']
    seen = model(done)
    assert seen["parameters"] == {"epochs": "2", "num_classes": "3"}
    assert seen["seen"]["validation"] == [plain, plain]
    for epoch in seen["seen"]["train"]:
        assert sorted(epoch) == sorted(plain)
        assert all(label == f'{{"n": "{image[-1]}"}}' for image, label in zip(epoch[::2], epoch[1::2], strict=True))


def test_files_are_brought_into_the_channels_folder(
    sm: Any, training: Request, finished: Finished, put: Callable[..., str], model: Any
) -> None:
    put("files/a", "1")
    put("files/sub/b", "2")
    source = {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/files/"}
    sm.create_training_job(**training("filed", {"ChannelName": "train", "DataSource": {"S3DataSource": source}}))
    assert model(finished("training", "filed"))["seen"] == {"train": [["a=1", "sub/b=2"]]}


def test_the_description_is_shaped_like_aws(sm: Any, aws: LocalAws, training: Request, finished: Finished) -> None:
    request = training("described", HyperParameters={"a": "1"})
    request["AlgorithmSpecification"]["MetricDefinitions"] = [{"Name": "first", "Regex": r"score=(0\.2\d)"}]
    arn = sm.create_training_job(**request)["TrainingJobArn"]
    assert arn.endswith(":training-job/described")
    done = finished("training", "described")
    statuses = [item["Status"] for item in done["SecondaryStatusTransitions"]]
    assert statuses == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    assert {item["MetricName"]: item["Value"] for item in done["FinalMetricDataList"]} == {"score": 0.75, "first": 0.25}
    assert done["TrainingTimeInSeconds"] >= 0
    assert done["CreationTime"] <= done["TrainingStartTime"] <= done["TrainingEndTime"]
    for member in ("HyperParameters", "AlgorithmSpecification", "ResourceConfig", "OutputDataConfig", "RoleArn"):
        assert done[member] == request[member]
    log = (aws.home / "jobs" / "described" / "log.txt").read_text()
    assert "a stand-in for 123456789012.dkr.ecr.us-east-1.amazonaws.com/stand-in:1" in log


def test_a_program_that_fails_tells_why(sm: Any, training: Request, finished: Finished) -> None:
    sm.create_training_job(**training("fails", HyperParameters={"fail": "num_classes is missing"}))
    done = finished("training", "fails")
    assert done["TrainingJobStatus"] == done["SecondaryStatus"] == "Failed"
    assert done["FailureReason"].startswith("AlgorithmError: num_classes is missing, exit code: 1 (log: ")
    assert "S3ModelArtifacts" not in done["ModelArtifacts"]


def test_an_image_that_nobody_stands_in_for_is_named(sm: Any, training: Request, finished: Finished) -> None:
    request = training("no-image")
    request["AlgorithmSpecification"]["TrainingImage"] = "1.dkr.ecr.us-east-1.amazonaws.com/xgboost:1"
    sm.create_training_job(**request)
    assert finished("training", "no-image")["FailureReason"] == (
        "ClientError: nothing on this machine stands in for the image 1.dkr.ecr.us-east-1.amazonaws.com/xgboost:1"
    )


def test_a_faulty_line_fails_the_job_and_is_named(
    sm: Any, training: Request, pipe_channel: Request, finished: Finished, manifest: str, put: Callable[..., str]
) -> None:
    gone = {"source-ref": "s3://bucket/images/gone.jpg", "bounding-box": {}}
    uri = put("gone.manifest", json.dumps(gone))
    sm.create_training_job(**training("gone", pipe_channel("train", uri), pipe_channel("validation", manifest)))
    assert finished("training", "gone")["FailureReason"] == (
        'ClientError: line 1 of s3://bucket/gone.manifest, attribute "source-ref": '
        "the S3 object s3://bucket/images/gone.jpg does not exist"
    )
    uri = put("unlabelled.manifest", json.dumps({"source-ref": "s3://bucket/images/a.jpg"}))
    sm.create_training_job(**training("unlabelled", pipe_channel("train", uri)))
    assert finished("training", "unlabelled")["FailureReason"].startswith(
        "ClientError: line 1 of s3://bucket/unlabelled.manifest lacks the attribute 'bounding-box'"
    )


def test_a_job_can_be_stopped_while_it_waits_for_its_pipe(
    sm: Any, training: Request, pipe_channel: Request, finished: Finished, manifest: str, aws: LocalAws
) -> None:
    sm.create_training_job(**training("long", pipe_channel("train", manifest), HyperParameters={"sleep": "60"}))
    log = aws.home / "jobs" / "long" / "log.txt"
    deadline = time.monotonic() + 10
    while not (log.exists() and "sleeping" in log.read_text()) and time.monotonic() < deadline:
        time.sleep(0.02)
    sm.stop_training_job(TrainingJobName="long")
    done = finished("training", "long")
    assert done["TrainingJobStatus"] == done["SecondaryStatus"] == "Stopped"
    assert not any(path.is_fifo() for path in (aws.home / "jobs" / "long").rglob("*"))


def test_out_of_time_has_its_own_secondary_status(sm: Any, training: Request, finished: Finished) -> None:
    request = training("late", HyperParameters={"sleep": "60"}, StoppingCondition={"MaxRuntimeInSeconds": 1})
    sm.create_training_job(**request)
    done = finished("training", "late")
    assert (done["TrainingJobStatus"], done["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")


def _file_mode(request: dict[str, Any]) -> None:
    request["InputDataConfig"][0]["InputMode"] = "File"


def _no_attributes(request: dict[str, Any]) -> None:
    del request["InputDataConfig"][0]["DataSource"]["S3DataSource"]["AttributeNames"]


def _same_channel(request: dict[str, Any]) -> None:
    request["InputDataConfig"] *= 2


def _spot(request: dict[str, Any]) -> None:
    request["EnableManagedSpotTraining"] = True


def _wait_without_spot(request: dict[str, Any]) -> None:
    request["StoppingCondition"]["MaxWaitTimeInSeconds"] = 100


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(_file_mode, "is supported with input mode Pipe only", id="augmented manifest as files"),
        pytest.param(_no_attributes, "needs AttributeNames", id="augmented manifest without attributes"),
        pytest.param(_same_channel, "Channel names must be unique", id="a channel twice"),
        pytest.param(_spot, "MaxWaitTimeInSeconds above or equal", id="spot without a wait"),
        pytest.param(_wait_without_spot, "may only be given with", id="a wait without spot"),
    ],
)
def test_requests_that_the_service_refuses(
    sm: Any, training: Request, pipe_channel: Request, manifest: str, change: Any, message: str
) -> None:
    request = training("refused", pipe_channel("train", manifest))
    change(request)
    with pytest.raises(ClientError, match=message) as caught:
        sm.create_training_job(**request)
    assert caught.value.response["Error"]["Code"] == "ValidationException"
