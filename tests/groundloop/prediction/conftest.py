"""Endpoints of each kind on the offline AWS, with a stand-in for a detector."""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from groundloop.local import ImageStandIn, LocalAws
from groundloop.local.archive import pack

STAND_IN = Path(__file__).with_name("detector_stand_in.py")
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/detector-stand-in:1"


@pytest.fixture(scope="session")
def image_stand_ins() -> dict[str, ImageStandIn]:
    return {"/detector-stand-in:": ImageStandIn(serve=[sys.executable, str(STAND_IN)])}


@pytest.fixture
def deploy(aws: LocalAws, aws_bucket: str, tmp_path: Path) -> Callable[..., str]:
    """Deploy an endpoint; members of its configuration and of its variant as keywords."""

    def deploy(name: str, *, variant: dict[str, Any] | None = None, **members: Any) -> str:
        sagemaker = aws.client("sagemaker")
        pack(tmp_path, tmp_path / "model.tar.gz")
        key = f"models/{name}/model.tar.gz"
        aws.client("s3").put_object(Bucket=aws_bucket, Key=key, Body=(tmp_path / "model.tar.gz").read_bytes())
        container = {"Image": IMAGE, "ModelDataUrl": f"s3://{aws_bucket}/{key}"}
        sagemaker.create_model(ModelName=name, ExecutionRoleArn=aws.role_arn, PrimaryContainer=container)
        instances = variant or {"InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
        production = {"VariantName": "AllTraffic", "ModelName": name, **instances}
        sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[production], **members)
        sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
        deadline = time.monotonic() + 20
        while sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"] != "InService":
            assert time.monotonic() < deadline, name
            time.sleep(0.05)
        return name

    return deploy


@pytest.fixture
def jpeg() -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (640, 480)).save(content, "JPEG")
    return content.getvalue()
