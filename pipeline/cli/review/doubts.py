"""The page on what a model doubts, in one step: the queue, unless it is there, and its page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.cli.review.new import new
from pipeline.cli.review.queues import as_name, queue_folder
from pipeline.cli.review.serve import serve_queue

if TYPE_CHECKING:
    from groundloop.review.serve import Address


def review_doubts(
    model: str, address: Address, *, reviewers: list[str] | None = None, browser: bool, **options: Any
) -> None:
    """Serve the images on which a model is expected to err most, of those that it was evaluated on, until Ctrl-C.

    Args:
        model: execution, version, or folder of a local run. A queue that was made of it before is continued.
        address: where the page is served.
        reviewers: who gets a link; None for the user alone.
        browser: whether to open the page.
        options: of `groundloop review new`.
    """
    from groundloop.review.queue import FILE_NAME

    name = f"review-{as_name(model.rstrip('/').rpartition('/')[2])}"[:50].rstrip("-")
    if not (queue_folder(name) / FILE_NAME).is_file():
        new(name, from_=model, **options)
    serve_queue(name, reviewers, address, browser=browser)
