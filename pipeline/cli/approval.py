"""`groundloop approve` and `groundloop reject`: decide on a model version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.options import AsJson, Assignments, ConfigFiles, load, suggest
from pipeline.cli.output import print_json, print_line

if TYPE_CHECKING:
    from groundloop.models.registry import Decision
    from pipeline.config import Config

Number = Annotated[int, typer.Argument(min=1, help="Version number, as `groundloop models` lists it.")]
Reason = Annotated[
    str, typer.Option("--reason", "-r", help="Reason, kept with the version as its ApprovalDescription.")
]


def approve(
    version: Number,
    reason: Reason,
    as_json: AsJson = False,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Approve a model version for deployment.

    If the approval trigger exists (groundloop triggers apply), this deploys the version, as an approval in Studio does.

    Example: groundloop approve 7 --reason "counts within 0.2 on the night images"
    """
    _decide(load(config, assignments), version, "Approved", reason, as_json)


def reject(
    version: Number,
    reason: Reason,
    as_json: AsJson = False,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Reject a model version.

    If the approval trigger exists and the endpoint serves this version, the endpoint goes back to the previous
    approved version.

    Example: groundloop reject 7 --reason "misses small bolts"
    """
    _decide(load(config, assignments), version, "Rejected", reason, as_json)


def _decide(config: Config, number: int, decision: Decision, reason: str, as_json: bool) -> None:
    """Decide on a version and print what happens next."""
    from groundloop.models.registry import decide
    from pipeline.triggers import desired_triggers, owned_rules

    before, changed = decide(config.aws.region, config.registry.group, number, decision, reason)
    acting = [
        str(rule["Name"])
        for rule in (owned_rules(config) if changed else [])
        if decision in rule.get("EventPattern", "") and rule["State"] == "ENABLED"
    ]
    if as_json:
        print_json(
            {
                "group": config.registry.group,
                "version": number,
                "status": decision,
                "previous_status": before.status,
                "changed": changed,
                "reason": reason if changed else before.reason,
                "triggers": acting,
            }
        )
        return
    if not changed:
        print_line(f"version {number} is already {decision}: {before.reason or 'no reason was given'}")
        return
    print_line(f"version {number} of {config.registry.group}: {before.status} -> {decision}")
    if acting:
        print_line(
            f"rule {acting[0]} starts pipeline {config.pipeline.deploy_name}; `{suggest('endpoint')}` shows the result"
        )
    elif decision == "Approved":
        print_line(f"no rule deploys approved versions; next: {suggest('deploy', str(number))}")
        if desired_triggers(config):
            print_line("(`groundloop triggers apply` creates the rules, so that an approval in Studio deploys too)")
    else:
        print_line(f"no rule acts on a rejection; if the endpoint serves this version: {suggest('rollback')}")
