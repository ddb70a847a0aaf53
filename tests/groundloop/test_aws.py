"""What AWS, or the way to it, refuses, in one line that says what to do."""

from __future__ import annotations

import pytest
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError, NoCredentialsError, ProfileNotFound

from groundloop.aws import explain, offline_endpoint


def refusal(code: str, message: str = "no") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "CreatePipeline")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        pytest.param(NoCredentialsError(), "there are no AWS credentials: log in", id="no credentials"),
        pytest.param(ProfileNotFound(profile="p"), "unset AWS_PROFILE", id="no such profile"),
        pytest.param(refusal("ExpiredToken"), "refused (ExpiredToken): log in", id="expired credentials"),
        pytest.param(refusal("AccessDenied", "why"), "AWS refused CreatePipeline: AccessDenied: why", id="not allowed"),
        pytest.param(
            EndpointConnectionError(endpoint_url="https://x"), "Check the network and aws.region", id="no network"
        ),
    ],
)
def test_errors_are_one_line(error: BotoCoreError | ClientError, message: str) -> None:
    text = explain(error)
    assert message in text
    assert "\n" not in text


def test_an_offline_aws_that_is_gone_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4599")
    text = explain(EndpointConnectionError(endpoint_url="http://127.0.0.1:4599"))
    assert text == (
        "nothing answers at http://127.0.0.1:4599 (AWS_ENDPOINT_URL): start `groundloop local`, or unset the variable"
    )


@pytest.mark.parametrize(
    ("url", "offline"),
    [
        pytest.param("http://127.0.0.1:4599", True, id="loopback"),
        pytest.param("http://localhost:4599", True, id="localhost"),
        pytest.param("https://vpce-1.sagemaker.us-east-1.vpce.amazonaws.com", False, id="a VPC endpoint"),
        pytest.param("", False, id="not set"),
    ],
)
def test_only_an_address_of_this_machine_is_the_offline_aws(
    monkeypatch: pytest.MonkeyPatch, url: str, offline: bool
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    assert (offline_endpoint() is not None) == offline
