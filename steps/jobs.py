"""Functions that the processing jobs share: the log, and the end of a job that failed by a user's mistake."""

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
    """Add the argument that every job has: where the message of a failure is written."""
    parser.add_argument(
        "--message-file", type=Path, default=MESSAGE_FILE, help="file that gets the message of a failure"
    )


def say(text: str = "") -> None:
    """Write one line to the job's log: stdout, which CloudWatch shows.

    Control characters are written escaped, since labels and names can hold some; a long line is shortened.
    """
    sys.stdout.write(as_message(text) + "\n")
    sys.stdout.flush()


def run(work: Callable[[], None], message_file: Path) -> int:
    """Run a job's work and return its exit code.

    A `UserError` becomes one line on stderr and in the message file, and exit code 1.
    """
    try:
        work()
    except UserError as error:
        lines = [as_message(line) for line in error.lines]
        sys.stderr.write("".join(f"error: {line}\n" for line in lines))
        try:
            message_file.parent.mkdir(parents=True, exist_ok=True)
            message_file.write_text("\n".join(lines), encoding="utf-8")
        except OSError as problem:
            sys.stderr.write(f"(the message could not be written to {message_file}: {problem.strerror})\n")
        return 1
    return 0
