"""Serving a queue from the command line: the options, the links, and the end."""

from __future__ import annotations

import contextlib
import getpass
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.output import print_line

if TYPE_CHECKING:
    from groundloop.review.queue import Queue
    from groundloop.review.serve import Address

ReviewerNames = Annotated[
    list[str] | None,
    typer.Option("--reviewer", metavar="NAME", help="Who reviews, repeatable; a link for each. Default: you."),
]
AdjudicatorNames = Annotated[
    list[str] | None,
    typer.Option(
        "--adjudicator", metavar="NAME", help="Who decides where people disagree, repeatable; a link for each."
    ),
]
Port = Annotated[int, typer.Option(min=0, max=65535, metavar="N", help="Port of the page; 0 takes a free one.")]
Host = Annotated[str, typer.Option(metavar="ADDRESS", help="Address to listen on; others need TLS or --behind.")]
Certificate = Annotated[Path | None, typer.Option("--tls-cert", metavar="FILE", help="Certificate, PEM.")]
Key = Annotated[Path | None, typer.Option("--tls-key", metavar="FILE", help="Private key, PEM.")]
Behind = Annotated[str | None, typer.Option(metavar="URL", help="URL of a proxy in front of the page.")]
NoBrowser = Annotated[bool, typer.Option("--no-browser", help="Don't open the page in the browser.")]


def serve_until_interrupted(queue: Queue, reviewers: list[str] | None, address: Address, *, browser: bool) -> None:
    """Serve a queue until Ctrl-C, and say what to do next.

    Args:
        queue: it is closed at the end.
        reviewers: who gets a link; None for the user alone.
        address: where the page is served.
        browser: whether to open the first link.
    """
    from groundloop.review.presigned import EXPIRY_SECONDS
    from groundloop.review.serve import invitations, serving
    from groundloop.review.server import is_presigned

    backup = _backed_up(queue)
    with contextlib.closing(queue), backup, contextlib.suppress(KeyboardInterrupt), serving(queue, address) as url:
        links = invitations(queue, reviewers or [_user()], url)
        for reviewer, link in links.items():
            print_line(f"{reviewer}: {link}")
        if is_presigned(queue.info):
            minutes = EXPIRY_SECONDS // 60
            print_line(f"Browsers read images in S3 by themselves, through URLs that expire after {minutes} minutes.")
        print_line("Whoever has a link works under that name. Every answer is saved at once; Ctrl-C ends the page.")
        if browser:
            typer.launch(next(iter(links.values())))
        threading.Event().wait()
    print_line()


@contextlib.contextmanager
def _backed_up(queue: Queue) -> Iterator[None]:
    """Write the answers to S3 while the body runs, if the queue has a backup."""
    if queue.info.backup is None:
        yield
        return
    from groundloop.review.backup import Backup, backing_up

    backup = Backup(queue, queue.info.backup)
    with backing_up(backup):
        print_line(f"Answers are written to {backup.place} too.")
        yield
    if backup.problem:
        print_line(f"note: answers are on this disk, but not all in {backup.place} yet: {backup.problem}")


def print_end(queue_name: str, answered: int, total: int) -> None:
    """Say how far a queue is, and what to do next."""
    print_line(f"{answered} of {total} images answered")
    if answered < total:
        print_line(f"go on:   groundloop review serve {queue_name}")
    if answered:
        print_line(f"finish:  groundloop review finish {queue_name}")


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no such user in this container
        return "me"
