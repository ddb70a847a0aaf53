"""`groundloop review serve`, `status`, `release` and `revoke`: people at work on a queue."""

from __future__ import annotations

import contextlib
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.options import AsJson
from pipeline.cli.output import print_json, print_line, print_values
from pipeline.cli.review.queues import QueueName, open_queue
from pipeline.cli.review.serving import (
    AdjudicatorNames,
    Behind,
    Certificate,
    Host,
    Key,
    NoBrowser,
    Port,
    ReviewerNames,
)

if TYPE_CHECKING:
    from groundloop.review.serve import Address


class ImageAccess(str, Enum):
    """How browsers get images in S3."""

    PROXIED = "proxied"
    PRESIGNED = "presigned"


Reviewer = Annotated[str, typer.Argument(metavar="NAME", help="The reviewer.")]


def serve(
    name: QueueName,
    reviewers: ReviewerNames = None,
    adjudicators: AdjudicatorNames = None,
    port: Port = 0,
    host: Host = "127.0.0.1",
    certificate: Certificate = None,
    key: Key = None,
    behind: Behind = None,
    no_browser: NoBrowser = False,
    images: Annotated[
        ImageAccess | None,
        typer.Option(help="How browsers get images in S3; default: as the queue was made, see review.images."),
    ] = None,
) -> None:
    """Serve a queue's page to its reviewers.

    Prints a link for each reviewer. The page listens on this machine only; for reviewers elsewhere forward the port by
    SSH, or give a certificate or the URL of a proxy that speaks HTTPS.

    Where several people answer an image and disagree, somebody who has not answered it decides. Adjudicators that were
    named once decide instead, whether they have answered it or not.

    Example: groundloop review serve week-47 --reviewer ann --reviewer bob
    """
    from groundloop.review.serve import Address

    address = Address(host, port, certificate, key, behind)
    if adjudicators:
        with contextlib.closing(open_queue(name)) as queue:
            for adjudicator in adjudicators:
                queue.reviewers.appoint(adjudicator)
        reviewers = list(dict.fromkeys([*(reviewers or ()), *adjudicators]))
    access = images.value if images else None
    serve_queue(name, reviewers, address, browser=not no_browser and len(reviewers or ()) <= 1, image_access=access)


def serve_queue(
    name: str, reviewers: list[str] | None, address: Address, *, browser: bool, image_access: str | None = None
) -> None:
    """Serve a queue until Ctrl-C, then say how far it is."""
    import msgspec

    from pipeline.cli.review.serving import print_end, serve_until_interrupted

    queue = open_queue(name)
    if image_access is not None:
        queue.info = msgspec.structs.replace(queue.info, image_access=image_access)
    before = queue.progress("")
    print_line(f"{queue.info.name}: {before.total} images, {before.answered} answered")
    serve_until_interrupted(queue, reviewers, address, browser=browser)
    with contextlib.closing(open_queue(name)) as again:
        progress = again.progress("")
        print_end(again.info.name, progress.answered, progress.total)


def status(name: QueueName, as_json: AsJson = False) -> None:
    """Show how far a queue is, and who holds what.

    Example: groundloop review status week-47
    """
    with contextlib.closing(open_queue(name)) as queue:
        progress, outcomes, late = queue.progress(""), queue.answers.by_outcome(), queue.answers.late()
        answered, held = queue.answers.by_reviewer(), queue.leases.held()
        adjudicators = queue.reviewers.adjudicators()
    people = {
        reviewer: {"answered": answered.get(reviewer, 0), "holds": held.get(reviewer, 0)}
        for reviewer in sorted({*answered, *held})
    }
    if as_json:
        counts = {outcome.value: count for outcome, count in outcomes.items()}
        print_json(
            {
                "name": queue.info.name,
                "source": queue.info.source,
                "images": progress.total,
                "answered": progress.answered,
                "waiting": progress.waiting,
                "adjudication": progress.adjudication,
                "outcomes": counts,
                "late": late,
                "adjudicators": list(adjudicators),
                "reviewers": people,
            }
        )
        return
    print_line(f"{queue.info.name}: {progress.answered} of {progress.total} images answered")
    values: dict[str, object] = {"from": queue.info.source} if queue.info.source else {}
    values |= {outcome.value: count for outcome, count in outcomes.items() if count}
    if progress.waiting:
        values["waiting"] = f"{progress.waiting} for an answer of another person"
    if progress.adjudication:
        values["adjudication"] = f"{progress.adjudication}, where the answers disagree, for {_deciding(adjudicators)}"
    if late:
        values["late answers"] = f"{late}, kept; they count where there is no other"
    for reviewer, counts in people.items():
        values[reviewer] = f"{counts['answered']} answered, holds {counts['holds']}"
    print_values(values, indent=2)


def _deciding(adjudicators: tuple[str, ...]) -> str:
    return " or ".join(adjudicators) if adjudicators else "somebody who has not answered them, or --adjudicator NAME"


def release(name: QueueName, reviewer: Reviewer) -> None:
    """Give the images that a reviewer holds to others.

    Images go back by themselves some minutes after the page was closed; this does it at once.

    Example: groundloop review release week-47 bob
    """
    from groundloop.errors import UserError

    with contextlib.closing(open_queue(name)) as queue:
        known = queue.reviewers.names()
        if reviewer not in known:
            listed = f"; its reviewers are {', '.join(known)}" if known else ""
            raise UserError(f"{queue.info.name} has no reviewer {reviewer!r}{listed}")
        count = queue.leases.release_all(reviewer)
    if not count:
        print_line(f"{reviewer} holds no images")
        return
    print_line(f"{count} images that {reviewer} held are back in the queue")


def revoke(name: QueueName, reviewer: Reviewer) -> None:
    """End a reviewer's links and sessions.

    The answers stay.

    Example: groundloop review revoke week-47 bob
    """
    from groundloop.errors import UserError

    with contextlib.closing(open_queue(name)) as queue:
        if not queue.reviewers.revoke(reviewer):
            raise UserError(f"{reviewer} has neither a link nor a session: review status lists who has answered")
    print_line(f"{reviewer}'s links and sessions don't open the page any more; the answers stay")
