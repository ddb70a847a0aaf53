"""What `--debug` adds for bug reports: a line for each call to AWS, on standard error."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from groundloop.escaping import as_message
from pipeline.cli.output import print_line

CALL_LOGGERS = ("botocore.endpoint", "botocore.parsers", "botocore.retries.standard")
_MAX_LENGTH = 400
#: Services whose requests carry tokens or passwords.
_SECRET_SERVICES = frozenset({"signin", "sso", "sso-oidc", "sts"})


def log_aws_calls() -> None:
    """Print each operation that boto3 calls with its parameters, the answer's request ID, and each retry."""
    for name in CALL_LOGGERS:
        logger = logging.getLogger(name)
        logger.setLevel(logging.DEBUG)
        logger.propagate = False
        if not any(isinstance(handler, _CallLog) for handler in logger.handlers):
            logger.addHandler(_CallLog())


class _CallLog(logging.Handler):
    """Prints botocore's log records of requests, answers and retries, one line each.

    Headers of requests and bodies of answers are left out: they may hold signatures and credentials.
    """

    def emit(self, record: logging.LogRecord) -> None:
        if text := _line(record):
            print_line(as_message(f"aws: {text}"[:_MAX_LENGTH]), to_stderr=True)


def _line(record: logging.LogRecord) -> str:
    """Return what to print of a record; empty for one that says nothing to a reader."""
    message = str(record.msg)
    # logging unpacks a single mapping from the tuple of arguments.
    arguments: Any = record.args if isinstance(record.args, tuple) else (record.args,)
    if message.startswith("Making request for"):
        operation, request = arguments
        service = operation.service_model.service_name
        if service in _SECRET_SERVICES:
            return f"{service} {operation.name}"
        return f"{service} {operation.name} {request.get('url_path', '')} {_text(request.get('body'))}".rstrip()
    if message.startswith("Response headers") and isinstance(arguments[0], Mapping):
        headers = {str(name).lower(): value for name, value in arguments[0].items()}
        number = headers.get("x-amzn-requestid") or headers.get("x-amz-request-id")
        return f"answer, request ID {number}" if number else "answer"
    if message.startswith("Retry needed"):
        return record.getMessage()
    return ""


def _text(body: Any) -> str:
    if isinstance(body, bytes):
        return body.decode(errors="replace")
    return body if isinstance(body, str) else " ".join(f"{k}={v}" for k, v in body.items()) if body else ""
