"""`groundloop doctor`: check that the account is ready for the configuration."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.options import AsJson, Assignments, ConfigFiles, load
from pipeline.cli.output import print_json, print_line

if TYPE_CHECKING:
    from pipeline.config import Config
    from pipeline.doctor import AccountFinding

_COLOURS = {"ok": typer.colors.GREEN, "warning": typer.colors.YELLOW, "error": typer.colors.RED}


def doctor(
    config: ConfigFiles = None,
    assignments: Assignments = None,
    as_json: AsJson = False,
    policy: Annotated[
        bool,
        typer.Option("--policy", help="Print the role's least-privilege policy and trust policy; makes no AWS calls."),
    ] = False,
    image_bucket: Annotated[
        list[str] | None,
        typer.Option(help="With --policy: a bucket of images other than the manifest's; repeatable."),
    ] = None,
) -> None:
    """Check account, role, quotas, labels and network.

    Changes nothing and starts nothing that is billed. Each line is ok, warning, error or skipped, followed by what to
    do. The exit code is 1 when there is an error.

    Example: groundloop doctor --config configs/prod.yaml
    """
    settings = load(config, assignments)
    if policy:
        _print_policies(settings, image_bucket or [])
        return
    from pipeline.doctor import Level, run_checks

    findings = []
    for finding in run_checks(settings):
        findings.append(finding)
        if not as_json:
            _print_finding(finding)
    errors = sum(finding.level is Level.ERROR for finding in findings)
    warnings = sum(finding.level is Level.WARNING for finding in findings)
    if as_json:
        checks = [{**asdict(finding), "level": finding.level.value} for finding in findings]
        print_json({"ok": not errors, "checks": checks})
    else:
        print_line(f"\nerrors: {errors}, warnings: {warnings}")
    if errors:
        raise typer.Exit(1)


def _print_finding(finding: AccountFinding) -> None:
    level = finding.level.value
    print_line(f"{level:<9}{finding.check}: {finding.text}", _COLOURS.get(level))
    if finding.remedy:
        print_line(f"{'':<9}-> {finding.remedy}")


def _print_policies(settings: Config, image_buckets: list[str]) -> None:
    from pipeline.doctor import container_images
    from pipeline.doctor.role_policy import policies

    print_json(policies(settings, container_images(settings), image_buckets))
