"""`groundloop rollback`: back to the previous approved version."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.cli.deploy import Wait
from pipeline.cli.options import Assignments, ConfigFiles, load
from pipeline.cli.output import print_line


def rollback(
    reject: Annotated[
        str | None, typer.Option("--reject", metavar="REASON", help="Also reject the current version, for this reason.")
    ] = None,
    wait: Wait = True,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Go back to the previous approved version.

    The current version stays approved in the registry unless --reject is given.

    Example: groundloop rollback --reject "misses small bolts"
    """
    settings = load(config, assignments)
    from groundloop.models.registry import decide
    from pipeline.cli.deploy import follow_deployment
    from pipeline.deployment import previous_approved, start_deployment

    current, previous = previous_approved(settings)
    print_line(f"from version {current} back to version {previous}")
    follow_deployment(settings, start_deployment(settings, previous), wait)
    if reject is not None:
        # After the deployment: a trigger that acts on the rejection then finds nothing to do.
        decide(settings.aws.region, settings.registry.group, current, "Rejected", reject)
        print_line(f"version {current} is Rejected")
    else:
        print_line(
            f"version {current} is still approved, and the next approval or rejection may deploy it again; "
            f"to prevent that: groundloop reject {current} --reason ..."
        )
