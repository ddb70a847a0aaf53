"""What ``approve`` and ``reject`` have in common: the decision, and what follows from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from groundloop.models.registry import Decision
    from pipeline.config import Config


def decide(config: Config, number: int, decision: Decision, reason: str) -> None:
    """Decide on a version and print what happens next."""
    from groundloop.models.registry import decide as take
    from pipeline.triggers import desired_triggers, owned_rules

    found, changed = take(config.aws.region, config.registry.group, number, decision, reason)
    if not changed:
        typer.echo(f"version {number} is {decision} already: {found.reason or 'no reason was given'}")
        return
    typer.echo(f"version {number} of {config.registry.group}: {found.status} -> {decision}")
    acting = [
        rule for rule in owned_rules(config) if decision in rule.get("EventPattern", "") and rule["State"] == "ENABLED"
    ]
    if acting:
        typer.echo(
            f"rule {acting[0]['Name']} starts {config.pipeline.deploy_name}; `groundloop endpoint` tells how it went"
        )
    elif decision == "Approved":
        typer.echo(f"no rule deploys it; next: groundloop deploy {number}")
        if desired_triggers(config):
            typer.echo("(`groundloop triggers apply` makes the rules, so that an approval in Studio deploys too)")
    else:
        typer.echo("no rule acts on a rejection; if the endpoint serves it: groundloop rollback")
