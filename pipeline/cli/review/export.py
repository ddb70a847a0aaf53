"""`groundloop review export`: a queue in the files of Ground Truth or A2I."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Annotated, Literal

import typer

from pipeline.cli.options import AsJson, suggest
from pipeline.cli.output import print_json, print_line, print_values
from pipeline.cli.review.queues import QueueName, open_queue

To = Literal["a2i", "worker-response"]


def export(
    name: QueueName,
    to: Annotated[
        To, typer.Option("--to", help="a2i: an output.json per image; worker-response: a labelling job's folder.")
    ],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="DIR", help="New folder [default: reviews/QUEUE/FORMAT].")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write the answers as Ground Truth or A2I do.

    a2i: the output.json files of human loops. worker-response: the output folder of a Ground Truth labelling job, with
    its output manifest. The answers of each person are kept apart, under pseudonyms. Skipped, unsure and bad images,
    and answers that their worker changed, have no place in either.

    Example: groundloop review export week-47 --to a2i
    """
    from groundloop.labels.formats.disk import write_folder
    from groundloop.review.export import ExportFormat, exported

    with contextlib.closing(open_queue(name)) as queue:
        result = exported(queue, ExportFormat(to))
        folder = output or queue.database.path.parent / to
    write_folder(folder, result.files, {})
    if as_json:
        print_json(
            {
                "folder": str(folder),
                "files": len(result.files),
                "images": result.images,
                "answers": result.answers,
                "left_out": result.left_out,
            }
        )
        return
    values = {
        "answers": f"{result.answers} to {result.images} images",
        "left out": f"{result.left_out}, that are no labels or were changed later" if result.left_out else "none",
        "written": f"{folder}, {len(result.files)} files",
    }
    print_values(values)
    print_line(f"\nto read them:  {suggest('review', 'insight', str(folder))}")
