"""`groundloop approve` and `groundloop reject`: decide on a model version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.options import Assignments, ConfigFiles, load
from pipeline.cli.output import print_line

if TYPE_CHECKING:
    from groundloop.models.registry import Decision
    from pipeline.config import Config

Number = Annotated[int, typer.Argument(min=1, help="Version number, as `groundloop models` lists it.")]
Reason = Annotated[
    str, typer.Option("--reason", "-r", help="Reason, kept with the version as its ApprovalDescription.")
]


def approve(version: Number, reason: Reason, config: ConfigFiles = None, assignments: Assignments = None) -> None:
    """Approve a model version for deployment.

    If the approval trigger exists (groundloop triggers apply), this deploys the version, as an approval in Studio does.

    Example: groundloop approve 7 --reason "counts within 0.2 on the night images"
    """
    _decide(load(config, assignments), version, "Approved", reason)


def reject(version: Number, reason: Reason, config: ConfigFiles = None, assignments: Assignments = None) -> None:
    """Reject a model version.

    If the approval trigger exists and the endpoint serves this version, the endpoint goes back to the previous
    approved version.

    Example: groundloop reject 7 --reason "misses small bolts"
    """
    _decide(load(config, assignments), version, "Rejected", reason)


def _decide(config: Config, number: int, decision: Decision, reason: str) -> None:
    """Decide on a version and print what happens next."""
    from groundloop.models.registry import decide
    from pipeline.triggers import desired_triggers, owned_rules

    before, changed = decide(config.aws.region, config.registry.group, number, decision, reason)
    if not changed:
        print_line(f"version {number} is already {decision}: {before.reason or 'no reason was given'}")
        return
    print_line(f"version {number} of {config.registry.group}: {before.status} -> {decision}")
    acting = [
        rule for rule in owned_rules(config) if decision in rule.get("EventPattern", "") and rule["State"] == "ENABLED"
    ]
    if acting:
        print_line(
            f"rule {acting[0]['Name']} starts pipeline {config.pipeline.deploy_name}; "
            "`groundloop endpoint` shows the result"
        )
    elif decision == "Approved":
        print_line(f"no rule deploys approved versions; next: groundloop deploy {number}")
        if desired_triggers(config):
            print_line("(`groundloop triggers apply` creates the rules, so that an approval in Studio deploys too)")
    else:
        print_line("no rule acts on a rejection; if the endpoint serves this version: groundloop rollback")
