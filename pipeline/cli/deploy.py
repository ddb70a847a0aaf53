"""`groundloop deploy`: bring a version to the endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.options import Assignments, ConfigFiles, JsonLines, load, suggest
from pipeline.cli.output import print_json_line, print_line

if TYPE_CHECKING:
    from pipeline.config import Config

Wait = Annotated[
    bool, typer.Option("--wait/--no-wait", help="Follow the deployment to its end; Ctrl-C does not stop it.")
]


def deploy(
    version: Annotated[int | None, typer.Argument(min=1, help="Version; default: the highest approved one.")] = None,
    wait: Wait = True,
    as_json: JsonLines = False,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Deploy an approved version without downtime.

    The settings under deploy say how.

    Example: groundloop deploy 7
    """
    settings = load(config, assignments)
    from pipeline.deployment import start_deployment

    follow_deployment(settings, start_deployment(settings, version), wait, as_json)


def follow_deployment(config: Config, arn: str, wait: bool, as_json: bool) -> None:
    """Print the progress of an execution of the deploy pipeline, and what the endpoint serves afterwards.

    Args:
        config: the configuration.
        arn: of the execution.
        wait: follow it to its end; otherwise only print how to.
        as_json: print one JSON object per line.
    """
    if as_json:
        print_json_line({"event": "start", "execution": arn, "pipeline": config.pipeline.deploy_name})
    else:
        print_line(f"started {arn}")
    if not wait:
        if not as_json:
            print_line(f"next: {suggest('watch', arn)}")
        return
    from pipeline.cli.progress import follow
    from pipeline.deployment import describe_endpoint

    follow(config.aws.region, arn, as_json=as_json)
    deployed = describe_endpoint(config)
    if deployed is None:
        return
    if as_json:
        print_json_line(
            {"event": "endpoint", "name": deployed.name, "status": deployed.status, "version": deployed.version}
        )
    else:
        print_line(f"endpoint {deployed.name} is {deployed.status} and serves version {deployed.version}")
