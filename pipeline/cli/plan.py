"""``groundloop plan``: what upsert would change, before it does."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.options import AsJson, Assignments, ConfigFiles, load


def plan(
    out: Annotated[Path | None, typer.Option("--out", help="File for `groundloop upsert FILE` to apply.")] = None,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit code 0: the same, 2: something differs, 1: error.")
    ] = False,
    as_json: AsJson = False,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Show what upsert would change, which steps then run again, and the most that an execution can bill.

    Changes nothing: it only reads from AWS.

    Example: groundloop plan --config configs/prod.yaml --out plan.json
    """
    settings = load(config, assignments)
    from pipeline.plan.planning import make_plan
    from pipeline.plan.rendering import plan_lines
    from pipeline.plan.saved_plan import save_plan

    made = make_plan(settings)
    if out is not None:
        save_plan(made, out)
    if as_json:
        typer.echo(json.dumps(made.as_json(), indent=2, ensure_ascii=False))
    else:
        where = "offline" if made.offline else settings.aws.region
        typer.echo(f"AWS: {where}, account {made.standing.account}")
        width = max(40, shutil.get_terminal_size().columns) if sys.stdout.isatty() else None
        for line in plan_lines(made, width):
            typer.echo(_writable(line))
        if made.differs:
            typer.echo(f"next: groundloop upsert {out}" if out else "next: groundloop upsert, with the same options")
    if detailed_exitcode and made.differs:
        raise typer.Exit(2)


def _writable(line: str) -> str:
    """With an arrow of two characters where the output's encoding has none of one."""
    try:
        line.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return line.replace("→", "->")
    return line
