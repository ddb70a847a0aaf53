"""``groundloop reject``: reject a version."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.cli.options import Assignments, ConfigFiles, load


def reject(
    version: Annotated[int, typer.Argument(min=1, help="Version number, as `groundloop models` lists it.")],
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why; kept with the version (ApprovalDescription).")],
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Reject a version. With triggers applied, rejecting the one that is served goes back to the approved one before.

    Example: groundloop reject 7 --reason "misses small bolts"
    """
    settings = load(config, assignments)
    from pipeline.cli.decisions import decide

    decide(settings, version, "Rejected", reason)
