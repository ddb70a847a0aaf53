"""``groundloop upsert``: create or update the pipelines."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.options import Assignments, ConfigFiles, load

if TYPE_CHECKING:
    from pipeline.config import Config
    from pipeline.upsert import UpsertResult


def upsert(
    plan: Annotated[
        Path | None, typer.Argument(help="File of `groundloop plan --out`: applied as it was shown, or refused.")
    ] = None,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Create or update the pipelines and their triggers on the AWS that the environment points to.

    Example: groundloop upsert --config configs/prod.yaml
    """
    from groundloop.aws import offline_endpoint
    from groundloop.errors import UserError

    if plan is not None and (config or assignments):
        raise UserError(f"upsert takes either a plan ({plan}) or --config and --set: a plan holds its configuration")
    offline = offline_endpoint()
    if plan is not None:
        from pipeline.plan.saved_plan import apply_plan, load_plan

        saved = load_plan(plan)
        settings = saved.config
        _say_where(settings, offline)
        done = apply_plan(saved)
    else:
        settings = load(config, assignments)
        from pipeline.upsert import upsert_pipelines

        _say_where(settings, offline)
        done = upsert_pipelines(settings)
    for pipeline in done:
        _show(settings, pipeline, offline)
    _triggers(settings)
    typer.echo("\nnext: groundloop start --watch")


def _say_where(settings: Config, offline: str | None) -> None:
    typer.echo(f"AWS: offline, {offline} (AWS_ENDPOINT_URL)" if offline else f"AWS: {settings.aws.region}")


def _show(settings: Config, pipeline: UpsertResult, offline: str | None) -> None:
    from pipeline.upsert import studio_link

    typer.echo(f"\n{pipeline.action} {pipeline.name}")
    typer.echo(f"  ARN     {pipeline.arn}")
    link = studio_link(settings, pipeline.name)
    typer.echo(f"  Studio  {link or ('none offline' if offline else 'no Studio domain found in this region')}")
    typer.echo("  parameters")
    for parameter in pipeline.parameters:
        typer.echo(f"    {parameter['Name']:<24} {parameter['Type']:<8} {parameter['DefaultValue']}")
        if "EnumValues" in parameter:
            choices = f"one of {', '.join(parameter['EnumValues'])}"
            typer.echo(textwrap.fill(choices, 118, initial_indent=" " * 38, subsequent_indent=" " * 38))
    for warning in pipeline.warnings:
        typer.echo(f"warning: {warning}", err=True)


def _triggers(settings: Config) -> None:
    from pipeline.upsert import put_triggers

    applied, refused = put_triggers(settings)
    if applied is None:
        typer.echo(f"warning: {refused}", err=True)
        return
    for done in ("created", "updated", "unchanged", "removed"):
        for name in getattr(applied, done):
            typer.echo(f"\n{done} trigger {name}")
    if applied.note:
        typer.echo(f"warning: {applied.note}", err=True)
