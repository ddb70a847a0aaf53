from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from groundloop.detections.endpoint import AsyncEndpointClient, EndpointClient, Exchange
from groundloop.errors import UserError
from groundloop.spec.payloads import MAX_REAL_TIME_BYTES

PREDICTION = b'{"prediction": [[1, 0.75, 0.1, 0.1, 0.5, 0.5]]}'


class Runtime:
    """Answers like boto3's client and remembers what it was asked."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.asked: dict[str, Any] = {}

    def invoke_endpoint(self, **request: Any) -> Any:
        self.asked = request
        return {"Body": io.BytesIO(self.answer)}


def test_an_image_goes_in_and_detections_by_name_come_out() -> None:
    runtime = Runtime(PREDICTION)
    found = EndpointClient(runtime, "screws", ["nut", "bolt"]).detect(b"JPEG")
    assert runtime.asked == {
        "EndpointName": "screws",
        "ContentType": "application/x-image",
        "Body": b"JPEG",
        "InferenceId": hashlib.sha256(b"JPEG").hexdigest(),
    }
    assert found.names == ["bolt"]


def test_every_exchange_is_observed() -> None:
    seen: list[Exchange] = []
    EndpointClient(Runtime(PREDICTION), "screws", ["nut", "bolt"], observe=seen.append).detect(b"JPEG")
    s3 = Objects({"s3://theirs/async/1.out": PREDICTION})
    queued = AsyncEndpointClient(
        Queue(**OUT), s3, "queued", ["nut", "bolt"], upload_prefix="s3://mine/x", variant="v", observe=seen.append
    )
    queued.detect(b"JPEG")
    inference_id = hashlib.sha256(b"JPEG").hexdigest()
    assert seen == [
        Exchange(b"JPEG", inference_id, PREDICTION, None, "AllTraffic"),
        Exchange(b"JPEG", inference_id, PREDICTION, None, "v"),
    ]


def test_an_answer_that_is_none_names_the_endpoint() -> None:
    with pytest.raises(UserError, match=r"endpoint screws holds no prediction but.*out of memory"):
        EndpointClient(Runtime(b'{"error": "out of memory"}'), "screws", ["nut"]).detect(b"JPEG")


def test_an_image_that_is_too_large_is_not_sent() -> None:
    runtime = Runtime(b"")
    with pytest.raises(UserError, match=r"has 6291457 bytes, endpoint screws takes at most 6291456: .*asynchronous"):
        EndpointClient(runtime, "screws", ["nut"]).detect(bytes(MAX_REAL_TIME_BYTES + 1))
    assert runtime.asked == {}


class Queue:
    """Answers like boto3's client of an asynchronous endpoint and remembers the requests."""

    def __init__(self, **locations: str) -> None:
        self.locations = locations
        self.requests: list[dict[str, Any]] = []

    def invoke_endpoint_async(self, **request: Any) -> Any:
        self.requests.append(request)
        return {"InferenceId": "1", **self.locations}


class Objects:
    """S3 with the given objects, the first of which appear after some looks."""

    def __init__(self, objects: Mapping[str, bytes], looks: int = 0) -> None:
        self.objects, self.looks = dict(objects), looks
        self.uploaded: dict[str, bytes] = {}

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, ContentType: str) -> None:  # noqa: N803
        assert ContentType == "application/x-image"
        self.uploaded[f"s3://{Bucket}/{Key}"] = Body

    def get_object(self, *, Bucket: str, Key: str) -> Any:  # noqa: N803
        self.looks -= 1
        uri = f"s3://{Bucket}/{Key}"
        if self.looks >= 0 or uri not in self.objects:
            raise ClientError({"Error": {"Code": "NoSuchKey", "Message": "no such key"}}, "GetObject")
        return {"Body": io.BytesIO(self.objects[uri])}


def asynchronous(runtime: Queue, s3: Objects, timeout_seconds: float = 5) -> AsyncEndpointClient:
    return AsyncEndpointClient(
        runtime,
        s3,
        "queued",
        ["nut", "bolt"],
        upload_prefix="s3://mine/predict",
        timeout_seconds=timeout_seconds,
        poll_seconds=0,
    )


OUT = {"OutputLocation": "s3://theirs/async/1.out", "FailureLocation": "s3://theirs/failures/1-error.out"}


def test_an_asynchronous_endpoint_reads_the_image_from_s3_and_its_response_is_awaited_there() -> None:
    runtime, s3 = Queue(**OUT), Objects({"s3://theirs/async/1.out": PREDICTION}, looks=4)
    client = asynchronous(runtime, s3)
    assert client.detect(b"JPEG").names == ["bolt"]
    client.detect(b"JPEG")
    [uri] = s3.uploaded
    assert uri.startswith("s3://mine/predict/")
    assert s3.uploaded[uri] == b"JPEG"
    inference_id = hashlib.sha256(b"JPEG").hexdigest()
    asked = {"EndpointName": "queued", "ContentType": "application/x-image", "InputLocation": uri}
    assert runtime.requests == [{**asked, "InferenceId": inference_id}] * 2


def test_an_asynchronous_failure_is_the_message() -> None:
    s3 = Objects({"s3://theirs/failures/1-error.out": b"Received server error (500)\nfrom model"})
    expected = r"queued failed: Received server error \(500\) from model \(s3://theirs/failures/1-error.out\)"
    with pytest.raises(UserError, match=expected):
        asynchronous(Queue(**OUT), s3).detect(b"JPEG")


@pytest.mark.parametrize(
    "locations",
    [
        pytest.param(OUT, id="neither response nor failure"),
        pytest.param({"OutputLocation": OUT["OutputLocation"]}, id="an endpoint without S3FailurePath"),
    ],
)
def test_an_asynchronous_endpoint_that_does_not_respond_in_time(locations: dict[str, str]) -> None:
    with pytest.raises(UserError, match=r"not responded within 0 s: .*look at its log and at s3://theirs/async/1.out"):
        asynchronous(Queue(**locations), Objects({}), timeout_seconds=0).detect(b"JPEG")


def test_a_forbidden_response_is_not_taken_for_a_missing_one() -> None:
    class Forbidden(Objects):
        def get_object(self, *, Bucket: str, Key: str) -> Any:  # noqa: N803
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetObject")

    with pytest.raises(ClientError, match="AccessDenied"):
        asynchronous(Queue(**OUT), Forbidden({})).detect(b"JPEG")
