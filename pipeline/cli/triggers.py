"""`groundloop triggers`: the EventBridge rules that start the pipelines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import typer

from pipeline.cli.options import AsJson, Assignments, ConfigFiles, load
from pipeline.cli.output import print_json, print_line, print_table

if TYPE_CHECKING:
    from pipeline.config import Config

app = typer.Typer(
    help="Manage the EventBridge rules of the pipelines.\n\n"
    "An approval deploys a version, a rejection rolls it back, a schedule retrains.\n\n"
    "Example: groundloop triggers apply",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command()
def apply(as_json: AsJson = False, config: ConfigFiles = None, assignments: Assignments = None) -> None:
    """Create, update and remove rules as configured.

    Only this pipeline's rules are changed; a second call changes nothing.

    Example: groundloop triggers apply --config configs/prod.yaml
    """
    from dataclasses import asdict

    settings = load(config, assignments)
    from groundloop.aws import offline_endpoint
    from pipeline.triggers import apply_triggers

    result = apply_triggers(settings)
    if as_json:
        print_json(asdict(result))
        return
    rows = [(action, name) for action, names in result.actions.items() for name in names]
    if result.queue:
        rows.append(("queue", f"{result.queue}: keeps undelivered events for 14 days"))
    if result.note:
        rows.append(("note", result.note))
    if offline_endpoint() and settings.triggers.enabled and settings.triggers.schedules:
        rows.append(("note", "the offline AWS stores schedules but never starts anything by them"))
    if not result.queue:
        reason = f"deploy.mode is {settings.deploy.mode} and triggers.schedules is empty"
        print_line(f"no rules: {reason if settings.triggers.enabled else 'triggers.enabled is false'}")
    if rows:
        print_table(("", ""), rows)


@app.command()
def show(as_json: AsJson = False, config: ConfigFiles = None, assignments: Assignments = None) -> None:
    """List this pipeline's rules and undelivered events.

    Example: groundloop triggers show
    """
    settings = load(config, assignments)
    from pipeline.dead_letter_queue import queue_name, undelivered

    rules, waiting = _rules(settings), undelivered(settings)
    if as_json:
        print_json({"rules": rules, "undelivered": waiting})
        return
    if rules:
        columns = ("name", "state", "on", "starts")
        print_table(columns, [[rule[column] for column in columns] for rule in rules])
    else:
        print_line("no rules: `groundloop triggers apply` creates them")
    if waiting:
        print_line(f"{waiting} events could not be delivered: see the queue {queue_name(settings)}")


def _rules(settings: Config) -> list[dict[str, str]]:
    from groundloop.aws import client
    from pipeline.triggers import owned_rules

    events, rules = client("events", settings.aws.region), []
    for rule in owned_rules(settings):
        targets = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
        detail = json.loads(rule["EventPattern"])["detail"] if "EventPattern" in rule else {}
        rules.append(
            {
                "name": rule["Name"],
                "state": rule["State"],
                "on": rule.get("ScheduleExpression") or " or ".join(detail.get("ModelApprovalStatus", [])),
                "starts": ", ".join(target["Arn"].rsplit("/", 1)[-1] for target in targets),
            }
        )
    return rules
