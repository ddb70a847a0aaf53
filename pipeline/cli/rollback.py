"""`groundloop rollback`: back to the previous approved version."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.cli.deploy import Wait
from pipeline.cli.options import Assignments, ConfigFiles, JsonLines, load, suggest
from pipeline.cli.output import print_json_line, print_line


def rollback(
    reject: Annotated[bool, typer.Option("--reject", help="Also reject the current version; needs --reason.")] = False,
    reason: Annotated[
        str | None, typer.Option("--reason", "-r", help="Why it is rejected, kept as its ApprovalDescription.")
    ] = None,
    wait: Wait = True,
    as_json: JsonLines = False,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Go back to the previous approved version.

    The current version keeps its status in the registry unless --reject is given.

    Example: groundloop rollback --reject --reason "misses small bolts"
    """
    reason = None if reason is None else reason.strip()
    if reject != (reason is not None) or reason == "":
        raise typer.BadParameter("--reject and --reason TEXT go together", param_hint="--reject")
    settings = load(config, assignments)
    from groundloop.models.registry import decide, version
    from pipeline.cli.deploy import follow_deployment
    from pipeline.deployment import previous_approved, start_deployment

    current, previous = previous_approved(settings)
    if as_json:
        print_json_line({"event": "rollback", "from": current, "to": previous})
    else:
        print_line(f"rolling back from version {current} to version {previous}")
    follow_deployment(settings, start_deployment(settings, previous), wait, as_json)
    if reason is not None:
        # After the deployment: a trigger that acts on the rejection then finds nothing to do.
        decide(settings.aws.region, settings.registry.group, current, "Rejected", reason)
    status = version(settings.aws.region, settings.registry.group, current).status
    if as_json:
        print_json_line({"event": "version", "version": current, "status": status})
    elif status == "Approved":
        print_line(
            f"version {current} is still Approved, so the next deployment of the latest approved version deploys it; "
            f"to prevent that: {suggest('reject', str(current), '--reason', 'TEXT')}"
        )
    else:
        print_line(f"version {current} is {status}")
