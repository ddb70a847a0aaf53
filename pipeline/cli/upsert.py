"""`groundloop upsert`: create or update the pipelines."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.options import AsJson, Assignments, ConfigFiles, load, suggest
from pipeline.cli.output import print_json, print_line, print_table, print_values, print_warning

if TYPE_CHECKING:
    from pipeline.config import Config
    from pipeline.triggers import TriggerResult
    from pipeline.upsert import UpsertResult


def upsert(
    plan: Annotated[
        Path | None,
        typer.Argument(help="File from `groundloop plan --out`; applied exactly as it was shown, or not at all."),
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="List the pipelines' parameters and their defaults too.")
    ] = False,
    as_json: AsJson = False,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Create or update the pipelines and their triggers.

    The AWS account and region are those of the environment and of aws.region. `groundloop plan` shows what will change.

    Example: groundloop upsert --config configs/prod.yaml
    """
    from groundloop.aws import check_credentials, offline_endpoint
    from groundloop.errors import UserError

    if plan is not None and (config or assignments):
        raise UserError(f"upsert takes either a plan ({plan}) or --config and --set: a plan holds its configuration")
    offline = offline_endpoint()
    if plan is not None:
        from pipeline.plan.saved_plan import apply_plan, load_plan

        saved = load_plan(plan)
        settings = saved.config
        _print_target(settings, offline, as_json)
        results = apply_plan(saved)
    else:
        settings = load(config, assignments)
        check_credentials(settings.aws.region)  # before the SDK's import, which takes seconds
        from pipeline.upsert import upsert_pipelines

        _print_target(settings, offline, as_json)
        results = upsert_pipelines(settings)
    from pipeline.upsert import put_triggers, studio_link

    triggers, failure = put_triggers(settings)
    if as_json:
        pipelines = [{**asdict(result), "studio": studio_link(settings, result.name)} for result in results]
        print_json({"pipelines": pipelines, "triggers": asdict(triggers) if triggers else None, "warning": failure})
        return
    for result in results:
        _print_result(settings, result, offline, verbose)
    _print_triggers(triggers, failure)
    print_line("\nnext: groundloop start --watch" if plan else f"\nnext: {suggest('start', '--watch')}")


def _print_target(settings: Config, offline: str | None, as_json: bool) -> None:
    """Print which AWS is about to be changed."""
    if not as_json:
        print_line(f"AWS: offline, {offline} (AWS_ENDPOINT_URL)" if offline else f"AWS: {settings.aws.region}")


def _print_result(settings: Config, result: UpsertResult, offline: str | None, verbose: bool) -> None:
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
    if verbose:
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


def _print_triggers(result: TriggerResult | None, failure: str) -> None:
    if result is None:
        print_warning(failure)
        return
    for action, names in result.actions.items():
        for name in names:
            print_line(f"\n{action} trigger {name}")
    if result.note:
        print_warning(result.note)
