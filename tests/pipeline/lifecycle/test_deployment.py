"""deploy, rollback and endpoint: the requests to AWS, and what the endpoint says it serves."""

from __future__ import annotations

import json
import re
from typing import Any

import boto3
import pytest

from pipeline.triggers import apply_triggers

pytestmark = pytest.mark.usefixtures("quick")


def deployed(project: Any, *assignments: str) -> Any:
    """The project with other settings, upserted."""
    changed = project.changed(*assignments)
    changed.upsert()
    return changed


def rolled_back(project: Any, groundloop: Any, *arguments: str) -> Any:
    for number in (1, 2):
        project.register(status="Approved")
        assert groundloop("deploy", str(number)).code == 0
    return groundloop("rollback", *arguments)


def test_deploy_takes_the_highest_approved_version_or_the_one_that_is_named(project: Any, groundloop: Any) -> None:
    for status in ("Approved", "Approved", "PendingManualApproval"):
        project.register(status=status)
    ran = groundloop("deploy")
    assert ran.code == 0, ran.error
    assert ran.out.splitlines()[-1] == f"endpoint {project.name} is InService and serves version 2"
    second = project.answers()
    assert groundloop("deploy", "1").out.splitlines()[-1].endswith("serves version 1")
    assert project.answers() != second
    assert groundloop("deploy", "3").error.startswith("version 3 is PendingManualApproval, not Approved")


def test_deploy_and_rollback_as_json(project: Any, groundloop: Any) -> None:
    for number in (1, 2):
        project.register(status="Approved")
        events = groundloop("deploy", str(number), "--json").json_lines
        assert (events[0]["event"], events[-1]) == (
            "start",
            {"event": "endpoint", "name": project.name, "status": "InService", "version": number},
        )
    back = groundloop("rollback", "--json").json_lines
    assert back[0] == {"event": "rollback", "from": 2, "to": 1}
    assert back[-1] == {"event": "version", "version": 2, "status": "Approved"}


def test_the_same_again_deploys_nothing(project: Any, groundloop: Any) -> None:
    project.register(status="Approved")
    groundloop("deploy")
    before = project.endpoint()
    assert groundloop("deploy").code == 0
    assert project.endpoint()["LastModifiedTime"] == before["LastModifiedTime"]


def test_other_settings_for_the_same_version_are_deployed(project: Any, groundloop: Any) -> None:
    project.register(status="Approved")
    groundloop("deploy")
    before = project.endpoint()["EndpointConfigName"]
    more = deployed(project, "deploy.endpoint.instance_count=3")
    assert groundloop("deploy", given=more).code == 0
    assert project.endpoint()["EndpointConfigName"] != before
    assert project.endpoint()["ProductionVariants"][0]["CurrentInstanceCount"] == 3


def test_rollback_goes_one_approved_version_back_and_says_what_may_undo_it(project: Any, groundloop: Any) -> None:
    ran = rolled_back(project, groundloop)
    assert ran.code == 0, ran.error
    assert "rolling back from version 2 to version 1" in ran.out
    assert "serves version 1" in ran.out
    assert "version 2 is still Approved" in ran.out
    assert "groundloop reject 2 --reason TEXT -c " in ran.out
    assert "no version before it is approved" in groundloop("rollback").error


def test_rollback_can_reject_what_it_leaves(project: Any, groundloop: Any) -> None:
    assert rolled_back(project, groundloop, "--reject", "--reason", "misses bolts").out.endswith(
        "version 2 is Rejected\n"
    )
    listed = json.loads(groundloop("models", "--json").out)["versions"]
    assert [(v["status"], v["reason"], v["served"]) for v in listed] == [
        ("Rejected", "misses bolts", False), ("Approved", "", True),
    ]  # fmt: skip


