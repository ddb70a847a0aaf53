"""`annotate` and `detector` call each kind of endpoint as it has to be called."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from groundloop.errors import UserError
from groundloop.local import LocalAws
from groundloop.models.packages import Package
from groundloop.models.predict import annotate, detector

REGION = "us-east-1"
PREFIX = "s3://groundloop-local/groundloop/predict"
PACKAGE = Package("arn", 1, "Approved", "s3://b/test.manifest", {"classes": ["nut", "bolt"]}, {"threshold": 0.5})
ASYNC = {"OutputConfig": {"S3OutputPath": "s3://groundloop-local/groundloop/async"}}
SERVERLESS = {"ServerlessConfig": {"MemorySizeInMB": 4096, "MaxConcurrency": 1}}


@pytest.fixture(scope="session")
def too_large() -> bytes:
    return bytes(6 * 1024 * 1024 + 1)


def test_a_real_time_endpoint(deploy: Callable[..., str], jpeg: bytes, too_large: bytes) -> None:
    name = deploy("real-time")
    picture, detections = annotate(REGION, name, PACKAGE, jpeg, 0.5, upload_prefix=PREFIX)
    assert picture.width == 640
    assert detections.names == ["bolt"]
    with pytest.raises(UserError, match="at most 6291456"):
        detector(REGION, name, ["nut"], upload_prefix=PREFIX).detect(too_large)


def test_a_serverless_endpoint_takes_less(deploy: Callable[..., str], jpeg: bytes) -> None:
    name = deploy("serverless", variant=SERVERLESS)
    assert annotate(REGION, name, PACKAGE, jpeg, 0.5, upload_prefix=PREFIX)[1].names == ["bolt"]
    with pytest.raises(UserError, match="at most 4194304"):
        detector(REGION, name, ["nut"], upload_prefix=PREFIX).detect(bytes(4 * 1024 * 1024 + 1))


def test_an_asynchronous_endpoint_takes_the_image_from_s3(
    aws: LocalAws, deploy: Callable[..., str], jpeg: bytes, too_large: bytes
) -> None:
    name = deploy("queued", AsyncInferenceConfig=ASYNC)
    assert annotate(REGION, name, PACKAGE, jpeg, 0.5, upload_prefix=PREFIX)[1].names == ["bolt"]
    listed = aws.client("s3").list_objects_v2(Bucket="groundloop-local", Prefix="groundloop/predict/")
    assert [item["Size"] for item in listed["Contents"]] == [len(jpeg)]
    caller = detector(REGION, name, ["nut", "bolt"], upload_prefix=PREFIX)
    assert len(caller.detect(too_large)) == 2
    with pytest.raises(UserError, match=r"endpoint queued failed: .*unreadable image.*-error\.out"):
        caller.detect(b"bad")


def test_bytes_that_are_no_image_are_not_sent() -> None:
    with pytest.raises(UserError, match="cannot be read as an image"):
        annotate(REGION, "none", PACKAGE, b"text", 0.5, upload_prefix=PREFIX)
