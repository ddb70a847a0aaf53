"""``groundloop approve``: approve a version for deployment."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.cli.options import Assignments, ConfigFiles, load


def approve(
    version: Annotated[int, typer.Argument(min=1, help="Version number, as `groundloop models` lists it.")],
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why; kept with the version (ApprovalDescription).")],
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Approve a version. With triggers applied this deploys it, as an approval in Studio does.

    Example: groundloop approve 7 --reason "counts within 0.2 on the night images"
    """
    settings = load(config, assignments)
    from pipeline.cli.decisions import decide

    decide(settings, version, "Approved", reason)
