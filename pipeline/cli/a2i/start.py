"""`groundloop a2i start`: human loops for the images on which a model is expected to err most."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.a2i.create import FlowName
from pipeline.cli.labeling.creating import CreationOptions, confirmed, print_bound
from pipeline.cli.option_groups import with_option_groups
from pipeline.cli.options import Assignments, ConfigFiles, suggest
from pipeline.cli.output import print_json, print_line
from pipeline.cli.review.doubtful import doubts_tasks
from pipeline.cli.review.selecting import SelectionOptions
from pipeline.cli.review.settings import ReviewConfig

if TYPE_CHECKING:
    from groundloop.labeling.flows import Flow
    from groundloop.labeling.prices import CostBound
    from pipeline.config import Config

From = Annotated[
    str, typer.Option("--from", metavar="MODEL", help="Execution, or version, whose detections are shown.")
]
Images = Annotated[
    str | None,
    typer.Option(metavar="S3_URI", help="Prefix of new images; default: those that the model was evaluated on."),
]


@with_option_groups
def start(
    flow: FlowName,
    from_: From,
    selection: SelectionOptions,
    creation: CreationOptions,
    images: Images = None,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Start human loops for what a model doubts.

    Images are chosen by the mistakes that are expected of the model, as for a review queue, the audit share included. A
    loop's input holds the image, the boxes over the threshold with their classes, the thresholds, and why it was
    chosen. Starting again starts loops only for images that have none.

    Example: groundloop a2i start week-47 --from 7 --condition 'top_score < 0.5'
    """
    from groundloop.aws import client, offline_endpoint
    from groundloop.errors import UserError
    from groundloop.labeling.flows import find_flow, loops, start_loops
    from groundloop.labeling.loop_input import loop_input, start_loop_request
    from groundloop.labeling.loop_outputs import output_uris
    from groundloop.review.queue import QueueInfo

    settings = ReviewConfig(config, assignments)
    given = QueueInfo(name=flow, classes=())
    info, tasks = doubts_tasks(given, from_, settings, selection, images=images)
    if info.images is not None and offline_endpoint() is None:
        raise UserError(f"the images of {from_} are in {info.images}, and A2I shows those in S3: give a version of AWS")
    region = settings().aws.region
    found = find_flow(region, flow)
    contents = (loop_input(task, info.classes, flow, info.model) for task in tasks)
    requests = [start_loop_request(found.arn, content) for content in contents]
    if creation.dry_run:
        print_json(requests)
        return
    # An answered loop may have been deleted: its output tells that it was there.
    known = {loop.name for loop in loops(region, found)} | set(output_uris(client("s3", region), found.output_uri))
    new = [request for request in requests if request["HumanLoopName"] not in known]
    if new:
        print_bound(_cost(settings(), found, len(new)), to_stderr=creation.as_json)
        if not confirmed(f"Start {len(new)} human loops?", creation):
            return
    started, before = start_loops(region, requests, known)
    if creation.as_json:
        print_json({"flow": flow, "started": started, "started_before": before})
        return
    print_line(f"started {started} human loops" + (f"; {before} were started before" if before else ""))
    print_line(f"progress:  {suggest('a2i', 'status', flow)}")


def _cost(settings: Config, flow: Flow, loops: int) -> CostBound:
    from groundloop.labeling.prices import cost_bound

    prices = settings.labeling
    return cost_bound(loops, flow.workers, object_usd=prices.object_usd, answer_usd=prices.answer_usd)
