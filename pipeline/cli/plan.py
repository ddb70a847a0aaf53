"""`groundloop plan`: what upsert would change."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.options import AsJson, Assignments, ConfigFiles, load
from pipeline.cli.output import print_json, print_line, terminal_width


def plan(
    out: Annotated[Path | None, typer.Option("--out", help="File that `groundloop upsert FILE` applies.")] = None,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit code 0: no changes, 2: changes, 1: error.")
    ] = False,
    as_json: AsJson = False,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Show what upsert would change and what a run may cost.

    Also shows which steps the next execution runs again. Nothing is changed: AWS is only read.

    Example: groundloop plan --config configs/prod.yaml --out plan.json
    """
    settings = load(config, assignments)
    from groundloop.aws import check_credentials

    check_credentials(settings.aws.region)  # before the SDK's import, which takes seconds
    from pipeline.plan.planning import make_plan
    from pipeline.plan.saved_plan import save_plan

    plan = make_plan(settings)
    if out is not None:
        save_plan(plan, out)
    if as_json:
        print_json(plan.as_json())
    else:
        from pipeline.cli.plan_tables import print_estimate, print_forecast
        from pipeline.plan.rendering import change_lines, instance_note, prices_note, start_note, summary_line, wrapped

        width = terminal_width()
        print_line(f"AWS: {'offline' if plan.offline else settings.aws.region}, account {plan.deployed.account}")
        for line in change_lines(plan, width):
            print_line(line)
        for pipeline in plan.pipelines:
            print_forecast(pipeline)
        if note := start_note(settings):
            for line in wrapped(note, "", width):
                print_line(line)
        for pipeline in plan.pipelines:
            print_estimate(pipeline)
        print_line()
        for line in wrapped(prices_note(plan), "", width):
            print_line(line)
        if not plan.offline and (note := instance_note(settings)):
            for line in wrapped(note, "", width):
                print_line(line)
        print_line(summary_line(plan))
        if plan.differs:
            print_line(f"next: groundloop upsert {out}" if out else "next: groundloop upsert, with the same options")
    if detailed_exitcode and plan.differs:
        raise typer.Exit(2)
