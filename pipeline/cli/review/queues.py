"""Where review queues are kept: one folder each, below `reviews/` of the working folder."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from groundloop.review.queue import Queue

FOLDER = Path("reviews")
#: Names of queues are parts of S3 keys and of the labels' job names.
_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,49}")

QueueName = Annotated[str, typer.Argument(metavar="QUEUE", help="Name of the queue, a folder below reviews/.")]


def queue_folder(name: str) -> Path:
    """Return the folder of a queue.

    Raises:
        UserError: the name has other characters than letters, digits and inner hyphens.
    """
    from groundloop.errors import UserError

    name = name.removeprefix(f"{FOLDER}/").rstrip("/")
    if not _NAME.fullmatch(name):
        hint = f", such as {as_name(name)}" if as_name(name) else ""
        raise UserError(f"{name!r} can't name a queue: use up to 50 letters, digits and inner hyphens{hint}")
    return FOLDER / name


def open_queue(name: str) -> Queue:
    """Open a queue.

    Raises:
        UserError: there is none of that name; the message lists those that there are.
    """
    from groundloop.errors import UserError
    from groundloop.review.queue import FILE_NAME, Queue

    folder = queue_folder(name)
    if not (folder / FILE_NAME).is_file():
        known = sorted(path.parent.name for path in FOLDER.glob(f"*/{FILE_NAME}"))
        hint = f"there are {', '.join(known)}" if known else "there is none yet"
        raise UserError(f"there is no queue {name!r} in {FOLDER}/: {hint}; groundloop review new makes one")
    return Queue.open(folder)


def as_name(text: str) -> str:
    """Return a text as the name of a queue; "" when nothing of it can be used.

    Example:
        >>> as_name("Photos of Monday (2)")
        'Photos-of-Monday-2'
    """
    return re.sub(r"[^a-zA-Z0-9]+", "-", text).strip("-")[:50].strip("-")
