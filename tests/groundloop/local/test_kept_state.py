"""An offline AWS whose state is kept continues where the earlier one ended."""

from __future__ import annotations

import fcntl
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from groundloop.local import ImageStandIn, LocalAws, LocalAwsError

IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/stand-in:1"
BUCKET = "bucket"
Json = dict[str, Any]


@pytest.fixture
def offline(tmp_path: Path, image_stand_ins: Mapping[str, ImageStandIn]) -> Callable[..., LocalAws]:
    """Make an offline AWS whose state is kept in one folder."""

    def offline(**members: Any) -> LocalAws:
        return LocalAws(tmp_path, programs=image_stand_ins, keep=True, **members)

    return offline


def processing_step(aws: LocalAws) -> Json:
    script = (
        "import os, pathlib; print('done'); pathlib.Path(os.environ['OPT_ML'], 'processing/out/a.txt').write_text('1')"
    )
    aws.client("s3").put_object(Bucket=BUCKET, Key="code/run.py", Body=script.encode())
    code = {"S3Uri": f"s3://{BUCKET}/code/run.py", "LocalPath": "/opt/ml/processing/code", "S3DataType": "S3Prefix"}
    out = {"S3Uri": f"s3://{BUCKET}/out", "LocalPath": "/opt/ml/processing/out", "S3UploadMode": "EndOfJob"}
    return {
        "Name": "Work",
        "Type": "Processing",
        "Arguments": {
            "ProcessingResources": {
                "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
            },
            "AppSpecification": {
                "ImageUri": "python",
                "ContainerEntrypoint": ["python3", "/opt/ml/processing/code/run.py"],
            },
            "RoleArn": aws.role_arn,
            "ProcessingInputs": [{"InputName": "code", "S3Input": {**code, "S3InputMode": "File"}}],
            "ProcessingOutputConfig": {"Outputs": [{"OutputName": "out", "S3Output": out}]},
        },
        "CacheConfig": {"Enabled": True, "ExpireAfter": "P1D"},
    }


def run_to_the_end(sm: Any) -> tuple[str, list[Json]]:
    arn = sm.start_pipeline_execution(PipelineName="p")["PipelineExecutionArn"]
    until = time.monotonic() + 30
    while (described := sm.describe_pipeline_execution(PipelineExecutionArn=arn))[
        "PipelineExecutionStatus"
    ] == "Executing":
        assert time.monotonic() < until
        time.sleep(0.05)
    assert described["PipelineExecutionStatus"] == "Succeeded", described
    steps: list[Json] = sm.list_pipeline_execution_steps(PipelineExecutionArn=arn)["PipelineExecutionSteps"]
    return arn, steps


def register(sm: Any) -> str:
    """Register a version of the group g; returns its ARN."""
    specification = {
        "Containers": [{"Image": IMAGE}],
        "SupportedContentTypes": ["image/jpeg"],
        "SupportedResponseMIMETypes": ["application/json"],
    }
    package = sm.create_model_package(ModelPackageGroupName="g", InferenceSpecification=specification)
    return str(package["ModelPackageArn"])


def fill(aws: LocalAws) -> str:
    """Leave something of each kind behind; returns the ARN of an execution."""
    s3, sm, events = (aws.client(service) for service in ("s3", "sagemaker", "events"))
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="a/é.jpg", Body=b"pixels", ContentType="image/jpeg", Metadata={"by": "me"})
    definition = {"Version": "2020-12-01", "Metadata": {}, "Parameters": [], "Steps": [processing_step(aws)]}
    sm.create_pipeline(
        PipelineName="p", PipelineDefinition=json.dumps(definition), ClientRequestToken="x" * 32, RoleArn=aws.role_arn
    )
    arn, _ = run_to_the_end(sm)
    events.put_rule(Name="rule", EventPattern=json.dumps({"source": ["aws.sagemaker"]}))
    events.put_targets(Rule="rule", Targets=[{"Id": "t", "Arn": f"{arn.partition('/execution')[0]}"}])
    sm.create_model_package_group(ModelPackageGroupName="g", Tags=[{"Key": "team", "Value": "vision"}])
    second = [register(sm) for _ in range(2)][-1]
    sm.delete_model_package(ModelPackageName=second)
    return arn


