"""``groundloop triggers``: what starts the pipelines without a person."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import typer

from pipeline.cli.options import AsJson, Assignments, ConfigFiles, load

if TYPE_CHECKING:
    from pipeline.config import Config

app = typer.Typer(
    help="EventBridge rules: approval and rejection deploy and roll back, schedules retrain.\n\n"
    "Example: groundloop triggers apply",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command()
def apply(as_json: AsJson = False, config: ConfigFiles = None, assignments: Assignments = None) -> None:
    """Make the rules that the configuration asks for, and remove this pipeline's others. Again changes nothing.

    Example: groundloop triggers apply --config configs/prod.yaml
    """
    from dataclasses import asdict

    settings = load(config, assignments)
    from groundloop.aws import offline_endpoint
    from pipeline.triggers import apply_triggers

    applied = apply_triggers(settings)
    if as_json:
        typer.echo(json.dumps(asdict(applied), indent=2))
        return
    for done in ("created", "updated", "unchanged", "removed"):
        for name in getattr(applied, done):
            typer.echo(f"{done:<10} {name}")
    if applied.queue:
        typer.echo(f"{'queue':<10} {applied.queue}: what could not be delivered, kept for 14 days")
    else:
        typer.echo(f"no rules: deploy.mode is {settings.deploy.mode} and triggers.schedules is empty")
    if applied.note:
        typer.echo(f"{'note':<10} {applied.note}")
    if offline_endpoint() and settings.triggers.schedules:
        typer.echo(f"{'note':<10} the offline AWS keeps schedules, but they never fire")


@app.command()
def show(as_json: AsJson = False, config: ConfigFiles = None, assignments: Assignments = None) -> None:
    """List this pipeline's rules as they are in AWS, and how many events could not be delivered.

    Example: groundloop triggers show
    """
    settings = load(config, assignments)
    from pipeline.dead_letter_queue import queue_name, undelivered

    rules, waiting = _rules(settings), undelivered(settings)
    if as_json:
        typer.echo(json.dumps({"rules": rules, "undelivered": waiting}, indent=2))
        return
    if not rules:
        typer.echo("no rules: `groundloop triggers apply` makes them")
    for rule in rules:
        typer.echo(f"{rule['name']:<40} {rule['state']:<9} {rule['on']} -> {rule['starts']}")
    if waiting:
        typer.echo(f"{waiting} events could not be delivered: see the queue {queue_name(settings)}")


def _rules(settings: Config) -> list[dict[str, str]]:
    from groundloop.aws import client
    from pipeline.triggers import owned_rules

    events, found = client("events", settings.aws.region), []
    for rule in owned_rules(settings):
        targets = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
        detail = json.loads(rule["EventPattern"])["detail"] if "EventPattern" in rule else {}
        found.append(
            {
                "name": rule["Name"],
                "state": rule["State"],
                "on": rule.get("ScheduleExpression") or " or ".join(detail.get("ModelApprovalStatus", [])),
                "starts": ", ".join(target["Arn"].rsplit("/", 1)[-1] for target in targets),
            }
        )
    return found
