"""Tracking URIs and names of experiments."""

from __future__ import annotations

import pytest

from groundloop.errors import UserError
from groundloop.tracking.destination import check_experiment, check_tracking_uri, is_reached_by_network

APP = "arn:aws:sagemaker:eu-west-1:111122223333:mlflow-app/app-ABC123"
SERVER = "arn:aws-us-gov:sagemaker:us-gov-west-1:111122223333:mlflow-tracking-server/team"


@pytest.mark.parametrize(
    ("uri", "by_network"),
    [
        pytest.param(APP, True, id="an app"),
        pytest.param(SERVER, True, id="a tracking server"),
        pytest.param("https://mlflow.example.com/team", True, id="https"),
        pytest.param("http://127.0.0.1:5000", True, id="http"),
        pytest.param("sqlite:///mlflow.db", False, id="a file"),
        pytest.param("postgresql+psycopg2://db/mlflow", False, id="a database"),
    ],
)
def test_where_runs_can_be_logged(uri: str, by_network: bool) -> None:
    check_tracking_uri(uri)
    assert is_reached_by_network(uri) is by_network


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        pytest.param(
            "arn:aws:sagemaker:eu-west-1:111122223333:domain/d", "is not the ARN of an MLflow app", id="domain"
        ),
        pytest.param("arn:aws:s3:::bucket", "arn:aws:sagemaker:REGION:ACCOUNT:mlflow-app/ID", id="another service"),
        pytest.param("mlruns", "is not a tracking URI: give the ARN", id="a folder"),
        pytest.param("file:///tmp/mlruns", "or sqlite:///mlflow.db", id="a file store"),
        pytest.param("sqlite://mlflow.db", "write sqlite:///mlflow.db", id="too few slashes"),
        pytest.param("https:///path", "names no server", id="no host"),
        pytest.param("https://[::1", "is not a tracking URI", id="a broken address"),
        pytest.param("https://me:secret@mlflow.example.com", "set MLFLOW_TRACKING_USERNAME and", id="a password"),
        pytest.param("", "is not a tracking URI", id="empty"),
    ],
)
def test_where_they_cannot(uri: str, message: str) -> None:
    with pytest.raises(UserError) as raised:
        check_tracking_uri(uri)
    assert message in str(raised.value)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("region", "account", "message"),
    [
        pytest.param("us-east-1", None, "is in eu-west-1, but the pipeline is in us-east-1", id="region"),
        pytest.param("eu-west-1", "444455556666", "is of account 111122223333, but the role is of 4444", id="account"),
    ],
)
def test_an_app_has_to_be_the_pipelines(region: str, account: str | None, message: str) -> None:
    check_tracking_uri(APP, "eu-west-1", "111122223333")
    with pytest.raises(UserError, match=message):
        check_tracking_uri(APP, region, account)


@pytest.mark.parametrize("name", ["bolts", "team/bolts", "検査 3"])
def test_names_of_experiments(name: str) -> None:
    check_experiment(name)


@pytest.mark.parametrize("name", ["", " bolts", "bolts\n", "a\x00b", "x" * 257])
def test_names_that_no_experiment_has(name: str) -> None:
    with pytest.raises(UserError, match="can't be an experiment's name"):
        check_experiment(name)
