"""`groundloop models`: the registered versions side by side."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.options import AsJson, Assignments, ConfigFiles, load, suggest
from pipeline.cli.output import print_json, print_line, print_lines, print_table, print_values

if TYPE_CHECKING:
    from groundloop.models.registry import Version
    from pipeline.config import Config

# In whole with --json.
_SHA256 = re.compile("[0-9a-f]{64}")

app = typer.Typer(rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def models(
    context: typer.Context,
    last: Annotated[int, typer.Option("--last", "-n", min=1, max=500, help="Number of versions.")] = 20,
    as_json: AsJson = False,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """List the registered versions with their metrics.

    Marks the champion (the highest approved version) and the version that the endpoint serves.

    Example: groundloop models --last 5
    """
    if context.invoked_subcommand:
        return
    settings = load(config, assignments)
    from groundloop.models.registry import champion_number, versions

    group = settings.registry.group
    listed, served = versions(settings.aws.region, group, last), _served_versions(settings)
    best = champion_number(settings.aws.region, group)
    if as_json:
        print_json({"group": group, "versions": [_as_json(version, best, served) for version in listed]})
        return
    if not listed:
        print_line(f"group {group!r} has no version yet: groundloop start --watch")
        return
    print_table(
        ("version", "status", "created", "mAP", "AP50", "VOC mAP", "count MAE", ""),
        [
            (
                version.number,
                version.status,
                f"{version.created:%Y-%m-%d %H:%M}",
                *(_metric(version, name) for name in ("map", "map_50", "voc_map", "count_mae")),
                _roles(version, best, served),
            )
            for version in listed
        ],
        right=("version", "mAP", "AP50", "VOC mAP", "count MAE"),
    )


@app.command()
def show(
    version: Annotated[int, typer.Argument(min=1, help="Version number.")],
    as_json: AsJson = False,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Show one version: metrics, decision, metadata.

    Example: groundloop models show 7
    """
    settings = load(config, assignments)
    from groundloop.models import registry

    region, group = settings.aws.region, settings.registry.group
    shown, best, served = (
        registry.version(region, group, version),
        registry.champion_number(region, group),
        _served_versions(settings),
    )
    ancestors = registry.ancestors(region, shown.metadata)
    if as_json:
        print_json({**_as_json(shown, best, served), "started_from": ancestors})
        return
    roles = _roles(shown, best, served)
    print_values(
        {
            "version": f"{shown.number}{f' ({roles})' if roles else ''}",
            "ARN": shown.arn,
            "status": shown.status + (f": {shown.reason}" if shown.reason else ""),
            **_report(shown),
            **({"baseline": shown.baseline} if shown.baseline else {}),
            **({"started from": ", from ".join(map(_model_name, ancestors))} if ancestors else {}),
            "created": f"{shown.created:%Y-%m-%d %H:%M:%S %Z}",
        }
    )
    metadata = {
        name: f"{value[:12]}..." if _SHA256.fullmatch(value) else value
        for name, value in sorted(shown.metadata.items())
        if name not in shown.metrics and name != "started_from"
    }
    for title, values in (
        ("metrics", {name: f"{value:.4f}" for name, value in shown.metrics.items()}),
        ("metadata", metadata),
    ):
        if values:
            print_lines(["", title])
            print_values(values, indent=2)


def _model_name(model: str) -> str:
    """Return a version's number, or the URI of a model that is none."""
    from groundloop.models.version_selection import version_of

    return f"version {version_of(model)}" if model.startswith("arn:") else model


def _report(version: Version) -> dict[str, str]:
    """Return how to see the version's report; nothing for a version without an evaluation."""
    if "evaluation" not in version.metadata:
        return {}
    return {"report": suggest("report", str(version.number), "--open")}


def _served_versions(settings: Config) -> set[int]:
    """Return the versions that the configured endpoint serves; empty without an endpoint."""
    from pipeline.deployment import serving_versions

    return {number for number in serving_versions(settings) or [] if number}


def _roles(version: Version, best: int | None, served: set[int]) -> str:
    roles = {"champion": version.number == best, "served": version.number in served}
    return ", ".join(role for role, applies in roles.items() if applies)


def _as_json(version: Version, best: int | None, served: set[int]) -> dict[str, Any]:
    return {**version.as_json(), "champion": version.number == best, "served": version.number in served}


def _metric(version: Version, name: str) -> str:
    return f"{version.metrics[name]:.3f}" if name in version.metrics else "-"
