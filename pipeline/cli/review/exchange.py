"""`groundloop review push` and `pull`: a queue in Label Studio or CVAT."""

from __future__ import annotations

import contextlib
from dataclasses import asdict
from typing import Annotated, Literal

import typer

from pipeline.cli.options import AsJson
from pipeline.cli.output import print_json, print_line, print_values
from pipeline.cli.review.queues import QueueName, open_queue

_LISTED = 5

ToolName = Annotated[Literal["label-studio", "cvat"], typer.Argument(metavar="label-studio|cvat", help="The tool.")]
Url = Annotated[
    str | None,
    typer.Option(
        "--url", metavar="URL", help="Address of its server, such as http://127.0.0.1:8080; kept by the queue."
    ),
]


def push(
    name: QueueName,
    tool: ToolName,
    url: Url = None,
    upload: Annotated[
        bool, typer.Option("--upload", help="Upload images that are in S3 too, instead of letting the tool read them.")
    ] = False,
    cloud_storage: Annotated[
        int | None, typer.Option("--cloud-storage", metavar="ID", help="CVAT's number of the bucket with the images.")
    ] = None,
    organization: Annotated[
        str | None, typer.Option("--organization", metavar="NAME", help="CVAT's short name of your organization.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Push a queue to Label Studio or CVAT.

    Images that need an answer are pushed, with the boxes that are shown at first as drafts. The token is taken from
    LABEL_STUDIO_API_KEY or CVAT_ACCESS_TOKEN. After an interruption the same command goes on; what is there already is
    not pushed again.

    Example: groundloop review push week-47 label-studio --url http://127.0.0.1:8080
    """
    from groundloop.review.exchange import tools
    from groundloop.review.exchange.http import is_in_the_clear

    with contextlib.closing(open_queue(name)) as queue:
        connection = tools.Connection(url, organization)
        result = tools.push(queue, tools.Tool(tool), connection, upload=upload, cloud_storage=cloud_storage)
        name = queue.info.name
    if as_json:
        print_json({"name": name, "tool": tool, **asdict(result)})
        return
    if is_in_the_clear(result.url):
        print_line("note: the token and the images travel unencrypted: use an https URL", to_stderr=True)
    before = f"; {result.known} were there already" if result.known else ""
    print_line(f"{name}: {result.new} images with {result.boxes} boxes pushed{before}")
    print_values({"there": result.url, "when work is done": f"groundloop review pull {name} {tool}"})


def pull(
    name: QueueName,
    tool: ToolName,
    url: Url = None,
    cleanup: Annotated[
        bool,
        typer.Option(
            "--cleanup", help="Delete the project or tasks there, if all images are finished and stored here."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Pull finished work from Label Studio or CVAT.

    It is stored as answers of the queue. Work that is not finished stays there, for a later pull; what was pulled
    before is not stored again. An image without boxes is a negative.

    Example: groundloop review pull week-47 label-studio
    """
    from groundloop.review.exchange import tools

    with contextlib.closing(open_queue(name)) as queue:
        result = tools.pull(queue, tools.Tool(tool), tools.Connection(url), cleanup=cleanup)
        name = queue.info.name
    if as_json:
        print_json({"name": name, "tool": tool, **asdict(result)})
        return
    for text in (*result.left_out[:_LISTED], *_more(result.left_out)):
        print_line(f"left out: {text}", to_stderr=True)
    for text in (*result.notes[:_LISTED], *_more(result.notes)):
        print_line(f"note: {text}", to_stderr=True)
    if result.images:
        before = f", {result.known} were pulled before" if result.known else ""
        print_line(
            f"{name}: {result.finished} of {result.images} images are finished: {result.new} new answers{before}"
        )
        print_values({"without objects": result.negatives, "skipped": result.skipped}, indent=2)
    if result.deleted:
        print_line(f"deleted in {tool}; groundloop review finish {name} makes the labels")


def _more(texts: tuple[str, ...]) -> list[str]:
    return [f"{len(texts) - _LISTED} more"] if len(texts) > _LISTED else []