def test_rollback_does_not_call_a_rejected_version_approved(project: Any, groundloop: Any) -> None:
    """Rejected first, then rolled back: without a trigger, that is what one does."""
    for number in (1, 2):
        project.register(status="Approved")
        groundloop("deploy", str(number))
    groundloop("reject", "2", "--reason", "misses bolts")
    ran = groundloop("rollback")
    assert ran.out.splitlines()[-1] == "version 2 is Rejected"
    assert "Approved" not in ran.out


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["--reject"], id="no reason"),
        pytest.param(["--reason", "misses bolts"], id="a reason for nothing"),
        pytest.param(["--reject", "--reason", " "], id="an empty reason"),
    ],
)
def test_a_rejection_and_its_reason_go_together(groundloop: Any, arguments: list[str]) -> None:
    ran = groundloop("rollback", *arguments)
    assert ran.code == 2
    assert "--reject and --reason TEXT go together" in ran.err


def test_traffic_and_alarms_reach_the_update_and_are_shown(project: Any, groundloop: Any) -> None:
    shifted = deployed(
        project,
        "deploy.endpoint.instance_count=2",
        "deploy.rollout={traffic: canary, step_percent: 25, wait_interval_minutes: 10, alarms: [errors]}",
    )
    for _ in range(2):
        project.register(status="Approved")
        assert groundloop("deploy", given=shifted).code == 0
    requested = project.endpoint()["LastDeploymentConfig"]
    assert requested["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]["CanarySize"]["Value"] == 25
    shown = groundloop("endpoint", given=shifted).out
    assert re.search(r"^last update +canary$", shown, re.MULTILINE)
    assert re.search(r"^alarms +errors$", shown, re.MULTILINE)
    assert "offline: traffic shifts all at once, alarms are not evaluated" in shown


def test_the_offline_aws_writes_down_what_it_leaves_out(project: Any, aws: Any, groundloop: Any) -> None:
    shifted = deployed(project, "deploy.endpoint.instance_count=2", "deploy.rollout.traffic=linear")
    for _ in range(2):
        project.register(status="Approved")
        groundloop("deploy", given=shifted)
    log = (aws.home / "endpoints" / project.name / "log.txt").read_text()
    assert "traffic LINEAR is taken as ALL_AT_ONCE" in log


def test_two_variants_share_the_requests(project: Any, groundloop: Any) -> None:
    for _ in range(2):
        project.register(status="Approved")
    both = deployed(
        project,
        "deploy.endpoint.weight=0.75",
        "deploy.endpoint.additional_variants=[{name: Challenger, package: 1, weight: 0.25}]",
    )
    assert groundloop("deploy", "2", given=both).code == 0
    shown = groundloop("endpoint", given=both).out
    assert re.search(r"^AllTraffic +2 +75% +1 x ml\.m5\.xlarge", shown, re.MULTILINE)
    assert re.search(r"^Challenger +1 +25% ", shown, re.MULTILINE)
    runtime = boto3.client("sagemaker-runtime")
    answers = {
        name: runtime.invoke_endpoint(EndpointName=project.name, Body=b"x", TargetVariant=name)["Body"].read()
        for name in ("AllTraffic", "Challenger")
    }
    assert answers["AllTraffic"] != answers["Challenger"]
    listed = json.loads(groundloop("models", "--json").out)["versions"]
    assert [version["served"] for version in listed] == [True, True]


def test_a_further_variant_serves_only_while_its_version_is_approved(project: Any, groundloop: Any) -> None:
    for _ in range(2):
        project.register(status="Approved")
    both = deployed(project, "deploy.endpoint.additional_variants=[{name: Challenger, package: 1, weight: 0.25}]")
    apply_triggers(both.config)
    assert groundloop("deploy", "2", given=both).code == 0
    assert len(project.endpoint()["ProductionVariants"]) == 2
    assert groundloop("reject", "1", "--reason", "worse", given=both).code == 0
    assert project.statuses() == ["Succeeded"] * 2
    assert [variant["VariantName"] for variant in project.endpoint()["ProductionVariants"]] == ["AllTraffic"]


def test_autoscaling_is_registered_kept_over_updates_and_dropped(project: Any, groundloop: Any) -> None:
    client, place = boto3.client("application-autoscaling"), {"ServiceNamespace": "sagemaker"}

    def bounds() -> list[tuple[int, int]]:
        targets = client.describe_scalable_targets(**place)["ScalableTargets"]
        mine = [item for item in targets if f"/{project.name}/" in item["ResourceId"]]
        return [(item["MinCapacity"], item["MaxCapacity"]) for item in mine]

    scaled = deployed(project, "deploy.endpoint.autoscaling={min_instances: 2, max_instances: 6, target: 300}")
    for _ in range(2):
        project.register(status="Approved")
        assert groundloop("deploy", given=scaled).code == 0
        assert bounds() == [(2, 6)]
    resource = f"endpoint/{project.name}/variant/AllTraffic"
    (policy,) = client.describe_scaling_policies(**place, ResourceId=resource)["ScalingPolicies"]
    assert policy["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] == 300
    assert re.search(r"^AllTraffic .* 2 to 6$", groundloop("endpoint").out, re.MULTILINE)
    project.register(broken=True, status="Approved")
    assert groundloop("deploy", given=scaled).code == 1
    assert bounds() == [(2, 6)], "put back after the failure"
    project.upsert()
    assert groundloop("deploy", "1").code == 0
    assert bounds() == []


@pytest.mark.parametrize(
    ("setting", "kind"),
    [
        pytest.param("deploy.endpoint.serverless={memory_mb: 2048}", "serverless", id="serverless"),
        pytest.param(
            "deploy.endpoint.async_inference={max_concurrent_invocations: 2}", "asynchronous", id="asynchronous"
        ),
        pytest.param("deploy.endpoint.data_capture_percent=30", "real-time", id="real-time with data capture"),
    ],
)
def test_endpoints_of_every_kind(project: Any, groundloop: Any, setting: str, kind: str) -> None:
    changed = deployed(project, setting)
    project.register(status="Approved")
    ran = groundloop("deploy", given=changed)
    assert ran.code == 0, ran.error
    described = json.loads(groundloop("endpoint", "--json", given=changed).out)
    assert list(described) == [
        "name", "status", "reason", "kind", "config", "modified", "traffic", "alarms", "data_capture_percent",
        "variants", "version",
    ]  # fmt: skip
    assert list(described["variants"][0]) == [
        "name",
        "weight",
        "instance_count",
        "instance_type",
        "package",
        "version",
        "scaling",
    ]
    assert (described["status"], described["kind"], described["version"]) == ("InService", kind, 1)
    assert described["data_capture_percent"] == (30 if "capture" in setting else 0)


def test_what_is_made_carries_the_tags_and_the_project(project: Any, groundloop: Any) -> None:
    tagged = deployed(project, "aws.tags={team: vision}")
    project.register(status="Approved")
    groundloop("deploy", given=tagged)
    sagemaker, endpoint = boto3.client("sagemaker"), project.endpoint()
    config = sagemaker.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
    model = sagemaker.describe_model(ModelName=config["ProductionVariants"][0]["ModelName"])
    for arn in (endpoint["EndpointArn"], config["EndpointConfigArn"], model["ModelArn"]):
        assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [
            {"Key": "groundloop:project", "Value": project.name}, {"Key": "team", "Value": "vision"},
        ]  # fmt: skip


def test_an_endpoint_that_never_came_up_is_made_anew(project: Any, groundloop: Any) -> None:
    """AWS can only delete a failed endpoint, not update it."""
    sagemaker = boto3.client("sagemaker")
    broken = project.register(broken=True, status="Approved")
    role = project.config.aws.role
    container = {"ModelPackageName": broken}
    sagemaker.create_model(ModelName=f"{project.name}-bad", ExecutionRoleArn=role, PrimaryContainer=container)
    variant = {"VariantName": "v", "ModelName": f"{project.name}-bad", "InstanceType": "ml.m5.large"}
    sagemaker.create_endpoint_config(
        EndpointConfigName=f"{project.name}-bad", ProductionVariants=[{**variant, "InitialInstanceCount": 1}]
    )
    sagemaker.create_endpoint(EndpointName=project.name, EndpointConfigName=f"{project.name}-bad")
    project.register(status="Approved")
    ran = groundloop("deploy", "2")
    assert ran.code == 0, ran.error
    assert project.endpoint()["EndpointStatus"] == "InService"
