"""`groundloop doctor`: check that the account is ready for the configuration."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from pipeline.cli.options import AsJson, Assignments, ConfigFiles, load_with_origins
from pipeline.cli.output import print_json, print_line, print_warning

if TYPE_CHECKING:
    from pipeline.config import Config
    from pipeline.config.loading import LoadedConfig
    from pipeline.doctor import AccountFinding

_COLOURS = {
    "ok": typer.colors.GREEN,
    "warning": typer.colors.YELLOW,
    "error": typer.colors.RED,
    "missing": typer.colors.RED,
}

Policy = Literal["trust", "role", "labeling"]


def doctor(
    config: ConfigFiles = None,
    assignments: Assignments = None,
    as_json: AsJson = False,
    policy: Annotated[
        Policy | None,
        typer.Option(
            "--policy",
            help="Only print the role's trust policy, its least privileges, or those of who runs groundloop labeling "
            "and a2i; calls no AWS.",
        ),
    ] = None,
    image_bucket: Annotated[
        list[str] | None,
        typer.Option(metavar="BUCKET", help="With --policy: another bucket with images; repeatable."),
    ] = None,
) -> None:
    """Check account, role, quotas, labels and network.

    Changes nothing and starts nothing that is billed. Each line is ok, warning, error, missing (a setting) or skipped,
    followed by what to do. The exit code is 1 when there is an error or something is missing.

    The policies are printed as `aws iam create-role` and `aws iam put-role-policy` take them.

    Example: groundloop doctor --config configs/prod.yaml
    """
    loaded = load_with_origins(config, assignments, incomplete=True)
    if policy:
        _print_policy(loaded, policy, image_bucket or [])
        return
    from pipeline.doctor import Level, run_checks

    findings = []
    for finding in run_checks(loaded.config, unset=loaded.missing):
        findings.append(finding)
        if not as_json:
            _print_finding(finding)
    errors = sum(finding.level in {Level.ERROR, Level.MISSING} for finding in findings)
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
    print_line(f"{level:<9}{finding.check}: {finding.text}", _COLOURS.get(level), word=level)
    if finding.remedy:
        print_line(f"{'':<9}-> {finding.remedy}")


def _print_policy(loaded: LoadedConfig, policy: Policy, image_buckets: list[str]) -> None:
    from pipeline.doctor.role_policy import role_policy, trust_policy

    settings, notes = config_for_policy(loaded, policy)
    for note in notes:
        print_warning(note)
    if policy == "trust":
        print_json(trust_policy(settings))
        return
    if policy == "labeling":
        from pipeline.doctor.labeling_policy import labeling_policy

        print_json(labeling_policy(settings, image_buckets))
        return
    from pipeline.doctor import container_images

    print_json(role_policy(settings, container_images(settings), image_buckets))


def config_for_policy(loaded: LoadedConfig, policy: Policy) -> tuple[Config, list[str]]:
    """Return the configuration to print a policy for, before there is a role, and notes on what is not set.

    Raises:
        ConfigError: a setting that the policy can't do without is not set.
    """
    from groundloop.errors import ConfigError

    config, notes = loaded.config, []
    if "aws.role" in loaded.missing:
        if config.aws.account is None:
            raise ConfigError(
                "neither aws.role nor aws.account is set: add --set aws.account=ID "
                "(aws sts get-caller-identity prints it)"
            )
        import boto3

        partition = boto3.Session().get_partition_for_region(config.aws.region)
        role = f"arn:{partition}:iam::{config.aws.account}:role/groundloop"
        config = config.model_copy(update={"aws": config.aws.model_copy(update={"role": role})})
        if policy != "trust":
            notes.append("aws.role is not set: the policy is for a role named groundloop")
    if policy != "trust" and "aws.bucket" in loaded.missing:
        raise ConfigError("aws.bucket is not set: add --set aws.bucket=NAME, with the name that the bucket will have")
    if policy != "trust" and "labels.manifest" in loaded.missing:
        manifest = f"s3://{config.aws.bucket}/labels/output.manifest"
        config = config.model_copy(update={"labels": config.labels.model_copy(update={"manifest": manifest})})
        notes.append("labels.manifest is not set: the policy allows reading labels and images from aws.bucket only")
    return config, notes
