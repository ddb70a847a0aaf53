"""Who asks: versions, credentials, the account."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from groundloop.aws import offline_endpoint
from pipeline.config import Config
from pipeline.doctor.findings import AccountFinding, error, ok
from pipeline.doctor.session import Aws
from pipeline.extras import install_command

CREDENTIALS, ACCOUNT = "credentials", "account"
_PACKAGES = ("sagemaker", "boto3")


def installation() -> list[AccountFinding]:
    """Report the versions of Python and of the packages."""
    found = [f"Python {platform.python_version()}"]
    for package in _PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            remedy = install_command(package) or "install groundloop again, with its dependencies"
            return [error("installation", f"{package} is not installed", remedy)]
    return [ok("installation", ", ".join(found)), *_sdk_defaults()]


def _sdk_defaults() -> list[AccountFinding]:
    """Report the SDK's configuration files, which change the definitions that other programs build with it."""
    named = [os.environ.get(f"SAGEMAKER_{who}_CONFIG_OVERRIDE", "") for who in ("ADMIN", "USER")]
    places = [Path("/etc/xdg/sagemaker/config.yaml"), Path.home() / ".config/sagemaker/config.yaml"]
    found = [name for name in named if name] + [str(place) for place in places if place.is_file()]
    if not found:
        return []
    return [ok("SDK defaults", f"{', '.join(found)}: not used by groundloop, whose configuration says all")]


def identity(config: Config, aws: Aws, *, role_is_set: bool = True) -> list[AccountFinding]:
    """Report whose credentials these are, and whether the account is that of the configuration.

    Args:
        config: the configuration.
        aws: where the answer comes from.
        role_is_set: compare the account with that of aws.role.

    Raises:
        BotoCoreError, ClientError: AWS can't be asked at all.
    """
    caller = aws.client("sts").get_caller_identity()
    account, offline = caller["Account"], offline_endpoint()
    where = f"the offline AWS at {offline}" if offline else config.aws.region
    return [ok(CREDENTIALS, f"{caller['Arn']}, {where}"), _account(config, account, role_is_set)]


def _account(config: Config, account: str, role_is_set: bool) -> AccountFinding:
    role_account = config.aws.role.split(":")[4]
    if config.aws.account and account != config.aws.account:
        return error(
            ACCOUNT,
            f"these credentials are of account {account}, but aws.account is {config.aws.account}",
            "use the other account's credentials (AWS_PROFILE), or correct aws.account",
        )
    if role_is_set and role_account != account:
        return error(
            ACCOUNT,
            f"these credentials are of account {account}, but aws.role is of {role_account}",
            "a role can't be passed to another account's jobs: use that account's credentials, or correct aws.role",
        )
    if config.aws.account is None:
        return ok(ACCOUNT, f"{account}; with aws.account set, another would be an error")
    return ok(ACCOUNT, f"{account}, as aws.account says")
