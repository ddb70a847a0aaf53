"""One offline AWS, small pipelines on it, and the commands that watch over them."""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from PIL import Image

from groundloop.local import LocalAws
from tests.fixtures.cli import Groundloop

ROOT = Path(__file__).resolve().parents[3]
BUCKET = "groundloop-local"
DETECTOR = "811284229777.dkr.ecr.us-east-1.amazonaws.com/object-detection:1"
_numbers = itertools.count(1)

Json = dict[str, Any]


@pytest.fixture
def groundloop(aws: LocalAws, groundloop: Groundloop, monkeypatch: pytest.MonkeyPatch) -> Groundloop:
    """Run a command with the offline AWS's configuration."""
    monkeypatch.chdir(ROOT)
    return lambda *arguments, stdin="": groundloop(*arguments, "-c", "configs/local.yaml", stdin=stdin)


@pytest.fixture
def put(aws: LocalAws) -> Callable[[str, bytes], str]:
    def put(key: str, content: bytes) -> str:
        boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=content)
        return f"s3://{BUCKET}/{key}"

    return put


@pytest.fixture
def image(put: Callable[[str, bytes], str]) -> str:
    """The URI of a small picture."""
    buffer = io.BytesIO()
    Image.new("RGB", (32, 32), "grey").save(buffer, "JPEG")
    return put("images/grey.jpg", buffer.getvalue())


@pytest.fixture
def script(aws: LocalAws, put: Callable[[str, bytes], str]) -> Callable[..., Json]:
    """A Processing step that runs a Python script given as text."""

    def script(name: str, text: str, **members: Any) -> Json:
        code = put(f"code/{name}-{next(_numbers)}/run.py", text.encode())
        return {
            "Name": name,
            "Type": "Processing",
            "Arguments": {
                "ProcessingResources": {
                    "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 10}
                },
                "AppSpecification": {
                    "ImageUri": "python",
                    # -I -S: the scripts need the standard library only, and Python starts twice as fast.
                    "ContainerEntrypoint": ["python3", "-I", "-S", "/opt/ml/processing/input/code/run.py"],
                    **({"ContainerArguments": members["arguments"]} if "arguments" in members else {}),
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
                    }
                ],
                "ProcessingOutputConfig": {
                    "Outputs": [
                        {
                            "OutputName": "report",
                            "S3Output": {
                                "S3Uri": f"s3://{BUCKET}/reports/{name}-{next(_numbers)}",
                                "LocalPath": "/opt/ml/processing/output/report",
                                "S3UploadMode": "EndOfJob",
                            },
                        }
                    ]
                },
            },
            **({"DependsOn": members["after"]} if "after" in members else {}),
        }

    return script


@pytest.fixture
def training(aws: LocalAws) -> Callable[..., Json]:
    """A Training step of the built-in algorithm on a manifest."""

    def training(manifest: str, after: list[str] | None = None, **hyperparameters: str) -> Json:
        given = {"num_classes": "1", "num_training_samples": "1", "mini_batch_size": "1", "epochs": "1"}
        return {
            "Name": "Train",
            "Type": "Training",
            "Arguments": {
                "AlgorithmSpecification": {"TrainingImage": DETECTOR, "TrainingInputMode": "Pipe"},
                "RoleArn": aws.role_arn,
                "HyperParameters": {**given, **hyperparameters},
                "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/models"},
                "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.p3.2xlarge", "VolumeSizeInGB": 10},
                "StoppingCondition": {"MaxRuntimeInSeconds": 600},
                "InputDataConfig": [_channel(name, manifest) for name in ("train", "validation")],
            },
            **({"DependsOn": after} if after else {}),
        }

    return training


def _channel(name: str, manifest: str) -> Json:
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
    }


@pytest.fixture
def make_pipeline(aws: LocalAws) -> Callable[..., str]:
    """Create a pipeline of steps; returns its name."""

    def make_pipeline(*steps: Json, parameters: list[Json] | None = None) -> str:
        name = f"pipeline-{next(_numbers)}"
        definition = {"Version": "2020-12-01", "Metadata": {}, "Parameters": parameters or [], "Steps": list(steps)}
        boto3.client("sagemaker").create_pipeline(
            PipelineName=name,
            PipelineDefinition=json.dumps(definition),
            ClientRequestToken=name.rjust(32, "x"),
            RoleArn=aws.role_arn,
        )
        return name

    return make_pipeline
