"""What the processing jobs share: how they talk to the log, and how they end on a user's mistake."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path

from groundloop.errors import UserError

# SageMaker shows what a processing job writes here as its ExitMessage.
MESSAGE_FILE = Path("/opt/ml/output/message")


def add_message_file(parser: ArgumentParser) -> None:
    """The argument that every job has."""
    parser.add_argument("--message-file", type=Path, default=MESSAGE_FILE, help="where a failure's reason goes too")


def say(text: str = "") -> None:
    """One line of the job's log: stdout is what CloudWatch shows."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def run(work: Callable[[], None], message_file: Path) -> int:
    """Do the work; a `UserError` becomes one line on stderr and in the message file, and exit code 1."""
    try:
        work()
    except UserError as error:
        sys.stderr.write(f"error: {error}\n")
        try:
            message_file.parent.mkdir(parents=True, exist_ok=True)
            message_file.write_text(str(error), encoding="utf-8")
        except OSError as problem:
            sys.stderr.write(f"(the message could not be written to {message_file}: {problem.strerror})\n")
        return 1
    return 0
