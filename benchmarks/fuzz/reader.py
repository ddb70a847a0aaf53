"""A reader that gets damaged files, and how readers are called: in this process, as a user calls them."""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from benchmarks.fuzz.samples import Files

Read = Callable[[Path, int], None]


@dataclass(frozen=True)
class Target:
    """A reader.

    Attributes:
        name: what it reads and by which command.
        files: its valid input, by name in a folder.
        damaged: beginnings of the names of files that get damaged.
        read: called with the folder and a number that varies its options; may raise SystemExit.
        share: how often it is chosen, against the others.
    """

    name: str
    files: Callable[[], Files]
    damaged: tuple[str, ...]
    read: Read
    share: int = 1


def command(*arguments: str | Path) -> None:
    """Run `groundloop` with these arguments."""
    module = importlib.import_module("pipeline.cli.main")
    with (
        mock.patch.object(sys, "argv", ["groundloop", *map(str, arguments)]),
        mock.patch.object(module, "app", _program()),
    ):
        module.main()


@functools.cache
def _program() -> Any:
    """Return the program, whose many commands take longer to build than most inputs to read."""
    from typer.main import get_command

    from pipeline.cli.main import app

    return get_command(app)


def function(call: Callable[[], object]) -> None:
    """Call a function of the library, whose own errors are printed as the program prints them."""
    from groundloop.errors import UserError
    from groundloop.local.detector.errors import StandInError
    from groundloop.local.errors import ApiError, JobError
    from groundloop.local.executor.parameters import DefinitionError
    from groundloop.local.recordio import RecordIOError
    from pipeline.cli.output import print_error

    try:
        call()
    except (UserError, StandInError, JobError, ApiError, DefinitionError, RecordIOError) as error:
        print_error(str(error))
        sys.exit(1)
