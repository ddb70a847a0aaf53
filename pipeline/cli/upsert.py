"""`groundloop upsert`: create or update the pipelines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.options import Assignments, ConfigFiles, load
from pipeline.cli.output import print_line, print_table, print_values, print_warning

if TYPE_CHECKING:
    from pipeline.config import Config
    from pipeline.upsert import UpsertResult


def upsert(
    plan: Annotated[
        Path | None,
        typer.Argument(help="File from `groundloop plan --out`; applied exactly as it was shown, or not at all."),
    ] = None,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Create or update the pipelines and their triggers.

    The AWS account and region are those of the environment and of aws.region.

    Example: groundloop upsert --config configs/prod.yaml
    """
    from groundloop.aws import offline_endpoint
    from groundloop.errors import UserError

    if plan is not None and (config or assignments):
        raise UserError(f"upsert takes either a plan ({plan}) or --config and --set: a plan holds its configuration")
    offline = offline_endpoint()
    if plan is not None:
        from pipeline.plan.saved_plan import apply_plan, load_plan

        saved = load_plan(plan)
        settings = saved.config
        _print_target(settings, offline)
        results = apply_plan(saved)
    else:
        settings = load(config, assignments)
        from pipeline.upsert import upsert_pipelines

        _print_target(settings, offline)
        results = upsert_pipelines(settings)
    for result in results:
        _print_result(settings, result, offline)
    _apply_triggers(settings)
    print_line("\nnext: groundloop start --watch")


def _print_target(settings: Config, offline: str | None) -> None:
    print_line(f"AWS: offline, {offline} (AWS_ENDPOINT_URL)" if offline else f"AWS: {settings.aws.region}")


def _print_result(settings: Config, result: UpsertResult, offline: str | None) -> None:
    from pipeline.upsert import studio_link

    link = studio_link(settings, result.name)
    print_line(f"\n{result.action} {result.name}")
    print_values(
        {
            "ARN": result.arn,
            "Studio": link or ("none offline" if offline else "no Studio domain found in this region"),
        },
        indent=2,
    )
    rows = [
        (
            parameter["Name"],
            parameter["Type"],
            parameter["DefaultValue"],
            f"one of {', '.join(parameter['EnumValues'])}" if "EnumValues" in parameter else "",
        )
        for parameter in result.parameters
    ]
    print_table(("parameter", "type", "default", ""), rows, indent=2)
    for warning in result.warnings:
        print_warning(warning)


def _apply_triggers(settings: Config) -> None:
    from pipeline.upsert import put_triggers

    result, failure = put_triggers(settings)
    if result is None:
        print_warning(failure)
        return
    for action, names in result.actions.items():
        for name in names:
            print_line(f"\n{action} trigger {name}")
    if result.note:
        print_warning(result.note)
