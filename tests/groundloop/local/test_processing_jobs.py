"""Processing jobs run at the API: inputs, arguments, outputs, statuses, reasons."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from groundloop.local import LocalAws, subprocess_guard
from groundloop.local.jobs.processing import rewrite

COPY = """
import pathlib, sys
source, target = map(pathlib.Path, sys.argv[1:])
for file in sorted(source.rglob("*")):
    if file.is_file():
        (target / file.name).write_text(file.read_text().upper())
print("copied")
"""
FAIL = """
import pathlib, sys
if len(sys.argv) > 1:
    pathlib.Path(sys.argv[1]).write_text("the manifest has no usable line: give another\\n")
print("about to fail")
sys.exit(4)
"""
SLEEP = "import time\nprint('sleeping', flush=True)\ntime.sleep(60)"
STUBBORN = """
import signal, tempfile, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("sleeping in", tempfile.mkdtemp(), flush=True)
time.sleep(60)
"""
ENVIRONMENT = """
import json, os, pathlib, sys
(pathlib.Path(sys.argv[1]) / "env.json").write_text(json.dumps(dict(os.environ)))
"""

Request = Callable[..., dict[str, Any]]
Finished = Callable[[str, str], dict[str, Any]]


@pytest.mark.parametrize(
    ("argument", "rewritten"),
    [
        pytest.param("/opt/ml/processing/x", "/job/processing/x", id="a path"),
        pytest.param("/opt/ml", "/job", id="the folder itself"),
        pytest.param("--in=/opt/ml/a:/opt/ml/b", "--in=/job/a:/job/b", id="paths inside an argument"),
        pytest.param("s3://bucket/opt/ml/x", "s3://bucket/opt/ml/x", id="an S3 key that looks like it"),
        pytest.param("/opt/mlx", "/opt/mlx", id="another folder"),
        pytest.param("/home/opt/ml", "/home/opt/ml", id="a longer path"),
    ],
)
def test_opt_ml_is_rewritten_where_it_is_a_path(argument: str, rewritten: str) -> None:
    assert rewrite(argument, Path("/job")) == rewritten


def test_inputs_come_down_and_outputs_go_up(
    sm: Any, processing: Request, finished: Finished, put: Callable[..., str], get: Callable[[str], bytes]
) -> None:
    put("texts/a.txt", "a")
    put("texts/sub/b.txt", "b")
    texts = {
        "InputName": "texts",
        "S3Input": {
            "S3Uri": "s3://bucket/texts",
            "LocalPath": "/opt/ml/processing/texts",
            "S3DataType": "S3Prefix",
            "S3InputMode": "File",
        },
    }
    request = processing(
        "copy", COPY, "/opt/ml/processing/texts", "/opt/ml/processing/output", inputs=[texts], Environment={"A": "b"}
    )
    arn = sm.create_processing_job(**request)["ProcessingJobArn"]
    assert arn == "arn:aws:sagemaker:us-east-1:123456789012:processing-job/copy"
    assert sm.describe_processing_job(ProcessingJobName="copy")["ProcessingJobStatus"] == "InProgress"
    done = finished("processing", "copy")
    assert done["ProcessingJobStatus"] == "Completed"
    assert get("s3://bucket/processed/copy/a.txt") == b"A"
    assert get("s3://bucket/processed/copy/b.txt") == b"B"
    assert done["CreationTime"] <= done["ProcessingStartTime"] <= done["ProcessingEndTime"]
    for member in ("ProcessingResources", "Environment", "AppSpecification", "ProcessingInputs", "RoleArn"):
        assert done[member] == request[member]
    assert "FailureReason" not in done


def test_a_failure_has_aws_form_its_message_and_its_log(
    sm: Any, processing: Request, finished: Finished, keys: Callable[[str], list[str]], aws: LocalAws
) -> None:
    sm.create_processing_job(**processing("fails", FAIL, "/opt/ml/output/message"))
    done = finished("processing", "fails")
    log = aws.home / "jobs" / "fails" / "log.txt"
    assert done["ProcessingJobStatus"] == "Failed"
    assert done["ExitMessage"] == "the manifest has no usable line: give another"
    assert done["FailureReason"].startswith(
        "AlgorithmError: the manifest has no usable line: give another, exit code: 4 (log: "
    )
    assert done["FailureReason"].endswith("fails/log.txt)")
    assert log.read_text() == "about to fail\n"
    assert keys("processed/fails") == []


def test_without_a_message_the_reason_is_the_last_line_of_the_log(
    sm: Any, processing: Request, finished: Finished
) -> None:
    sm.create_processing_job(**processing("fails-mute", FAIL))
    assert finished("processing", "fails-mute")["FailureReason"].startswith(
        "AlgorithmError: about to fail, exit code: 4"
    )


def test_the_log_is_in_cloudwatch(sm: Any, aws: LocalAws, processing: Request, finished: Finished) -> None:
    sm.create_processing_job(**processing("logged", "print('one'); print('two')"))
    finished("processing", "logged")
    logs, group = aws.client("logs"), "/aws/sagemaker/ProcessingJobs"
    (stream,) = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix="logged/")["logStreams"]
    assert stream["logStreamName"].startswith("logged/algo-1-")
    events = logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True)[
        "events"
    ]
    assert [event["message"] for event in events] == ["one", "two"]


def test_a_job_can_be_stopped(sm: Any, processing: Request, finished: Finished, aws: LocalAws) -> None:
    sm.create_processing_job(**processing("long", SLEEP))
    log = aws.home / "jobs" / "long" / "log.txt"
    deadline = time.monotonic() + 10
    while not (log.exists() and "sleeping" in log.read_text()) and time.monotonic() < deadline:
        time.sleep(0.02)
    sm.stop_processing_job(ProcessingJobName="long")
    assert sm.describe_processing_job(ProcessingJobName="long")["ProcessingJobStatus"] in ("Stopping", "Stopped")
    assert finished("processing", "long")["ProcessingJobStatus"] == "Stopped"
    with pytest.raises(ClientError, match="is in status Stopped"):
        sm.stop_processing_job(ProcessingJobName="long")


def test_a_job_that_is_killed_leaves_no_temporary_files(
    sm: Any, processing: Request, finished: Finished, aws: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subprocess_guard, "GRACE_SECONDS", 0.1)
    sm.create_processing_job(**processing("stubborn", STUBBORN, StoppingCondition={"MaxRuntimeInSeconds": 1}))
    assert finished("processing", "stubborn")["ProcessingJobStatus"] == "Stopped"
    said = (aws.home / "jobs" / "stubborn" / "log.txt").read_text()
    made = Path(said.partition("sleeping in ")[2].splitlines()[0])
    assert made.is_relative_to(aws.home / "jobs" / "stubborn")
    assert not made.parent.exists()


def test_a_job_that_takes_too_long_is_stopped(sm: Any, processing: Request, finished: Finished, aws: LocalAws) -> None:
    sm.create_processing_job(**processing("late", SLEEP, StoppingCondition={"MaxRuntimeInSeconds": 1}))
    assert finished("processing", "late")["ProcessingJobStatus"] == "Stopped"
    assert "MaxRuntimeInSeconds (1) is over" in (aws.home / "jobs" / "late" / "log.txt").read_text()


def test_the_environment_is_the_requests_and_the_offline_aws(
    sm: Any,
    aws: LocalAws,
    processing: Request,
    finished: Finished,
    get: Callable[[str], bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import json

    monkeypatch.setenv("AWS_PROFILE", "my-real-account")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "secret")
    asked = {"MY": "/opt/ml/input/x", "AWS_ENDPOINT_URL": "https://sagemaker.us-east-1.amazonaws.com"}
    sm.create_processing_job(**processing("env", ENVIRONMENT, "/opt/ml/processing/output", Environment=asked))
    finished("processing", "env")
    seen = json.loads(get("s3://bucket/processed/env/env.json"))
    folder = str(aws.home / "jobs" / "env")
    assert seen["MY"] == f"{folder}/input/x"
    assert seen["AWS_ENDPOINT_URL"] == aws.endpoint_url
    assert seen["OPT_ML"] == folder
    assert seen["GROUNDLOOP_REQUIREMENTS"] == "preinstalled"
    assert seen["OMP_NUM_THREADS"] == seen["OPENBLAS_NUM_THREADS"] == "1"
    assert "AWS_PROFILE" not in seen
    assert "AWS_SESSION_TOKEN" not in seen


def _without_entrypoint(request: dict[str, Any]) -> None:
    del request["AppSpecification"]["ContainerEntrypoint"]


def _outside(request: dict[str, Any]) -> None:
    request["ProcessingInputs"][0]["S3Input"]["LocalPath"] = "/opt/ml/../../etc"


def _missing(request: dict[str, Any]) -> None:
    request["ProcessingInputs"][0]["S3Input"]["S3Uri"] = "s3://bucket/no/such/prefix"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(
            _without_entrypoint, "nothing on this machine stands in for the image sklearn", id="image's own program"
        ),
        pytest.param(_outside, "the LocalPath '/opt/ml/../../etc' is not below /opt/ml", id="a path outside"),
        pytest.param(_missing, "No S3 objects found under S3 URL 's3://bucket/no/such/prefix'", id="no input"),
    ],
)
def test_what_cannot_run_is_a_client_error(
    sm: Any, processing: Request, finished: Finished, change: Any, message: str, unique: Callable[[str], str]
) -> None:
    request = processing(unique("bad"), COPY)
    change(request)
    sm.create_processing_job(**request)
    reason = finished("processing", request["ProcessingJobName"])["FailureReason"]
    assert reason.startswith("ClientError: ")
    assert message in reason


def test_a_key_that_climbs_out_of_the_folder_is_refused(
    sm: Any, processing: Request, finished: Finished, put: Callable[..., str], aws: LocalAws
) -> None:
    put("climb/../../../evil.txt", "x")
    climbing = {
        "InputName": "climb",
        "S3Input": {"S3Uri": "s3://bucket/climb/", "LocalPath": "/opt/ml/processing/climb", "S3DataType": "S3Prefix"},
    }
    sm.create_processing_job(**processing("climbs", COPY, inputs=[climbing]))
    assert "outside the job's folder" in finished("processing", "climbs")["FailureReason"]
    assert list(aws.home.rglob("evil.txt")) == []


def test_names_are_unique_and_unknown_ones_are_told(sm: Any, processing: Request, finished: Finished) -> None:
    sm.create_processing_job(**processing("once", "pass"))
    with pytest.raises(ClientError) as caught:
        sm.create_processing_job(**processing("once", "pass"))
    assert caught.value.response["Error"]["Code"] == "ResourceInUse"
    finished("processing", "once")
    with pytest.raises(ClientError, match="Could not find requested job with name: nobody"):
        sm.describe_processing_job(ProcessingJobName="nobody")
    listed = sm.list_processing_jobs(NameContains="once", StatusEquals="Completed")["ProcessingJobSummaries"]
    assert [job["ProcessingJobName"] for job in listed] == ["once"]


def test_a_request_outside_the_services_model_is_refused(sm: Any, processing: Request) -> None:
    request = processing("bad-type", "pass")
    request["ProcessingResources"]["ClusterConfig"]["InstanceType"] = "ml.p9.huge"
    with pytest.raises(ClientError) as caught:
        sm.create_processing_job(**request)
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    expected = "Value 'ml.p9.huge' at 'processingResources.clusterConfig.instanceType' failed to satisfy constraint: "
    assert expected + "Member must satisfy enum value set: [" in str(caught.value)
