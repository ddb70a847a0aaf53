"""Every failure of a command in one form: lines marked as errors, or one JSON object, and an exit code."""

from __future__ import annotations

import re
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import typer

from groundloop.errors import ConfigError, UserError
from groundloop.local.errors import LocalAwsError
from pipeline.cli.output import print_error, print_error_json, print_line
from pipeline.extras import missing_package

#: What typer says of a wrong value, in the words of the messages on settings.
_VALUE_TEXTS = (
    (r"Input should be a valid integer.*", "must be an integer"),
    (r"Input should be a valid number.*", "must be a number"),
    (r"Input should be greater than or equal to ", "must be at least "),
    (r"Input should be less than or equal to ", "must be at most "),
    (r"Input should be ", "must be "),
    (r"Value error, ", ""),
)


@dataclass(frozen=True)
class Failure:
    """What is printed of a failure.

    Attributes:
        lines: the message; empty for a bug, which keeps its traceback.
        code: the exit code: 1 error, 2 wrong usage or configuration.
        usage: for wrong usage, how the command is called.
    """

    lines: Sequence[str]
    code: int
    usage: str = ""


def report_failure(error: Exception, *, as_json: bool, debug: bool) -> int:
    """Print a failure on standard error and return its exit code.

    Raises:
        Exception: the error itself, if it is none of the user's, of AWS or of the machine.
    """
    failure = explained(error)
    if not failure.lines:
        raise error
    if debug:
        traceback.print_exception(error)
    if as_json:
        print_error_json(failure.lines, failure.code)
        return failure.code
    print_error(*failure.lines)
    if failure.usage:
        print_line(failure.usage, to_stderr=True)
    return failure.code


def explained(error: Exception) -> Failure:
    """Return message and exit code of an error; no message for a bug of ours."""
    if isinstance(error, UserError):
        return Failure(error.lines, 2 if isinstance(error, ConfigError) else 1)
    if isinstance(error, typer.TyperException):
        return _usage_failure(error)
    if isinstance(error, typer.Abort):
        return Failure(("aborted",), 1)
    if isinstance(error, LocalAwsError):
        return Failure(str(error).splitlines(), 1)
    if isinstance(error, ModuleNotFoundError):
        text = missing_package(error.name)
        return Failure((text,) if text else (), 1)
    if "botocore" in sys.modules:
        from botocore.exceptions import BotoCoreError, ClientError

        from groundloop.aws import explain

        if isinstance(error, BotoCoreError | ClientError):
            return Failure(explain(error).splitlines(), 1)
    return Failure((), 1)


def _usage_failure(error: Any) -> Failure:
    message = error.format_message()
    for pattern, text in _VALUE_TEXTS:
        message = re.sub(pattern, text, message)
    context = getattr(error, "ctx", None)
    if context is None:
        return Failure(message.splitlines(), error.exit_code)
    usage = context.command.get_usage(context).replace("Usage:", "usage:")
    return Failure(message.splitlines(), error.exit_code, f"{usage}; see {context.command_path} --help")
