"""The page on what a model doubts, in one step: the queue, unless it is there, and its page."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.cli.output import print_line
from pipeline.cli.review.doubtful import doubts_tasks
from pipeline.cli.review.making import QueueOptions, make_queue, print_made
from pipeline.cli.review.queues import as_name, open_queue, queue_folder
from pipeline.cli.review.selecting import SelectionOptions
from pipeline.cli.review.serve import serve_queue
from pipeline.cli.review.settings import ReviewConfig

if TYPE_CHECKING:
    from groundloop.review.serve import Address


def review_doubts(
    model: str,
    address: Address,
    *,
    browser: bool,
    reviewers: list[str] | None = None,
    evaluated_in: str | None = None,
    selection: SelectionOptions | None = None,
    config: list[Path] | None = None,
    assignments: list[str] | None = None,
) -> None:
    """Serve the images on which a model is expected to err most, of those that it was evaluated on, until Ctrl-C.

    Args:
        model: execution, version, or folder of a local run. A queue that was made of it before is continued.
        address: where the page is served.
        browser: whether to open the page.
        reviewers: who gets a link; None for the user alone.
        evaluated_in: folder with the images that the model was evaluated on; None where the model's run says it.
        selection: how images are chosen; None as the settings say.
        config, assignments: of the configuration.
    """
    from groundloop.review.queue import FILE_NAME

    name = f"review-{as_name(model.rstrip('/').rpartition('/')[2])}"[:50].rstrip("-")
    folder = queue_folder(name)
    if not (folder / FILE_NAME).is_file():
        settings = ReviewConfig(config, assignments)
        given = QueueOptions().info(name, settings.review)
        chosen_by = selection or SelectionOptions()
        print_made(make_queue(name, *doubts_tasks(given, model, settings, chosen_by, evaluated_in=evaluated_in)))
    else:
        with contextlib.closing(open_queue(name)) as queue:
            progress = queue.progress("")
        if progress.answered == progress.total:
            print_line(f"note: all of {name} is answered; for another: groundloop review new NAME --from {model}")
    serve_queue(name, reviewers, address, browser=browser)