def test_everything_is_there_again_and_goes_on(offline: Callable[..., LocalAws]) -> None:
    with offline() as first:
        arn = fill(first)
    with offline() as second:
        sm = second.client("sagemaker")
        check_storage(second)
        check_execution(second, arn)
        group = sm.describe_model_package_group(ModelPackageGroupName="g")["ModelPackageGroupArn"]
        assert sm.list_tags(ResourceArn=group)["Tags"] == [{"Key": "team", "Value": "vision"}]
        _, (step,) = run_to_the_end(sm)
        assert step["CacheHitResult"]["SourcePipelineExecutionArn"] == arn, "the cache is there again"
        assert register(sm).endswith("/g/3"), "no version number is given twice"


def check_storage(aws: LocalAws) -> None:
    stored = aws.client("s3").get_object(Bucket=BUCKET, Key="a/é.jpg")
    assert (stored["Body"].read(), stored["ContentType"], stored["Metadata"]) == (b"pixels", "image/jpeg", {"by": "me"})
    events = aws.client("events")
    assert [rule["Name"] for rule in events.list_rules()["Rules"]] == ["rule"]
    assert len(events.list_targets_by_rule(Rule="rule")["Targets"]) == 1


def check_execution(aws: LocalAws, arn: str) -> None:
    sm, logs = aws.client("sagemaker"), aws.client("logs")
    assert sm.describe_pipeline_execution(PipelineExecutionArn=arn)["PipelineExecutionStatus"] == "Succeeded"
    (step,) = sm.list_pipeline_execution_steps(PipelineExecutionArn=arn)["PipelineExecutionSteps"]
    job = step["Metadata"]["ProcessingJob"]["Arn"].rpartition("/")[2]
    assert sm.describe_processing_job(ProcessingJobName=job)["ProcessingJobStatus"] == "Completed"
    group = "/aws/sagemaker/ProcessingJobs"
    streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{job}/")["logStreams"]
    page = logs.get_log_events(logGroupName=group, logStreamName=streams[0]["logStreamName"])
    assert [event["message"] for event in page["events"]] == ["done"]


def test_an_endpoint_in_service_answers_again(offline: Callable[..., LocalAws]) -> None:
    def answer(aws: LocalAws) -> bytes:
        sm, until = aws.client("sagemaker"), time.monotonic() + 30
        while sm.describe_endpoint(EndpointName="e")["EndpointStatus"] != "InService":
            assert time.monotonic() < until
            time.sleep(0.05)
        response = aws.client("sagemaker-runtime").invoke_endpoint(EndpointName="e", Body=b"hello")
        body: bytes = response["Body"].read()
        return body

    with offline() as first:
        sm = first.client("sagemaker")
        sm.create_model(ModelName="m", ExecutionRoleArn=first.role_arn, PrimaryContainer={"Image": IMAGE})
        variant = {"VariantName": "v", "ModelName": "m", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
        sm.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[variant])
        sm.create_endpoint(EndpointName="e", EndpointConfigName="c")
        before = answer(first)
    with offline() as second:
        assert answer(second) == before


def test_a_removed_object_leaves_no_file(offline: Callable[..., LocalAws], tmp_path: Path) -> None:
    with offline() as first:
        first.client("s3").create_bucket(Bucket=BUCKET)
        first.client("s3").put_object(Bucket=BUCKET, Key="k", Body=b"1")
    assert len(list((tmp_path / "objects").iterdir())) == 1
    with offline() as second:
        second.client("s3").delete_object(Bucket=BUCKET, Key="k")
    assert list((tmp_path / "objects").iterdir()) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param("{", "can't be read", id="broken"),
        pytest.param("[]", "can't be read", id="not an object"),
        pytest.param('{"format": 0}', "another version of groundloop wrote it", id="another version"),
        pytest.param(
            '{"format": 1, "region": "us-east-1", "account": "123456789012"}', "can't be read", id="incomplete"
        ),
        pytest.param(
            '{"format": 1, "region": "eu-west-1", "account": "123456789012"}',
            "is kept for region eu-west-1, not us-east-1",
            id="another region",
        ),
    ],
)
def test_a_state_that_does_not_fit_is_left_as_it_is(
    offline: Callable[..., LocalAws], tmp_path: Path, content: str, message: str
) -> None:
    (tmp_path / "state.json").write_text(content)
    with pytest.raises(LocalAwsError, match=message):
        offline().start()
    assert (tmp_path / "state.json").read_text() == content


def test_a_folder_in_use_is_refused(offline: Callable[..., LocalAws], tmp_path: Path) -> None:
    with (tmp_path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(LocalAwsError, match="is in use by another offline AWS"):
            offline().start()
    with offline():
        pass
