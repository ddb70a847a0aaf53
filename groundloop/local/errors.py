"""The errors of the offline AWS: of its use, of its API, and of jobs."""

from __future__ import annotations

from collections.abc import Mapping


class LocalAwsError(Exception):
    """The offline AWS cannot be started or used this way; the message is one line."""


class ApiError(Exception):
    """An error that the API answers, as AWS would: a code of the service's model and a message."""

    def __init__(self, code: str, message: str, status: int = 400, details: Mapping[str, object] | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.details = dict(details or {})


def invalid(message: str) -> ApiError:
    """Build the error for a request that is rejected and, in most operations of SageMaker, for a missing resource."""
    return ApiError("ValidationException", message)


def not_found(message: str) -> ApiError:
    """Build the error for a missing resource in the operations whose model names it (pipelines, mostly)."""
    return ApiError("ResourceNotFound", message)


def in_use(message: str) -> ApiError:
    """Build the error for a name that is taken (jobs)."""
    return ApiError("ResourceInUse", message)


class JobError(Exception):
    """A job that failed; `kind` is SageMaker's prefix: ClientError (the request or its data) or AlgorithmError."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(f"{kind}: {text}")
        self.kind = kind
        self.text = text


class JobStoppedError(Exception):
    """The job was asked to stop."""
