"""The free trials on AWS's answers: what each reads out of them, held and broken, in the service's words."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.stub import ANY, Stubber

from pipeline.prove.runner import outcomes
from pipeline.prove.trials import definitions, offerings, permissions
from pipeline.prove.verdict import Outcome, Verdict
from pipeline.prove.workbench import Workbench
from tests.pipeline.prove.conftest import VPC, configured

Stubs = Callable[[str], Stubber]
Bench = Callable[..., Workbench]


def by_id(verdicts: Any) -> dict[str, Verdict]:
    return {verdict.assumption: verdict for verdict in verdicts}


def found(verdicts: dict[str, Verdict]) -> dict[str, Outcome]:
    return {name: verdict.outcome for name, verdict in verdicts.items()}


def test_a_definition_that_aws_refuses_breaks_its_assumption(bench: Bench, stubs: Stubs) -> None:
    words = "Unable to parse pipeline definition. Nested condition steps are not supported."
    sagemaker = stubs("sagemaker")
    accepted = {"PipelineArn": "arn:aws:sagemaker:us-east-1:123456789012:pipeline/x"}
    for trial_of in definitions.TRIAL.assumptions:
        if trial_of in (definitions.TRAINING, definitions.NESTED):
            sagemaker.add_client_error("create_pipeline", "ValidationException", words, http_status_code=400)
        else:
            sagemaker.add_response("create_pipeline", accepted)
    made = bench()
    verdicts = by_id(outcomes(definitions.TRIAL, made))
    assert found(verdicts) == {
        **{item.id: Outcome.HELD for item in definitions.TRIAL.assumptions},
        "definition-training": Outcome.BROKE,
    }
    assert verdicts["definition-training"].words == words
    assert words in verdicts["definition-nested-condition"].text
    names = {resource.name for resource in made.journal.left}
    assert "groundloop-prove-deploy-0123abcd" in names
    assert "groundloop-prove-training-0123abcd" not in names, "AWS has not made it"


def test_a_nested_condition_that_aws_accepts_breaks_the_rule_of_check(bench: Bench, stubs: Stubs) -> None:
    for _ in definitions.TRIAL.assumptions:
        stubs("sagemaker").add_response("create_pipeline", {"PipelineArn": "arn:aws:sagemaker:us-east-1:1:pipeline/x"})
    verdict = by_id(outcomes(definitions.TRIAL, bench()))["definition-nested-condition"]
    assert verdict.outcome is Outcome.BROKE
    assert "nested-condition is stricter than AWS" in verdict.text


def test_credentials_that_may_not_create_pipelines_settle_nothing(bench: Bench, stubs: Stubs) -> None:
    words = "User is not authorized to perform: sagemaker:CreatePipeline"
    stubs("sagemaker").add_client_error("create_pipeline", "AccessDeniedException", words, http_status_code=400)
    verdicts = by_id(outcomes(definitions.TRIAL, bench()))
    assert set(found(verdicts).values()) == {Outcome.NOT_TRIED}
    assert verdicts["definition-deploy"].words == f"AccessDeniedException: {words}"


@pytest.mark.parametrize("denied", [[], ["ecr:GetAuthorizationToken"]], ids=["allowed", "denied"])
def test_the_simulation_names_the_call_that_is_denied(bench: Bench, stubs: Stubs, denied: list[str]) -> None:
    config = configured()
    for call in permissions.calls(config):
        results = [
            {"EvalActionName": action, "EvalDecision": "implicitDeny" if action in denied else "allowed"}
            for action in call.actions
        ]
        stubs("iam").add_response(
            "simulate_custom_policy",
            {"EvaluationResults": results},
            {"PolicyInputList": [permissions.printed_policy(config)], **call.request()},
        )
    (verdict,) = outcomes(permissions.SIMULATION, bench())
    assert verdict.outcome is (Outcome.BROKE if denied else Outcome.HELD)
    assert verdict.words == ("implicitDeny: ecr:GetAuthorizationToken on *" if denied else "")


@pytest.mark.parametrize(
    ("assignment", "action"),
    [
        pytest.param(VPC, "ec2:CreateNetworkInterface", id="VPC"),
        pytest.param(
            "deploy.endpoint.autoscaling={max_instances: 2, target: 100}", "cloudwatch:PutMetricAlarm", id="autoscaling"
        ),
        pytest.param("deploy.mode=on_approval", "sagemaker:UpdateEndpoint", id="endpoint"),
    ],
)  # fmt: skip
def test_what_a_configuration_asks_for_is_simulated(assignment: str, action: str) -> None:
    plain = configured("deploy.mode=never")
    asked = configured("deploy.mode=on_approval", assignment)
    assert action not in [name for call in permissions.calls(plain) for name in call.actions]
    assert action in [name for call in permissions.calls(asked) for name in call.actions]


@pytest.mark.parametrize(
    ("findings", "outcome", "words"),
    [
        ([], Outcome.HELD, ""),
        ([("SUGGESTION", "EMPTY_ARRAY", "an empty list")], Outcome.HELD, ""),
        ([("ERROR", "INVALID_ACTION", "no such action")], Outcome.BROKE, "INVALID_ACTION: no such action"),
    ],
    ids=["none", "suggestion", "error"],
)
def test_access_analyzer_reads_the_printed_policy(
    bench: Bench, stubs: Stubs, findings: list[tuple[str, str, str]], outcome: Outcome, words: str
) -> None:
    answer = [
        {"findingType": kind, "issueCode": code, "findingDetails": text, "learnMoreLink": "", "locations": []}
        for kind, code, text in findings
    ]
    stubs("accessanalyzer").add_response(
        "validate_policy", {"findings": answer}, {"policyDocument": ANY, "policyType": "IDENTITY_POLICY"}
    )
    (verdict,) = outcomes(permissions.VALIDATION, bench())
    assert (verdict.outcome, verdict.words) == (outcome, words)


@pytest.mark.parametrize(("offered", "outcome"), [(["p3.2xlarge"], Outcome.HELD), ([], Outcome.BROKE)])
def test_ec2_tells_whether_it_offers_the_training_instance(
    bench: Bench, stubs: Stubs, offered: list[str], outcome: Outcome
) -> None:
    stubs("ec2").add_response(
        "describe_instance_type_offerings",
        {"InstanceTypeOfferings": [{"InstanceType": name} for name in offered]},
        {"LocationType": "region", "Filters": [{"Name": "instance-type", "Values": ["p3.2xlarge"]}]},
    )
    (verdict,) = outcomes(offerings.OFFERINGS, bench(configured("training.instance_type=ml.p3.2xlarge")))
    assert verdict.outcome is outcome


def test_an_image_tag_that_is_not_there_breaks(bench: Bench, stubs: Stubs) -> None:
    failure = {
        "imageId": {"imageTag": "3.5"},
        "failureCode": "ImageNotFound",
        "failureReason": "Requested image not found",
    }
    ecr = stubs("ecr")
    expected = {"registryId": "811284229777", "repositoryName": "object-detection", "imageIds": [{"imageTag": "1"}]}
    ecr.add_response("batch_get_image", {"images": [{"imageManifest": "{}"}], "failures": []}, expected)
    ecr.add_response("batch_get_image", {"images": [{"imageManifest": "{}"}], "failures": []})
    ecr.add_response("batch_get_image", {"images": [], "failures": [failure]})
    verdicts = by_id(outcomes(offerings.IMAGES, bench()))
    assert found(verdicts) == {
        "image-algorithm": Outcome.HELD, "image-processing": Outcome.HELD, "image-spark": Outcome.BROKE
    }  # fmt: skip
    assert verdicts["image-spark"].words == "ImageNotFound: Requested image not found"


def test_a_quota_of_zero_breaks(bench: Bench, stubs: Stubs) -> None:
    uses = ("processing job", "training job", "transform job", "endpoint")
    types = ("ml.m5.xlarge", "ml.m5.large", "ml.g4dn.xlarge", "ml.p3.2xlarge")
    quotas = [
        {"QuotaName": f"{name} for {use} usage", "QuotaCode": "L-1", "Value": 0.0 if name == "ml.p3.2xlarge" else 4.0}
        for name in types
        for use in uses
    ]
    for _ in range(2):
        for operation in ("list_service_quotas", "list_aws_default_service_quotas"):
            stubs("service-quotas").add_response(operation, {"Quotas": quotas})
        offered = [{"InstanceType": name} for name in ("p3.2xlarge", "g4dn.xlarge", "g5.xlarge")]
        stubs("ec2").add_response("describe_instance_type_offerings", {"InstanceTypeOfferings": offered})
    made = bench(configured("training.instance_type=ml.p3.2xlarge"))
    verdicts = by_id(offerings.QUOTAS.run(made))
    stubs("service-quotas")._queue.clear()  # it stops asking once it knows
    assert found(verdicts) == {"quotas-configured": Outcome.BROKE, "quotas-cheapest": Outcome.HELD}
    assert "ml.p3.2xlarge: quota 0, needed 1" in verdicts["quotas-configured"].text


def test_the_printed_policy_is_json() -> None:
    assert json.loads(permissions.printed_policy(configured()))["Statement"]
