"""`groundloop local env`: the environment variables of the offline AWS that runs from this folder."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from groundloop.errors import UserError
from pipeline.cli.output import print_line

FOLDER = Path(".groundloop")


@dataclass(frozen=True)
class RunningAws:
    """An offline AWS in the foreground.

    Attributes:
        process: its process's id.
        endpoint_url: its address.
        variables: environment variables that point to it.
    """

    process: int
    endpoint_url: str
    variables: dict[str, str]

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return urlsplit(self.endpoint_url).port or 0


@contextlib.contextmanager
def announced(running: RunningAws) -> Iterator[None]:
    """Let `local env` find an offline AWS while the body runs."""
    FOLDER.mkdir(exist_ok=True)
    file = FOLDER / f"local-{running.port}.json"
    file.write_text(json.dumps(asdict(running)), encoding="utf-8")
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def env(
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port of the offline AWS, if several run from this folder.")
    ] = None,
) -> None:
    """Print the variables that lead to the offline AWS.

    That is the one that `groundloop local` runs from this folder. eval "$(groundloop local env)" points this program,
    boto3 and the AWS CLI to it.

    Example: groundloop local env
    """
    found = [item for item in running_here() if port in (None, item.port)]
    if not found:
        raise UserError("no offline AWS runs from this folder: start `groundloop local` here, in another terminal")
    if len(found) > 1:
        ports = ", ".join(str(item.port) for item in found)
        raise UserError(f"{len(found)} offline AWS run from this folder: add --port with one of {ports}")
    for name, value in found[0].variables.items():
        print_line(f"export {name}={shlex.quote(value)}")


def running_here() -> list[RunningAws]:
    """Return the offline AWS that were started in the working folder and run, in order of their ports."""
    found = []
    for file in FOLDER.glob("local-*.json"):
        with contextlib.suppress(OSError, ValueError, TypeError):  # one that just ended, or was killed
            running = RunningAws(**json.loads(file.read_text(encoding="utf-8")))
            if is_alive(running.process):
                found.append(running)
    return sorted(found, key=lambda item: item.port)


def is_alive(process: int) -> bool:
    """Tell whether there is a process with an id."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # somebody else's
    return True
