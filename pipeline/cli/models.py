"""``groundloop models``: the versions of the group side by side."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.options import AsJson, Assignments, ConfigFiles, load

if TYPE_CHECKING:
    from groundloop.models.registry import Version
    from pipeline.config import Config

app = typer.Typer(rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def models(
    context: typer.Context,
    last: Annotated[int, typer.Option("--last", "-n", min=1, max=500, help="So many, the newest.")] = 20,
    as_json: AsJson = False,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """List the versions side by side: status, metrics, the champion (highest approved version), what is served.

    Example: groundloop models --last 5
    """
    if context.invoked_subcommand:
        return
    settings = load(config, assignments)
    from groundloop.models.registry import champion_number, versions

    group = settings.registry.group
    found, serving = versions(settings.aws.region, group, last), _served(settings)
    best = champion_number(settings.aws.region, group)
    if as_json:
        listed = [_json(version, best, serving) for version in found]
        typer.echo(json.dumps({"group": group, "versions": listed}, indent=2))
        return
    if not found:
        typer.echo(f"group {group!r} has no version yet: groundloop start --watch")
        return
    typer.echo("version  status                 created           mAP    AP50   VOC    count off")
    for version in found:
        marks = [
            mark
            for mark, there in (("champion", version.number == best), ("served", version.number in serving))
            if there
        ]
        line = (
            f"{version.number:>7}  {version.status:<21}  {version.created:%Y-%m-%d %H:%M}  "
            f"{_figure(version, 'map')}  {_figure(version, 'map_50')}  {_figure(version, 'voc_map')}  "
            f"{_figure(version, 'count_mae'):<9}  {', '.join(marks)}"
        )
        typer.echo(line.rstrip())


@app.command()
def show(
    version: Annotated[int, typer.Argument(min=1, help="Version number.")],
    as_json: AsJson = False,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Show one version: its metrics, the decision on it, and where its evaluation and data are.

    Example: groundloop models show 7
    """
    settings = load(config, assignments)
    from groundloop.models.registry import champion_number
    from groundloop.models.registry import version as find

    region, group = settings.aws.region, settings.registry.group
    found, best, serving = find(region, group, version), champion_number(region, group), _served(settings)
    told = _json(found, best, serving)
    if as_json:
        typer.echo(json.dumps(told, indent=2))
        return
    role = ", ".join(name for name in ("champion", "served") if told[name])
    lines = {
        "version": f"{found.number}{f' ({role})' if role else ''}",
        "ARN": found.arn,
        "status": found.status + (f": {found.reason}" if found.reason else ""),
        "created": f"{found.created:%Y-%m-%d %H:%M:%S %Z}",
        **{name: f"{value:.4f}" for name, value in found.metrics.items()},
        **{name: value for name, value in sorted(found.metadata.items()) if name not in found.metrics},
    }
    for name, text in lines.items():
        typer.echo(f"{name:<14} {text}")


def _served(settings: Config) -> set[int]:
    """The versions that the configured endpoint serves; empty without an endpoint."""
    from pipeline.deployment import serving_versions

    return {number for number in serving_versions(settings) or [] if number}


def _json(version: Version, best: int | None, serving: set[int]) -> dict[str, Any]:
    return {**version.as_json(), "champion": version.number == best, "served": version.number in serving}


def _figure(version: Version, name: str) -> str:
    return f"{version.metrics[name]:.3f}" if name in version.metrics else "-    "
