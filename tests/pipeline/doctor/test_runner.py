"""All checks together: what can't be asked is said, and nothing hangs."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError, NoCredentialsError, ReadTimeoutError

from pipeline.doctor import AccountFinding, Level, run_checks
from pipeline.doctor import runner as examination
from pipeline.doctor.findings import ok
from pipeline.doctor.runner import CHECKS, Check

Build = Callable[..., Any]
WHO = {"Account": "111122223333", "Arn": "arn:aws:sts::111122223333:assumed-role/dev/me", "UserId": "me"}
UNREACHABLE = EndpointConnectionError(endpoint_url="https://sts.us-east-1.amazonaws.com/")


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Puts functions in place of the checks."""

    def replace(*looks: Callable[..., list[AccountFinding]]) -> None:
        made = tuple(Check((f"check {number}",), look) for number, look in enumerate(looks, 1))
        monkeypatch.setattr(examination, "CHECKS", made)

    return replace


def fails(fault: Exception) -> Callable[..., list[AccountFinding]]:
    def look(*_: Any) -> list[AccountFinding]:
        raise fault

    return look


def by_check(findings: Any) -> dict[str, AccountFinding]:
    return {finding.check: finding for finding in findings}


def test_without_a_network_there_is_one_error_and_the_rest_says_so(scripted: Build, configured: Build) -> None:
    aws = scripted(sts={"get_caller_identity": UNREACHABLE})
    found = list(run_checks(configured(), aws))
    (error,) = [finding for finding in found if finding.level is Level.ERROR]
    assert error.check == "connection"
    assert "Could not connect" in error.text
    skipped = [finding.check for finding in found if finding.level is Level.SKIPPED]
    assert skipped == [name for check in CHECKS for name in check.names]
    assert {finding.text for finding in found if finding.level is Level.SKIPPED} == {
        "not checked because AWS can't be reached"
    }
    assert by_check(found)["region"].level is Level.OK, "which is known from tables"


def test_without_credentials(scripted: Build, configured: Build) -> None:
    found = by_check(run_checks(configured(), scripted(sts={"get_caller_identity": NoCredentialsError()})))
    assert found["credentials"].level is Level.ERROR
    assert found["bucket"].text == "not checked because there are no valid credentials"


@pytest.mark.parametrize(
    ("region", "text"),
    [
        pytest.param("moon-1", "there is no SageMaker", id="no region"),
        pytest.param("us-east-9", "did you mean us-east-", id="misspelt"),
        pytest.param("mx-central-1", "has no built-in Object Detection algorithm", id="without the algorithm"),
    ],
)
def test_a_region_that_cannot_be_used(
    scripted: Build, configured: Build, checks: Callable[..., None], region: str, text: str
) -> None:
    checks()
    aws = scripted(sts={"get_caller_identity": WHO})
    found = by_check(run_checks(configured(f"aws.region={region}"), aws))["region"]
    assert found.level is Level.ERROR
    assert text in found.text


def test_what_may_not_be_asked_is_unverified_and_the_others_go_on(
    scripted: Build, configured: Build, checks: Callable[..., None], refusal: Callable[..., Exception]
) -> None:
    checks(fails(refusal("AccessDenied", 403)), lambda *_: [ok("check 2", "fine")], fails(refusal("Throttling")))
    found = by_check(run_checks(configured(), scripted(sts={"get_caller_identity": WHO})))
    assert found["check 1"].level is Level.WARNING
    assert found["check 1"].text == "unverified: check 1 (these credentials may not Asked)"
    assert found["check 2"].level is Level.OK
    assert (found["check 3"].level, found["check 3"].text) == (Level.ERROR, "Asked: Throttling: no")


def test_what_the_offline_aws_lacks_is_unverified(
    scripted: Build,
    configured: Build,
    checks: Callable[..., None],
    refusal: Callable[..., Exception],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4599")
    checks(fails(refusal("500", 500)))
    found = by_check(run_checks(configured(), scripted(sts={"get_caller_identity": WHO})))["check 1"]
    assert (found.level, found.text) == (
        Level.WARNING,
        "unverified: check 1 (the offline AWS does not offer Asked)",
    )


def test_a_connection_lost_on_the_way(scripted: Build, configured: Build, checks: Callable[..., None]) -> None:
    checks(fails(ReadTimeoutError(endpoint_url="https://x")))
    found = by_check(run_checks(configured(), scripted(sts={"get_caller_identity": WHO})))["check 1"]
    assert found.level is Level.ERROR
    assert found.text.startswith("not checked: ")


def test_an_answer_that_never_comes_is_not_waited_for(
    scripted: Build, configured: Build, checks: Callable[..., None]
) -> None:
    def hangs(*_: Any) -> list[AccountFinding]:
        time.sleep(20)
        return []

    checks(hangs, lambda *_: [ok("check 2", "fine")])
    begun = time.monotonic()
    found = by_check(run_checks(configured(), scripted(sts={"get_caller_identity": WHO}), seconds=0.2))
    assert time.monotonic() - begun < 10
    assert (found["check 1"].level, found["check 1"].text) == (
        Level.SKIPPED,
        "not checked because AWS did not answer within 0.2 s",
    )
    assert found["check 2"].level is Level.OK


def test_a_fault_of_the_doctors_own_is_not_hidden(
    scripted: Build, configured: Build, checks: Callable[..., None]
) -> None:
    checks(fails(ZeroDivisionError()))
    with pytest.raises(ZeroDivisionError):
        list(run_checks(configured(), scripted(sts={"get_caller_identity": WHO})))
