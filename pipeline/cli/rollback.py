"""``groundloop rollback``: back to the approved version before the one that is served."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.cli.deploy import Wait
from pipeline.cli.options import Assignments, ConfigFiles, load


def rollback(
    reject: Annotated[
        str | None, typer.Option("--reject", metavar="REASON", help="Reject the served version too, for this reason.")
    ] = None,
    wait: Wait = True,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Go back to the approved version before the one that is served. The registry is left as it is without --reject.

    Example: groundloop rollback --reject "misses small bolts"
    """
    settings = load(config, assignments)
    from groundloop.models.registry import decide
    from pipeline.cli.deploy import follow_deployment
    from pipeline.deployment import previous_approved, start_deployment

    bad, good = previous_approved(settings)
    typer.echo(f"from version {bad} back to version {good}")
    follow_deployment(settings, start_deployment(settings, good), wait)
    if reject is not None:
        # After the deployment: a rule that acts on the rejection then finds it done.
        decide(settings.aws.region, settings.registry.group, bad, "Rejected", reject)
        typer.echo(f"version {bad} is Rejected")
    else:
        typer.echo(
            f"version {bad} is still approved, and the next approval or rejection may bring it back; "
            f"to rule it out: groundloop reject {bad} --reason ..."
        )
