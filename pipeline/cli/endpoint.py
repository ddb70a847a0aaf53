"""``groundloop endpoint``: what the endpoint serves, and how."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from pipeline.cli.options import AsJson, Assignments, ConfigFiles, load


def endpoint(
    name: Annotated[str | None, typer.Option("--name", help="Endpoint; else deploy.endpoint.name.")] = None,
    as_json: AsJson = False,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Show the endpoint: status, variants with their versions and weights, last update, alarms.

    Example: groundloop endpoint --json
    """
    settings = load(config, assignments)
    from groundloop.aws import offline_endpoint
    from groundloop.errors import UserError
    from pipeline.deployment import describe_endpoint

    standing = describe_endpoint(settings, name)
    if standing is None:
        wanted = name or settings.deploy.endpoint.name
        raise UserError(f"there is no endpoint {wanted!r} in {settings.aws.region}: groundloop deploy makes it")
    if as_json:
        typer.echo(json.dumps(standing.as_json(), indent=2))
        return
    lines = {
        "endpoint": f"{standing.name}, {standing.kind}",
        "status": standing.status + (f": {standing.reason}" if standing.reason else ""),
        "config": f"{standing.config}, since {standing.modified:%Y-%m-%d %H:%M:%S %Z}",
        "last update": standing.traffic.lower().replace("_", " ") if standing.traffic else "none, or all at once",
        "alarms": ", ".join(standing.alarms) or "none",
        "capture": f"{standing.capture_percent} % of requests" if standing.capture_percent else "off",
    }
    for title, text in lines.items():
        typer.echo(f"{title:<12} {text}")
    total = sum(variant.weight for variant in standing.variants) or 1.0
    for variant in standing.variants:
        version = f"version {variant.version}" if variant.version else variant.package or "no version of the group"
        count = f"{variant.instances} x {variant.machine}" if variant.instances is not None else variant.machine
        scaling = f", scales {variant.scaling}" if variant.scaling else ""
        typer.echo(
            f"{'variant':<12} {variant.name}: {version}, {variant.weight / total:.0%} of requests, {count}{scaling}"
        )
    if offline_endpoint() and (standing.alarms or standing.traffic not in ("", "ALL_AT_ONCE")):
        typer.echo("offline: requests move all at once here, alarms are not watched, autoscaling does nothing")
