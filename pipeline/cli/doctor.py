"""``groundloop doctor``: what stands between the configuration and a run."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.options import AsJson, Assignments, ConfigFiles, load

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.config import Config
    from pipeline.doctor import AccountFinding

_COLOURS = {"ok": typer.colors.GREEN, "warning": typer.colors.YELLOW, "error": typer.colors.RED}


def doctor(
    config: ConfigFiles = None,
    assignments: Assignments = None,
    as_json: AsJson = False,
    policy: Annotated[
        bool,
        typer.Option(
            "--policy", help="Print the role's least-privilege policy and trust policy as JSON; asks AWS nothing."
        ),
    ] = False,
    image_bucket: Annotated[
        list[str] | None,
        typer.Option(help="With --policy: a bucket of images besides the manifest's; may be repeated."),
    ] = None,
) -> None:
    """Check account, region, bucket, role, quotas, labels and network before anything is billed; changes nothing.

    Each line is ok, warning, error or skipped, with the remedy. Exit code 1 when there is an error.

    Example: groundloop doctor --config configs/prod.yaml
    """
    settings = load(config, assignments)
    if policy:
        _print_policy(settings, image_bucket or [])
        return
    from pipeline.doctor import Level, run_checks

    findings = list(_told(run_checks(settings), quiet=as_json))
    errors = sum(finding.level is Level.ERROR for finding in findings)
    warnings = sum(finding.level is Level.WARNING for finding in findings)
    if as_json:
        checks = [{**asdict(finding), "level": finding.level.value} for finding in findings]
        typer.echo(json.dumps({"ok": not errors, "checks": checks}, indent=2, ensure_ascii=False))
    else:
        typer.echo(f"\nerrors: {errors}, warnings: {warnings}")
    if errors:
        raise typer.Exit(1)


def _told(findings: Iterable[AccountFinding], quiet: bool) -> Iterable[AccountFinding]:
    for finding in findings:
        if not quiet:
            level = finding.level.value
            typer.secho(f"{level:<9}", nl=False, fg=_COLOURS.get(level))
            typer.echo(f"{finding.check}: {finding.text}")
            if finding.remedy:
                typer.echo(f"{'':<9}-> {finding.remedy}")
        yield finding


def _print_policy(settings: Config, image_buckets: list[str]) -> None:
    from pipeline.doctor import container_images
    from pipeline.doctor.role_policy import policies

    typer.echo(json.dumps(policies(settings, container_images(settings), image_buckets), indent=2))
