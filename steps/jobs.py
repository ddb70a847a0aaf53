"""Functions that the processing jobs share: the log, and the end of a job with its message."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path

from groundloop.errors import UserError
from groundloop.escaping import as_message

#: DescribeProcessingJob returns the content of this file as ExitMessage.
MESSAGE_FILE = Path("/opt/ml/output/message")


def add_message_file(parser: ArgumentParser) -> None:
    """Add the argument that every job has: where its message is written."""
    parser.add_argument("--message-file", type=Path, default=MESSAGE_FILE, help="file that gets the job's ExitMessage")


def say(text: str = "") -> None:
    """Write one line to the job's log: stdout, which CloudWatch shows.

    Control characters are written escaped, since labels and names can hold some; a long line is shortened.
    """
    sys.stdout.write(as_message(text) + "\n")
    sys.stdout.flush()


def run(work: Callable[[], str | None], message_file: Path) -> int:
    """Run a job's work and return its exit code.

    A `UserError` becomes one line on stderr and in the message file, and exit code 1. So does a result that can't be
    written, since a later step reads it.

    Args:
        work: returns the job's ExitMessage; None: it has none.
        message_file: the file that holds the ExitMessage.
    """
    try:
        message = work()
    except UserError as error:
        lines = [as_message(line) for line in error.lines]
        sys.stderr.write("".join(f"error: {line}\n" for line in lines))
        _write_message("\n".join(lines), message_file)
        return 1
    return 0 if message is None or _write_message(message, message_file) else 1


def _write_message(text: str, file: Path) -> bool:
    """Write the ExitMessage; report on stderr, and return False, if that fails."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    except OSError as problem:
        sys.stderr.write(f"error: the job's message could not be written to {file}: {problem.strerror}\n")
        return False
    return True
