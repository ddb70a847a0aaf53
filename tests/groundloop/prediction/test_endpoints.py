"""`endpoint_client` calls each kind of endpoint as it has to be called; `Detector` sends each what it takes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from groundloop.detections import Detector
from groundloop.errors import UserError
from groundloop.local import LocalAws
from groundloop.prediction.endpoints import endpoint_client

REGION = "us-east-1"
PREFIX = "s3://groundloop-local/groundloop/predict"
CLASSES = ["nut", "bolt"]
ASYNC = {"OutputConfig": {"S3OutputPath": "s3://groundloop-local/groundloop/async"}}
SERVERLESS = {"ServerlessConfig": {"MemorySizeInMB": 4096, "MaxConcurrency": 1}}


def names(name: str, image: bytes) -> list[str]:
    client, max_bytes = endpoint_client(REGION, name, CLASSES, upload_prefix=PREFIX)
    detector = Detector(client, CLASSES, name=name, max_bytes=max_bytes, on_aws=True)
    return detector.detect(image).filter(0.5).names


def test_a_real_time_endpoint(deploy: Callable[..., str], jpeg: bytes) -> None:
    name = deploy("real-time")
    assert names(name, jpeg) == ["bolt"]
    with pytest.raises(UserError, match="at most 6291456"):
        endpoint_client(REGION, name, CLASSES)[0].detect(bytes(6 * 1024 * 1024 + 1))


def test_a_serverless_endpoint_takes_less(deploy: Callable[..., str], jpeg: bytes) -> None:
    name = deploy("serverless", variant=SERVERLESS)
    assert names(name, jpeg) == ["bolt"]
    with pytest.raises(UserError, match="at most 4194304"):
        endpoint_client(REGION, name, CLASSES)[0].detect(bytes(4 * 1024 * 1024 + 1))


def test_an_asynchronous_endpoint_takes_the_image_from_s3(
    aws: LocalAws, deploy: Callable[..., str], jpeg: bytes
) -> None:
    name = deploy("queued", AsyncInferenceConfig=ASYNC)
    assert names(name, jpeg) == ["bolt"]
    listed = aws.client("s3").list_objects_v2(Bucket="groundloop-local", Prefix="groundloop/predict/")
    assert [item["Size"] for item in listed["Contents"]] == [len(jpeg)]
    client, _ = endpoint_client(REGION, name, CLASSES, upload_prefix=PREFIX)
    assert len(client.detect(bytes(6 * 1024 * 1024 + 1))) == 2
    with pytest.raises(UserError, match=r"endpoint queued failed: .*unreadable image.*-error\.out"):
        client.detect(b"bad")


def test_bytes_that_are_no_image_are_not_sent() -> None:
    class Unused:
        def detect(self, image: bytes) -> object:
            raise AssertionError(image)

    with pytest.raises(UserError, match="not an image, or in a format that Pillow does not open"):
        Detector(Unused(), CLASSES, name="none").detect(b"text")  # type: ignore[arg-type]
