"""Asynchronous invocations: the request is read from S3, the answer is written there.

SNS topics of the endpoint config are not notified.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from groundloop.local.api.endpoints import Endpoints
from groundloop.local.context import Context
from groundloop.local.data_capture import Invocation
from groundloop.local.errors import ApiError, JobError
from groundloop.local.s3 import S3
from groundloop.s3 import join_uri


@dataclass(frozen=True)
class Accepted:
    """The immediate answer of InvokeEndpointAsync."""

    inference_id: str
    output: str
    failure: str


class AsyncInvocations:
    """The requests of the asynchronous endpoints of one offline AWS."""

    def __init__(self, context: Context, endpoints: Endpoints) -> None:
        self._context, self._endpoints = context, endpoints

    def accept(self, name: str, headers: Mapping[str, str]) -> Accepted:
        """Take a request and work on it in the background.

        Raises:
            ApiError: no such endpoint, it isn't asynchronous, or the request names no input.
        """
        config = self._endpoints.asynchronous(name)
        source = headers.get("HTTP_X_AMZN_SAGEMAKER_INPUTLOCATION", "")
        if not source.startswith("s3://"):
            raise ApiError("ValidationError", f"InputLocation {source!r} is not an S3 URI.")
        place = config["OutputConfig"].get("S3OutputPath")
        if not place:
            raise ApiError("ValidationError", f"Endpoint {name} has no S3OutputPath.")
        made = uuid.uuid4().hex
        inference_id = headers.get("HTTP_X_AMZN_SAGEMAKER_INFERENCE_ID") or made
        failures = config["OutputConfig"].get("S3FailurePath") or place
        accepted = Accepted(inference_id, join_uri(place, f"{made}.out"), join_uri(failures, f"{made}-error.out"))
        kinds = headers.get("HTTP_X_AMZN_SAGEMAKER_CONTENT_TYPE"), headers.get("HTTP_X_AMZN_SAGEMAKER_ACCEPT")
        threading.Thread(target=self._answer, args=(name, source, kinds, accepted), daemon=True).start()
        return accepted

    def _answer(self, name: str, source: str, kinds: tuple[str | None, str | None], accepted: Accepted) -> None:
        s3 = S3(self._context.account)
        try:
            answer, _ = self._endpoints.invoke(name, Invocation(s3.read(source), *kinds), queued=True)
            s3.put(accepted.output, answer.body)
        except (ApiError, JobError) as error:
            s3.put(accepted.failure, str(error).encode())
