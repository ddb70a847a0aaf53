"""What the runners of all types of steps share: calls of the API, their errors, names, and waiting."""

from __future__ import annotations

import re
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from groundloop.local.context import Bell, random_id
from groundloop.spec.definition import Json
from groundloop.spec.retries import RESOURCE_LIMIT, SERVICE_FAULT, THROTTLING
from groundloop.spec.tuning import MAX_NAME_LENGTH

#: The longest time between two looks at a job or an endpoint, in seconds: usually the bell rings before.
_MAX_PAUSE = 2.0
_NAME_LENGTH = 63


class StepError(Exception):
    """A step failed.

    Args:
        reason: why.
        kind: the type of exception that a retry policy can name.
        stopped: whether somebody stopped its job.
    """

    def __init__(self, reason: str, kind: str = "", stopped: bool = False) -> None:
        super().__init__(reason)
        self.kind = kind
        self.stopped = stopped


class StepStoppedError(Exception):
    """The execution was asked to stop while the step ran."""


#: Told the step's Metadata as soon as the resource has an ARN.
Tell = Callable[[Json], None]


def call(operation: Callable[..., Any], **members: Any) -> Json:
    """Call the API; its error becomes a StepError of the type that retry policies name."""
    try:
        answer: Json = operation(**members)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
        kind = ""
        if "Throttling" in code or status == 429:
            kind = THROTTLING
        elif status >= 500:
            kind = SERVICE_FAULT
        elif code == "ResourceLimitExceeded":
            kind = RESOURCE_LIMIT
        raise StepError(f"ClientError: {error}", kind) from error
    except BotoCoreError as error:
        # A request that does not fit the service's model, e.g. a number where a string belongs.
        raise StepError(f"ClientError: {error}") from error
    return answer


def resource_name(execution_id: str, step: str) -> str:
    """Return `pipelines-<execution>-<step>-<random>`, at most 63 valid characters."""
    return _name(f"pipelines-{execution_id}-", step, _NAME_LENGTH)


def tuning_job_name(execution_id: str, step: str) -> str:
    """Return `<execution>-<step>-<random>`, at most 32 valid characters."""
    return _name(f"{execution_id}-", step, MAX_NAME_LENGTH)


def _name(head: str, step: str, length: int) -> str:
    tail = f"-{random_id(10)}"
    middle = re.sub(r"[^A-Za-z0-9]+", "-", step)[: length - len(head) - len(tail)].strip("-")
    return f"{head}{middle}{tail}"


class Runner(ABC):
    """Runs steps of one type."""

    def __init__(self, client: Any, stop: threading.Event, bell: Bell) -> None:
        self.client = client
        self.stop = stop
        self.bell = bell

    def name(self, execution_id: str, step: str) -> str:
        """Return a name for a resource whose request has none."""
        return resource_name(execution_id, step)

    @abstractmethod
    def run(self, request: Json, name: str, tell: Tell) -> Json:
        """Do what the step is for and return its properties. `name` is for a resource whose request has none.

        Raises:
            StepError, StepStoppedError.
        """

    def pause(self, heard: int) -> None:
        """Wait until the next look; StepStoppedError if the execution is to stop. `heard`: as the bell has it."""
        if not self.stop.is_set():
            self.wait(heard)
        if self.stop.is_set():
            raise StepStoppedError

    def wait(self, heard: int) -> None:
        """Wait until the next look, also while the execution stops."""
        self.bell.wait(heard, _MAX_PAUSE)
