"""``groundloop deploy``: bring the endpoint to a version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.options import Assignments, ConfigFiles, load

if TYPE_CHECKING:
    from pipeline.config import Config

Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Follow it to its end; Ctrl-C ends the following only.")]


def deploy(
    version: Annotated[int | None, typer.Argument(min=1, help="Version; else the highest approved one.")] = None,
    wait: Wait = True,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Bring the endpoint to an approved version without downtime, as configured under deploy.

    Example: groundloop deploy 7
    """
    settings = load(config, assignments)
    from pipeline.deployment import start_deployment

    follow_deployment(settings, start_deployment(settings, version), wait)


def follow_deployment(config: Config, arn: str, wait: bool) -> None:
    """Print how an execution of the deploy pipeline goes, and what the endpoint serves after it."""
    typer.echo(f"started {arn}")
    if not wait:
        typer.echo(f"next: groundloop watch {arn}")
        return
    from pipeline.cli.progress import follow
    from pipeline.deployment import describe_endpoint

    follow(config.aws.region, arn, stop_on_interrupt=False)  # half a deployment is worse than one too many
    standing = describe_endpoint(config)
    if standing is not None:
        typer.echo(f"endpoint {standing.name} is {standing.status} and serves version {standing.version}")
