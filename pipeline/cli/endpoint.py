"""`groundloop endpoint`: what the endpoint serves, and a test of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.load_test import load_test
from pipeline.cli.options import AsJson, Assignments, ConfigFiles, load
from pipeline.cli.output import print_json, print_line, print_table, print_values

if TYPE_CHECKING:
    from pipeline.deployment import Endpoint


app = typer.Typer(rich_markup_mode=None)
app.command("test")(load_test)


@app.callback(invoke_without_command=True)
def endpoint(
    context: typer.Context,
    name: Annotated[str | None, typer.Option("--name", help="Endpoint; default: deploy.endpoint.name.")] = None,
    as_json: AsJson = False,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Show the endpoint, its variants and their versions.

    Example: groundloop endpoint --json
    """
    if context.invoked_subcommand:
        return
    settings = load(config, assignments)
    from groundloop.aws import offline_endpoint
    from groundloop.errors import UserError
    from pipeline.deployment import describe_endpoint

    deployed = describe_endpoint(settings, name)
    if deployed is None:
        missing = name or settings.deploy.endpoint.name
        raise UserError(f"there is no endpoint {missing!r} in {settings.aws.region}: `groundloop deploy` creates it")
    if as_json:
        print_json(deployed.as_json())
        return
    _print_endpoint(deployed)
    if offline_endpoint() and (deployed.alarms or deployed.traffic not in ("", "ALL_AT_ONCE")):
        print_line("offline: traffic shifts all at once, alarms are not evaluated, autoscaling has no effect")


def _print_endpoint(deployed: Endpoint) -> None:
    capture = f"{deployed.data_capture_percent} % of requests" if deployed.data_capture_percent else "off"
    print_values(
        {
            "endpoint": f"{deployed.name}, {deployed.kind}",
            "status": deployed.status + (f": {deployed.reason}" if deployed.reason else ""),
            "config": f"{deployed.config}, since {deployed.modified:%Y-%m-%d %H:%M:%S %Z}",
            "last update": deployed.traffic.lower().replace("_", " ") if deployed.traffic else "none, or all at once",
            "alarms": ", ".join(deployed.alarms) or "none",
            "data capture": capture,
        }
    )
    print_line()
    total = sum(variant.weight for variant in deployed.variants) or 1.0
    print_table(
        ("variant", "version", "requests", "instances", "scaling"),
        [
            (
                variant.name,
                variant.version or variant.package or "not of the group",
                f"{variant.weight / total:.0%}",
                variant.instance_type
                if variant.instance_count is None
                else f"{variant.instance_count} x {variant.instance_type}",
                variant.scaling or "-",
            )
            for variant in deployed.variants
        ],
        right=("version", "requests"),
    )
