"""One offline AWS per test module, with a tiny stand-in for images whose URI holds `/stand-in:`."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from groundloop.local import ImageStandIn, LocalAws

STAND_IN = Path(__file__).with_name("stand_in.py")
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/stand-in:1"
BUCKET = "bucket"


@pytest.fixture(scope="session")
def image_stand_ins() -> dict[str, ImageStandIn]:
    command = [sys.executable, "-I", "-S", str(STAND_IN)]  # it needs the standard library only
    return {
        r"/stand-in:": ImageStandIn(
            train=[*command, "train", "{opt_ml}"],
            serve=[*command, "serve", "{opt_ml}"],
            metrics={"score": r"score=(\S+);"},
        )
    }


@pytest.fixture(scope="session")
def aws_bucket() -> str:
    return BUCKET


@pytest.fixture
def sm(aws: LocalAws) -> Any:
    return aws.client("sagemaker")


@pytest.fixture
def image() -> str:
    return IMAGE


@pytest.fixture
def unique() -> Callable[[str], str]:
    """A fresh name with the given beginning."""
    return lambda prefix: f"{prefix}-{time.monotonic_ns()}"


@pytest.fixture
def put(aws: LocalAws) -> Callable[..., str]:
    """Put text, bytes or JSON under a key; returns the URI."""

    def put(key: str, content: Any) -> str:
        if not isinstance(content, bytes):
            content = (content if isinstance(content, str) else json.dumps(content)).encode()
        aws.client("s3").put_object(Bucket=BUCKET, Key=key, Body=content)
        return f"s3://{BUCKET}/{key}"

    return put


@pytest.fixture
def get(aws: LocalAws) -> Callable[[str], bytes]:
    """The bytes at an S3 URI."""

    def get(uri: str) -> bytes:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        return bytes(aws.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())

    return get


@pytest.fixture
def keys(aws: LocalAws) -> Callable[[str], list[str]]:
    """The keys that begin with a prefix."""

    def keys(prefix: str) -> list[str]:
        listed = aws.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=prefix)
        return [item["Key"] for item in listed.get("Contents", [])]

    return keys


@pytest.fixture
def finished(sm: Any) -> Callable[[str, str], dict[str, Any]]:
    """Wait for a job's end; returns its description."""

    def finished(kind: str, name: str) -> dict[str, Any]:
        describe = getattr(sm, f"describe_{kind}_job")
        member = f"{kind.capitalize()}Job"
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            described: dict[str, Any] = describe(**{f"{member}Name": name})
            if described[f"{member}Status"] in ("Completed", "Failed", "Stopped"):
                return described
            time.sleep(0.03)
        raise AssertionError(f"{name} did not end: {described}")

    return finished


@pytest.fixture
def processing(aws: LocalAws, put: Callable[..., str]) -> Callable[..., dict[str, Any]]:
    """A CreateProcessingJob request that runs a Python script given as text."""

    def processing(name: str | None, script: str, *arguments: str, **members: Any) -> dict[str, Any]:
        code = put(f"code/{abs(hash(script))}/run.py", script)
        request: dict[str, Any] = {
            "ProcessingResources": {
                "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 10}
            },
            "AppSpecification": {
                "ImageUri": "sklearn",
                "ContainerEntrypoint": ["python3", "/opt/ml/processing/input/code/run.py"],
            },
            "RoleArn": aws.role_arn,
            "ProcessingInputs": [
                {
                    "InputName": "code",
                    "S3Input": {
                        "S3Uri": code,
                        "LocalPath": "/opt/ml/processing/input/code",
                        "S3DataType": "S3Prefix",
                        "S3InputMode": "File",
                    },
                },
                *members.pop("inputs", []),
            ],
            "ProcessingOutputConfig": {
                "Outputs": [
                    {
                        "OutputName": "out",
                        "S3Output": {
                            "S3Uri": members.pop("output", f"s3://{BUCKET}/processed/{name}"),
                            "LocalPath": "/opt/ml/processing/output",
                            "S3UploadMode": "EndOfJob",
                        },
                    }
                ]
            },
            **members,
        }
        if arguments:
            request["AppSpecification"]["ContainerArguments"] = list(arguments)
        if name:
            request["ProcessingJobName"] = name
        return request

    return processing


