"""`groundloop destroy`: remove what the project created."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.cli.options import AsJson, Assignments, ConfigFiles, load
from pipeline.cli.output import print_json, print_line, print_table


def destroy(
    packages: Annotated[bool, typer.Option("--packages", help="Also the model packages and their group.")] = False,
    data: Annotated[bool, typer.Option("--data", help="Also everything under aws.prefix in the bucket.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List the resources, remove nothing.")] = False,
    yes: Annotated[
        str | None, typer.Option("--yes", metavar="NAME", help="The pipeline's name, instead of the prompt for it.")
    ] = None,
    as_json: AsJson = False,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """List and remove what the project created in AWS.

    Asks for the pipeline's name before anything is removed. Resources of others are not touched, nor what a project
    beside this one, such as a search for hyperparameters, uses too.

    Example: groundloop destroy --dry-run
    """
    from dataclasses import asdict

    from groundloop.errors import UserError

    settings = load(config, assignments)
    from pipeline.teardown import list_resources, remove_resources

    name = settings.pipeline.name
    if as_json and yes is None and not dry_run:
        raise typer.BadParameter("--json can't prompt for the pipeline's name: add --yes NAME or --dry-run")
    found = list_resources(settings, packages=packages, data=data)
    resources, kept = found.removed, [f"{item.kind} {item.name} ({item.note})" for item in found.kept]
    if as_json:
        removed = [asdict(resource) for resource in resources]
        print_json({"pipeline": name, "resources": removed, "kept": [asdict(resource) for resource in found.kept]})
    elif resources:
        rows = [(resource.kind, resource.name, resource.note) for resource in resources]
        print_table(("resource", "name", ""), rows)
        _print_kept(packages, data, kept)
    if not resources or dry_run:
        if not resources and not as_json:
            _print_kept(packages, data, kept)
            print_line(f"there is nothing of {name!r} in {settings.aws.region}")
        return
    typed = yes if yes is not None else typer.prompt(f"\nRemove these {len(resources)}? Type {name} to confirm")
    if typed.strip() != name:
        raise UserError(f"{typed!r} is not the pipeline's name {name!r}: nothing was removed")
    remove_resources(
        settings, resources, lambda resource: print_line(f"removed {resource.kind} {resource.name}", to_stderr=as_json)
    )


def _print_kept(packages: bool, data: bool, more: list[str]) -> None:
    options = (("model packages (--packages)", packages), ("S3 data (--data)", data))
    kept = [*more, *(text for text, removed in options if not removed)]
    if kept:
        print_line(f"kept: {', '.join(kept)}, logs in CloudWatch")
