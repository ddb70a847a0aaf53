"""``groundloop destroy``: remove what the project has made."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from pipeline.cli.options import AsJson, Assignments, ConfigFiles, load


def destroy(
    packages: Annotated[bool, typer.Option("--packages", help="The registered versions and their group too.")] = False,
    data: Annotated[bool, typer.Option("--data", help="Everything under aws.prefix in the bucket too.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List it, remove nothing.")] = False,
    yes: Annotated[
        str | None, typer.Option("--yes", metavar="NAME", help="The pipeline's name, instead of typing it when asked.")
    ] = None,
    as_json: AsJson = False,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """List all that this project has made in AWS, ask for the pipeline's name, and remove it. Nothing else is touched.

    Example: groundloop destroy --dry-run
    """
    from dataclasses import asdict

    from groundloop.errors import UserError

    settings = load(config, assignments)
    from pipeline.teardown import list_resources, remove_resources

    name = settings.pipeline.name
    if as_json and yes is None and not dry_run:
        raise typer.BadParameter("--json asks nothing: give --yes NAME, or --dry-run")
    items = list_resources(settings, packages=packages, data=data)
    if as_json:
        typer.echo(json.dumps({"pipeline": name, "items": [asdict(item) for item in items]}, indent=2))
    else:
        for item in items:
            typer.echo(f"{item.kind:<16} {item.name}{f' ({item.note})' if item.note else ''}")
        _tell_what_stays(packages, data)
    if not items or dry_run:
        if not items and not as_json:
            typer.echo(f"nothing of {name!r} is in {settings.aws.region}")
        return
    typed = yes if yes is not None else typer.prompt(f"\nRemove these {len(items)}? Type {name} to go on")
    if typed.strip() != name:
        raise UserError(f"{typed!r} is not the pipeline's name {name!r}: nothing was removed")
    remove_resources(settings, items, lambda item: typer.echo(f"removed {item.kind} {item.name}", err=as_json))


def _tell_what_stays(packages: bool, data: bool) -> None:
    kept = [
        text
        for text, asked in (("registered versions (--packages)", packages), ("S3 data (--data)", data))
        if not asked
    ]
    if kept:
        typer.echo(f"stays: {', '.join(kept)}, logs in CloudWatch")
