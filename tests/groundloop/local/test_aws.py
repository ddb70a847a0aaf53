"""The life of an offline AWS: started, reached, stopped, with nothing left behind."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from groundloop.local import ImageStandIn, LocalAws, LocalAwsError

SLEEPER = "import os, pathlib, sys, time; pathlib.Path(sys.argv[1]).write_text(str(os.getpid())); time.sleep(60)"


def test_importing_the_package_loads_neither_moto_nor_boto3() -> None:
    program = "import sys, groundloop.local; sys.exit(bool({'moto', 'boto3', 'botocore', 'flask'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_the_package_has_no_other_names() -> None:

    from groundloop import local

    with pytest.raises(AttributeError, match="has no attribute 'Nope'"):
        local.Nope  # noqa: B018


def test_there_is_one_offline_aws_at_a_time(tmp_path: Path) -> None:
    second = LocalAws(tmp_path)
    with LocalAws(tmp_path) as aws:
        with pytest.raises(LocalAwsError, match="one at a time"):
            second.start()
        # To stop what was never started harms nobody.
        second.stop()
        assert aws.client("s3").list_buckets()["Buckets"] == []


def test_state_is_fresh_and_the_region_and_account_are_ours(tmp_path: Path) -> None:
    before = os.environ.get("MOTO_ACCOUNT_ID")
    with LocalAws(tmp_path, region="eu-west-1", account="210987654321") as aws:
        variables = aws.environment()
        assert aws.client("s3").list_buckets()["Buckets"] == []
        assert aws.role_arn == "arn:aws:iam::210987654321:role/groundloop-local"
        assert aws.client("iam").get_role(RoleName="groundloop-local")["Role"]["Arn"] == aws.role_arn
        assert aws.client("sts").get_caller_identity()["Account"] == "210987654321"
        group = aws.client("sagemaker").create_model_package_group(ModelPackageGroupName="g")
        assert group["ModelPackageGroupArn"] == "arn:aws:sagemaker:eu-west-1:210987654321:model-package-group/g"
    assert set(variables) >= {"AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION", "AWS_REGION"}
    assert variables["AWS_ENDPOINT_URL"].startswith("http://127.0.0.1:")
    assert os.environ.get("MOTO_ACCOUNT_ID") == before


def test_the_environment_points_boto3_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with LocalAws(tmp_path) as aws:
        for name, value in aws.environment().items():
            monkeypatch.setenv(name, value)
        sm = boto3.client("sagemaker")
        assert sm.list_pipelines()["PipelineSummaries"] == []
        sm.close()


def test_a_port_in_use_is_one_clear_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(LocalAwsError, match=rf"can't listen on 127\.0\.0\.1:{port}: Address already in use"):
            LocalAws(tmp_path, port=port).start()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"account": "12"}, "an account has 12 digits", id="account"),
        pytest.param({"region": "here"}, "'here' is not a region", id="region"),
    ],
)
def test_wrong_settings_are_reported(tmp_path: Path, options: dict[str, str], message: str) -> None:
    with pytest.raises(LocalAwsError, match=message):
        LocalAws(tmp_path, **options)  # type: ignore[arg-type]


def test_a_home_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LocalAwsError, match="can't be made"):
        LocalAws(tmp_path / "file" / "home").start()


def test_before_start_there_is_no_address(tmp_path: Path) -> None:
    with pytest.raises(LocalAwsError, match="has not been started"):
        LocalAws(tmp_path).environment()


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{process}/stat")
    return not status.exists() or status.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def noted(path: Path) -> int:
    deadline = time.monotonic() + 15
    while not (path.exists() and path.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return int(path.read_text())


def start_sleeper(aws: LocalAws, pid: Path) -> None:
    """A processing job that would run for a minute."""
    resources = {"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}}
    aws.client("sagemaker").create_processing_job(
        ProcessingJobName="sleeper",
        ProcessingResources=resources,
        AppSpecification={"ImageUri": "any", "ContainerEntrypoint": ["python3", "-c", SLEEPER, str(pid)]},
        RoleArn=aws.role_arn,
    )


def test_stopping_ends_jobs_and_threads_also_after_an_error(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    aws = LocalAws(tmp_path / "home")

    def run_and_break() -> None:
        with aws:
            start_sleeper(aws, tmp_path / "pid")
            assert alive(noted(tmp_path / "pid"))
            raise RuntimeError("the user's own mistake")

    with pytest.raises(RuntimeError, match="the user's own mistake"):
        run_and_break()
    assert not alive(noted(tmp_path / "pid"))
    left = {thread.name for thread in set(threading.enumerate()) - before}
    assert not {name for name in left if name.startswith(("job-", "execution-", "step-", "endpoint-", "offline-aws"))}
    aws.stop()


def test_nothing_new_begins_while_it_stops(tmp_path: Path) -> None:
    with LocalAws(tmp_path) as aws:
        aws._context.stopping.set()
        with pytest.raises(ClientError, match="The offline AWS is stopping") as caught:
            start_sleeper(aws, tmp_path / "pid")
        assert caught.value.response["Error"]["Code"] == "ServiceUnavailable"
        assert aws.client("sagemaker").list_processing_jobs()["ProcessingJobSummaries"] == []


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_process_outlives_its_offline_aws(tmp_path: Path, number: signal.Signals) -> None:
    program = (
        "import pathlib, sys, time\n"
        "from groundloop.local import LocalAws\n"
        f"SLEEPER = {SLEEPER!r}\n"
        "with LocalAws(pathlib.Path('home')) as aws:\n"
        "    aws.client('sagemaker').create_processing_job(\n"
        "        ProcessingJobName='sleeper', RoleArn=aws.role_arn,\n"
        "        ProcessingResources={'ClusterConfig': "
        "{'InstanceCount': 1, 'InstanceType': 'ml.m5.large', 'VolumeSizeInGB': 1}},\n"
        "        AppSpecification={'ImageUri': 'any', "
        "'ContainerEntrypoint': ['python3', '-c', SLEEPER, sys.argv[1]]},\n"
        "    )\n"
        "    time.sleep(60)\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "pid")]
    running = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL)
    process = noted(tmp_path / "pid")
    running.send_signal(number)
    running.wait(20)
    deadline = time.monotonic() + 10
    while alive(process):
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def request_as(tmp_path: Path) -> Any:
    with LocalAws(tmp_path) as aws:

        def request_as(**headers: str) -> int:
            connection = http.client.HTTPConnection(aws.endpoint_url.removeprefix("http://"), timeout=5)
            sent = {"X-Amz-Target": "SageMaker.ListPipelines", "Content-Type": "application/x-amz-json-1.1", **headers}
            connection.request("POST", "/", b"{}", sent)
            status = connection.getresponse().status
            connection.close()
            return status

        yield request_as


def test_web_pages_are_not_answered(request_as: Callable[..., int]) -> None:
    assert request_as() == 200
    assert request_as(Host="localhost:1234") == 200
    assert request_as(Origin="https://evil.example") == 403
    assert request_as(Host="evil.example:5000") == 403


@pytest.mark.skipif(shutil.which("aws") is None, reason="the AWS CLI is not installed")
def test_the_aws_cli_drives_it(tmp_path: Path) -> None:
    def cli(*arguments: str) -> subprocess.CompletedProcess[str]:
        command, variables = ["aws", *arguments], {**os.environ, **aws.environment()}
        return subprocess.run(command, env=variables, capture_output=True, text=True, check=False)

    with LocalAws(tmp_path) as aws:
        assert '"PipelineSummaries": []' in cli("sagemaker", "list-pipelines").stdout
        done = cli("sagemaker", "describe-pipeline", "--pipeline-name", "nobody")
    assert done.returncode != 0
    assert "(ResourceNotFound)" in done.stderr


def test_a_program_that_is_given_stands_before_the_built_in_ones(tmp_path: Path) -> None:
    from groundloop.local.image_stand_ins import BUILT_IN, program_for

    mine = ImageStandIn(train=["mine", "{opt_ml}"])
    aws = LocalAws(tmp_path, programs={"/object-detection:": mine})
    assert program_for("1/object-detection:1", aws._context.programs) is mine
    assert mine.train_command(tmp_path) == ["mine", str(tmp_path)]
    (pattern,) = BUILT_IN
    assert pattern == "/object-detection:"