@pytest.fixture
def training(aws: LocalAws) -> Callable[..., dict[str, Any]]:
    """A CreateTrainingJob request for the stand-in."""

    def training(name: str | None, *channels: dict[str, Any], **members: Any) -> dict[str, Any]:
        request: dict[str, Any] = {
            "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
            "RoleArn": aws.role_arn,
            "HyperParameters": {},
            "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/models"},
            "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.p3.2xlarge", "VolumeSizeInGB": 10},
            "StoppingCondition": {"MaxRuntimeInSeconds": 60},
            **members,
        }
        if channels:
            request["InputDataConfig"] = list(channels)
        if name:
            request["TrainingJobName"] = name
        return request

    return training


@pytest.fixture
def pipe_channel() -> Callable[..., dict[str, Any]]:
    """A channel as the built-in Object Detection wants it."""

    def pipe_channel(name: str, manifest: Any, **members: Any) -> dict[str, Any]:
        source = {
            "S3DataType": "AugmentedManifestFile",
            "S3Uri": manifest,
            "S3DataDistributionType": "FullyReplicated",
            "AttributeNames": ["source-ref", "bounding-box"],
        }
        return {
            "ChannelName": name,
            "ContentType": "application/x-recordio",
            "RecordWrapperType": "RecordIO",
            "InputMode": "Pipe",
            "DataSource": {"S3DataSource": source},
            **members,
        }

    return pipe_channel


@pytest.fixture
def artifact(aws: LocalAws, put: Callable[..., str], tmp_path: Path) -> Callable[..., str]:
    """A model.tar.gz in S3 that holds the given files."""
    from groundloop.local.archive import pack

    def artifact(key: str = "models/plain/model.tar.gz", **files: str) -> str:
        folder = tmp_path / key
        folder.mkdir(parents=True)
        for name, text in (files or {"weights": "1"}).items():
            (folder / name).write_text(text)
        pack(folder, tmp_path / "model.tar.gz")
        return put(key, (tmp_path / "model.tar.gz").read_bytes())

    return artifact


@pytest.fixture
def make_model(
    aws: LocalAws, sm: Any, artifact: Callable[..., str], unique: Callable[[str], str]
) -> Callable[..., str]:
    """A model of the stand-in; returns its name."""

    def make_model(**files: str) -> str:
        name = unique("model")
        container = {"Image": IMAGE, "ModelDataUrl": artifact(f"models/{name}/model.tar.gz", **files)}
        sm.create_model(ModelName=name, ExecutionRoleArn=aws.role_arn, PrimaryContainer=container)
        return name

    return make_model


@pytest.fixture
def make_pipeline(aws: LocalAws, sm: Any, unique: Callable[[str], str]) -> Callable[..., str]:
    """Create a pipeline of the given steps; returns its name."""

    def make_pipeline(*steps: dict[str, Any], parameters: list[dict[str, Any]] | None = None, **members: Any) -> str:
        name = unique("pipeline")
        definition = {"Version": "2020-12-01", "Metadata": {}, "Parameters": parameters or [], "Steps": list(steps)}
        sm.create_pipeline(
            PipelineName=name,
            PipelineDefinition=json.dumps(definition),
            RoleArn=aws.role_arn,
            ClientRequestToken=name.rjust(32, "x"),
            **members,
        )
        return name

    return make_pipeline


@pytest.fixture
def start(sm: Any, unique: Callable[[str], str]) -> Callable[..., str]:
    """Start an execution with parameters given by name; returns its ARN."""

    def start(pipeline: str, **parameters: str) -> str:
        listed = [{"Name": name, "Value": value} for name, value in parameters.items()]
        started = sm.start_pipeline_execution(
            PipelineName=pipeline, PipelineParameters=listed, ClientRequestToken=unique("token").rjust(32, "x")
        )
        return str(started["PipelineExecutionArn"])

    return start


@pytest.fixture
def ended(sm: Any) -> Callable[..., dict[str, Any]]:
    """Wait for an execution's end; returns its description with the steps under `Steps`, by name."""

    def ended(arn: str) -> dict[str, Any]:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            described: dict[str, Any] = sm.describe_pipeline_execution(PipelineExecutionArn=arn)
            if described["PipelineExecutionStatus"] not in ("Executing", "Stopping"):
                pages = sm.get_paginator("list_pipeline_execution_steps").paginate(
                    PipelineExecutionArn=arn, SortOrder="Ascending"
                )
                steps = [step for page in pages for step in page["PipelineExecutionSteps"]]
                return {**described, "Steps": {step["StepName"]: step for step in steps}}
            time.sleep(0.03)
        raise AssertionError(f"{arn} did not end: {described}")

    return ended
