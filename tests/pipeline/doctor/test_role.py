"""The execution role: trust and permissions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pipeline.doctor.findings import Level
from pipeline.doctor.role import permissions, role, trusts

ROLE = "arn:aws:iam::111122223333:role/groundloop"
SAGEMAKER, EVENTS = "sagemaker.amazonaws.com", "events.amazonaws.com"
Build = Callable[..., Any]


def trust(*services: str, **members: Any) -> dict[str, Any]:
    principal = {"Service": services[0] if len(services) == 1 else list(services)}
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **members}
    return {"Version": "2012-10-17", "Statement": [statement]}


@pytest.mark.parametrize(
    ("document", "yes"),
    [
        pytest.param(trust(SAGEMAKER), True, id="the plain one"),
        pytest.param(trust("ec2.amazonaws.com", SAGEMAKER), True, id="several services"),
        pytest.param({"Statement": trust(SAGEMAKER)["Statement"][0]}, True, id="one statement without a list"),
        pytest.param(trust(SAGEMAKER, Action=["sts:AssumeRole", "sts:SetSourceIdentity"]), True, id="several actions"),
        pytest.param(
            trust(SAGEMAKER, Condition={"StringEquals": {"aws:SourceAccount": "111122223333"}}), True, id="own account"
        ),
        pytest.param(
            trust(SAGEMAKER, Condition={"StringEquals": {"aws:sourceAccount": ["444455556666"]}}), False, id="another's"
        ),
        pytest.param(trust("ec2.amazonaws.com"), False, id="another service"),
        pytest.param(trust(SAGEMAKER, Effect="Deny"), False, id="denied"),
        pytest.param(trust(SAGEMAKER, Action="sts:TagSession"), False, id="another action"),
        pytest.param(trust(SAGEMAKER, Principal="*"), False, id="everybody but no service"),
        pytest.param({}, False, id="nobody"),
    ],
)
def test_who_may_take_it_on(document: dict[str, Any], yes: bool) -> None:
    assert trusts(document, SAGEMAKER, "111122223333") is yes


def got(document: dict[str, Any], arn: str = ROLE) -> dict[str, Any]:
    return {"get_role": {"Role": {"Arn": arn, "AssumeRolePolicyDocument": document}}}


def test_a_role_as_it_should_be(scripted: Build, configured: Build) -> None:
    (found,) = role(configured(), scripted(iam=got(trust(SAGEMAKER, EVENTS))))
    assert (found.level, found.text) == (Level.OK, f"{ROLE} trusts {SAGEMAKER}")


def test_a_role_that_does_not_trust_sagemaker(scripted: Build, configured: Build) -> None:
    (found,) = role(configured(), scripted(iam=got(trust("ec2.amazonaws.com"))))
    assert found.level is Level.ERROR
    assert "--policy" in found.remedy


def test_approval_needs_the_trust_of_eventbridge(scripted: Build, configured: Build) -> None:
    aws = scripted(iam=got(trust(SAGEMAKER)))
    _, found = role(configured(), aws)
    assert found.level is Level.WARNING
    assert EVENTS in found.text
    assert len(role(configured("deploy.mode=on_pass"), aws)) == 1


def test_a_role_that_is_not_there(scripted: Build, configured: Build, refusal: Callable[..., Exception]) -> None:
    (found,) = role(configured(), scripted(iam={"get_role": refusal("NoSuchEntity", 404)}))
    assert found.level is Level.ERROR
    assert f"there is no role {ROLE}" in found.text


def test_a_role_with_a_path_that_the_arn_lacks(scripted: Build, configured: Build) -> None:
    own = ROLE.replace("role/", "role/service-role/")
    (found,) = role(configured(), scripted(iam=got(trust(SAGEMAKER), own)))
    assert found.level is Level.ERROR
    assert own in found.text


def simulated(*denied: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Simulation in which some actions are denied."""

    def answer(request: dict[str, Any]) -> dict[str, Any]:
        return {
            "EvaluationResults": [
                {
                    "EvalActionName": action,
                    "EvalResourceName": resource,
                    "EvalDecision": "implicitDeny" if action in denied else "allowed",
                }
                for action in request["ActionNames"]
                for resource in request.get("ResourceArns", ["*"])
            ]
        }

    return answer


def test_every_statement_of_the_policy_is_simulated(scripted: Build, configured: Build) -> None:
    aws = scripted(iam={"simulate_principal_policy": simulated()})
    (found,) = permissions(configured(), aws)
    assert found.level is Level.OK
    requests = [request for _, request in aws.client("iam").requests]
    assert all(request["PolicySourceArn"] == ROLE for request in requests)
    assert not any("*" in arn for request in requests for arn in request.get("ResourceArns", []))
    passing = next(request for request in requests if request["ActionNames"] == ["iam:PassRole"])
    assert passing["ResourceArns"] == [ROLE]
    assert passing["ContextEntries"] == [
        {
            "ContextKeyName": "iam:PassedToService",
            "ContextKeyValues": ["sagemaker.amazonaws.com"],
            "ContextKeyType": "string",
        }
    ]


def test_what_is_denied_is_an_error_by_statement(scripted: Build, configured: Build) -> None:
    aws = scripted(iam={"simulate_principal_policy": simulated("sagemaker:CreateTrainingJob", "s3:PutObject")})
    found = {finding.text.partition(":")[0]: finding for finding in permissions(configured(), aws)}
    assert set(found) == {"ReadAndWriteResults", "RunTrainingJobs"}
    assert all(finding.level is Level.ERROR for finding in found.values())
    assert "s3:PutObject on arn:aws:s3:::my-bucket/groundloop/example" in found["ReadAndWriteResults"].text
    assert "add the statement RunTrainingJobs" in found["RunTrainingJobs"].remedy


def test_a_keys_own_policy_may_allow_what_the_roles_does_not(scripted: Build, configured: Build) -> None:
    aws = scripted(iam={"simulate_principal_policy": simulated("kms:CreateGrant")})
    (found,) = permissions(configured("aws.kms_key=0aa0-1"), aws)
    assert found.level is Level.WARNING
    assert "unless the key's own policy" in found.remedy


def test_what_may_not_be_simulated_is_unverified(
    scripted: Build, configured: Build, refusal: Callable[..., Exception]
) -> None:
    (found,) = permissions(configured(), scripted(iam={"simulate_principal_policy": refusal("AccessDenied", 403)}))
    assert found.level is Level.WARNING
    assert found.text.startswith("unverified: ")
    assert "iam:SimulatePrincipalPolicy" in found.remedy


def test_the_offline_aws_verifies_nothing(scripted: Build, configured: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4599")
    (found,) = permissions(configured(), scripted())
    assert found.level is Level.WARNING
    assert "unverified" in found.text
