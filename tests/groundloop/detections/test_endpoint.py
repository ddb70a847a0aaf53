from __future__ import annotations

import io
from typing import Any

import pytest

from groundloop.detections.endpoint import EndpointClient
from groundloop.errors import UserError


class Runtime:
    """Answers like boto3's client and remembers what it was asked."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.asked: dict[str, Any] = {}

    def invoke_endpoint(self, **request: Any) -> Any:
        self.asked = request
        return {"Body": io.BytesIO(self.answer)}


def test_an_image_goes_in_and_detections_by_name_come_out() -> None:
    runtime = Runtime(b'{"prediction": [[1, 0.75, 0.1, 0.1, 0.5, 0.5]]}')
    found = EndpointClient(runtime, "screws", ["nut", "bolt"]).detect(b"JPEG")
    assert runtime.asked == {"EndpointName": "screws", "ContentType": "application/x-image", "Body": b"JPEG"}
    assert found.names == ["bolt"]


def test_an_answer_that_is_none_names_the_endpoint() -> None:
    with pytest.raises(UserError, match=r"endpoint screws holds no prediction but.*out of memory"):
        EndpointClient(Runtime(b'{"error": "out of memory"}'), "screws", ["nut"]).detect(b"JPEG")
