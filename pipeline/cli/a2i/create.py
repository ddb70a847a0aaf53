"""`groundloop a2i create`: the workers' page and the flow definition."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.options import AsJson, Assignments, ConfigFiles, load_with_origins, suggest
from pipeline.cli.output import print_json, print_line

FlowName = Annotated[
    str, typer.Argument(metavar="FLOW", help="Name of the flow definition: lower case letters, digits, inner hyphens.")
]


def create(
    flow: FlowName,
    template: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Worker task template of your own; default: boxes to correct.", dir_okay=False
        ),
    ] = None,
    as_json: AsJson = False,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Create a flow definition and its workers' page.

    Its human loops show a model's boxes to the workteam. The settings under labeling say who answers, and how often.
    Costs nothing until loops are started.

    Example: groundloop a2i create week-47
    """
    from groundloop.errors import UserError
    from groundloop.labeling.flow_definition import flow_definition_request, human_task_ui_request
    from groundloop.labeling.flows import create_flow
    from groundloop.labeling.worker_template import review_template
    from pipeline.labeling_jobs import human_task

    settings = load_with_origins(config, assignments, incomplete=True).require("aws.role", "aws.bucket")
    title = settings.labeling.title or "Correct the boxes: move, delete and add them"
    try:
        text = template.read_text("utf-8") if template else review_template(title, settings.labeling.instructions)
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"--template {template}: can't be read as UTF-8 text: {error}") from None
    request = flow_definition_request(
        flow,
        human_task(settings, title),
        settings.labeling.role or settings.aws.role,
        f"s3://{settings.aws.bucket}/{settings.aws.prefix}/a2i",
        kms_key=settings.aws.kms_key,
        tags=settings.aws.tags,
    )
    made = create_flow(settings.aws.region, human_task_ui_request(flow, text, settings.aws.tags), request)
    if as_json:
        print_json({"flow": made.name, "arn": made.arn, "status": made.status, "outputs": made.output_uri})
        return
    print_line(f"created {made.arn}")
    print_line(f"start human loops:  {suggest('a2i', 'start', flow, '--from', 'MODEL')}")
