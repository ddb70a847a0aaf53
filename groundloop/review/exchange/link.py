"""Where a queue was pushed to: one small file in the queue's folder, written before each thing that is made there."""

from __future__ import annotations

import fcntl
import os
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import msgspec

from groundloop.errors import UserError
from groundloop.review.exchange.http import checked_url

_Link = TypeVar("_Link", bound="Link")


class Link(msgspec.Struct, kw_only=True):
    """What connects a queue with another tool.

    Attributes:
        url: of the server.
        key: made once at random; what belongs to the queue there carries it.
        deleting: whether everything was pulled and is being deleted there.
    """

    url: str
    key: str
    deleting: bool = False


def new_key() -> str:
    """Return a key that nothing else has."""
    return uuid.uuid4().hex


def link_file(folder: Path, tool: str) -> Path:
    """Return the file of a queue's link to a tool."""
    return folder / f"{tool}.json"


def read_link(path: Path, type_: type[_Link]) -> _Link | None:
    """Read a link; None where the queue was not pushed.

    Raises:
        UserError: the file is not one of ours.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=type_)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as error:
        raise UserError(
            f"{path}: not what groundloop review push writes ({error}): restore it, or delete it to push the queue anew"
        ) from None


def write_link(path: Path, link: Link) -> None:
    """Write a link; after a crash there is the old file or the new one."""
    new = path.with_suffix(".new")
    with new.open("wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(link)))
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def changed_labels(classes: Iterable[str], labels: Iterable[str]) -> str:
    """Return how a tool's labels differ from the queue's classes; "" when they don't.

    Example:
        >>> changed_labels(["bolt", "nut"], ["bolt", "screw"])
        "lacks 'nut' and has 'screw', which the queue has not"
    """
    expected, found = set(classes), set(labels)
    parts = []
    if expected - found:
        parts.append(f"lacks {', '.join(map(repr, sorted(expected - found)))}")
    if found - expected:
        parts.append(f"has {', '.join(map(repr, sorted(found - expected)))}, which the queue has not")
    return " and ".join(parts)


def url_of(path: Path, link: Link | None, url: str | None) -> str:
    """Return the server's address: the one that was given, or that of the link.

    Raises:
        UserError: neither is there, or the queue was pushed to another server.
    """
    if link is None:
        if url is None:
            raise UserError("give --url, the server's address; later calls know it")
        return checked_url(url)
    if url is not None and checked_url(url) != link.url:
        raise UserError(
            f"the queue was pushed to {link.url}, not to {url}: leave --url out, or, if the same server moved, change "
            f"it in {path}"
        )
    return link.url


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Let one process at a time push or pull a queue.

    Raises:
        UserError: another one is at it.
    """
    with path.with_suffix(".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"{path.parent.name} is being pushed or pulled by another process: wait for it") from None
        yield
