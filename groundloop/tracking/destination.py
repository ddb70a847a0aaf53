"""The tracking URI: which places runs are logged to, and what is wrong with one."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from groundloop.errors import UserError

#: Longest name of an experiment, in characters (SageMaker's MlflowExperimentName).
MAX_EXPERIMENT_LENGTH = 256
# MlFlowResourceArn of SageMaker's API, with the two kinds of resources that the plugin sagemaker-mlflow reaches.
_ARN = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):sagemaker:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):"
    r"(?P<kind>mlflow-app|mlflow-tracking-server)/(?P<name>[^/\s]+)"
)
_SERVERS = ("http", "https")
_DATABASES = ("sqlite", "postgresql", "mysql", "mssql")
_FORMS = (
    "the ARN of a SageMaker MLflow app or tracking server, the https:// address of a server, or sqlite:///mlflow.db"
)


def is_arn(uri: str) -> bool:
    """Return whether a tracking URI is the ARN of an MLflow app or tracking server of SageMaker."""
    return uri.startswith("arn:")


def is_reached_by_network(uri: str) -> bool:
    """Return whether a tracking URI is that of a server, which a job on AWS can reach; a database is not."""
    return is_arn(uri) or urlsplit(uri).scheme in _SERVERS


def check_tracking_uri(uri: str, region: str | None = None, account: str | None = None) -> None:
    """Check a tracking URI.

    Args:
        uri: as it is configured.
        region: that an ARN has to be of; None: any.
        account: that an ARN has to be of; None: any.

    Raises:
        UserError: it has no form that MLflow takes, is of another region or account, or holds a password.

    Example:
        >>> check_tracking_uri("sqlite:///mlflow.db")
    """
    if is_arn(uri):
        _check_arn(uri, region, account)
        return
    try:
        parts = urlsplit(uri)
        password = parts.password
    except ValueError as error:
        raise UserError(f"{uri!r} is not a tracking URI: {error}") from None
    scheme = parts.scheme.partition("+")[0]
    if scheme in _SERVERS:
        if not parts.hostname:
            raise UserError(f"{uri!r} names no server: write https://HOST")
        if password or parts.username:
            raise UserError(
                f"the tracking URI of {parts.hostname} holds credentials, which definitions and logs would show: set "
                "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD instead"
            )
    elif scheme == "sqlite":
        if not re.match(r"sqlite(\+\w+)?:///.", uri):
            raise UserError(f"{uri!r}: write sqlite:///mlflow.db, or sqlite:////folder/mlflow.db with a whole path")
    elif scheme not in _DATABASES:
        raise UserError(f"{uri!r} is not a tracking URI: give {_FORMS}")


def _check_arn(uri: str, region: str | None, account: str | None) -> None:
    parts = _ARN.fullmatch(uri)
    if parts is None:
        raise UserError(
            f"{uri!r} is not the ARN of an MLflow app or tracking server: "
            "arn:aws:sagemaker:REGION:ACCOUNT:mlflow-app/ID or "
            "arn:aws:sagemaker:REGION:ACCOUNT:mlflow-tracking-server/NAME"
        )
    if region is not None and parts["region"] != region:
        raise UserError(
            f"{uri} is in {parts['region']}, but the pipeline is in {region}: create an MLflow app there, or log by "
            "`groundloop track --to`"
        )
    if account is not None and parts["account"] != account:
        raise UserError(
            f"{uri} is of account {parts['account']}, but the role is of {account}: the jobs' role can't write there; "
            "create an MLflow app in that account, or log by `groundloop track --to` with credentials of the other"
        )


def check_experiment(name: str) -> None:
    """Check the name of an experiment; slashes are allowed.

    Raises:
        UserError: it is empty, too long, or has blanks at its ends or control characters.
    """
    if not name or len(name) > MAX_EXPERIMENT_LENGTH:
        raise UserError(f"{name!r} can't be an experiment's name: give 1 to {MAX_EXPERIMENT_LENGTH} characters")
    if name != name.strip() or not name.isprintable():
        raise UserError(f"{name!r} can't be an experiment's name: it begins or ends with a blank, or has control codes")
