"""The EventBridge rules: made once, changed when the configuration is, and only this pipeline's."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import boto3
import pytest

from groundloop.errors import ConfigError, UserError
from pipeline.config import load_config
from pipeline.dead_letter_queue import prefix
from pipeline.triggers import apply_triggers, desired_triggers

LOCAL = Path("configs/local.yaml")
WEEKLY = "triggers.schedules={weekly: {at: 'cron(0 3 ? * MON *)', parameters: {Epochs: '40'}}}"


def rules(name: str) -> dict[str, dict[str, Any]]:
    return {rule["Name"]: rule for rule in boto3.client("events").list_rules(NamePrefix=name)["Rules"]}


def target(rule: str) -> dict[str, Any]:
    (found,) = boto3.client("events").list_targets_by_rule(Rule=rule)["Targets"]
    return dict(found)


def test_approval_and_rejection_start_the_deploy_pipeline_with_the_package(triggered: Any) -> None:
    rule = rules(triggered.name)[f"{triggered.name}-approval"]
    detail = json.loads(rule["EventPattern"])["detail"]
    assert detail["ModelPackageGroupName"] == [triggered.name]
    assert detail["ModelApprovalStatus"] == ["Approved", "Rejected"]
    found = target(rule["Name"])
    assert found["Arn"].endswith(f":pipeline/{triggered.name}-deploy")
    assert found["RoleArn"] == triggered.config.aws.role, "triggers.role is null"
    assert found["SageMakerPipelineParameters"] == {
        "PipelineParameterList": [{"Name": "ChangedPackageArn", "Value": "$.detail.ModelPackageArn"}]
    }
    assert found["DeadLetterConfig"]["Arn"].endswith(f":{triggered.name}-undelivered")
    assert found["RetryPolicy"] == {"MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 3600}


def test_the_queue_takes_messages_of_these_rules_only(triggered: Any) -> None:
    sqs = boto3.client("sqs")
    url = sqs.get_queue_url(QueueName=f"{triggered.name}-undelivered")["QueueUrl"]
    policy = json.loads(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]["Policy"])
    (statement,) = policy["Statement"]
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    arn = statement["Condition"]["ArnLike"]["aws:SourceArn"]
    assert arn == f"arn:aws:events:us-east-1:123456789012:rule/{triggered.name}-*"


def test_the_same_again_changes_nothing(project: Any) -> None:
    first, second = apply_triggers(project.config), apply_triggers(project.config)
    name = f"{project.name}-approval"
    assert (first.created, second.created, second.unchanged) == ([name], [], [name])
    assert (second.updated, second.removed, second.note) == ([], [], "")


def test_a_schedule_starts_training_with_its_parameters(project: Any) -> None:
    applied = apply_triggers(project.changed(WEEKLY).config)
    name = f"{project.name}-schedule-weekly"
    assert name in applied.created
    rule = rules(project.name)[name]
    assert (rule["ScheduleExpression"], rule["State"]) == ("cron(0 3 ? * MON *)", "ENABLED")
    found = target(name)
    assert found["Arn"].endswith(f":pipeline/{project.name}")
    assert found["SageMakerPipelineParameters"]["PipelineParameterList"] == [{"Name": "Epochs", "Value": "40"}]


def test_a_schedule_starts_the_predict_pipeline(project: Any) -> None:
    nightly = "triggers.schedules={nightly: {at: rate(1 day), pipeline: predict}}"
    given = project.changed("predict.input=s3://photos/new/", nightly)
    (trigger,) = [trigger for trigger in desired_triggers(given.config) if trigger.schedule]
    assert (trigger.pipeline, trigger.schedule) == (f"{project.name}-predict", "rate(1 day)")
    with pytest.raises(UserError, match=f"no pipeline '{project.name}-predict' yet"):
        apply_triggers(given.config)
    with pytest.raises(ConfigError, match=r"does not exist without predict\.input"):
        project.changed(nightly)


def test_what_the_configuration_changes_or_drops_is_changed_or_dropped(project: Any) -> None:
    apply_triggers(project.changed(WEEKLY).config)
    off = WEEKLY.replace("parameters", "enabled: false, parameters")
    changed = apply_triggers(project.changed(off).config)
    assert changed.updated == [f"{project.name}-schedule-weekly"]
    assert rules(project.name)[f"{project.name}-schedule-weekly"]["State"] == "DISABLED"
    dropped = apply_triggers(project.changed("deploy.mode=never").config)
    assert sorted(dropped.removed) == [f"{project.name}-approval", f"{project.name}-schedule-weekly"]
    assert (dropped.queue, rules(project.name)) == ("", {})


def test_a_rule_of_somebody_else_is_never_touched(project: Any) -> None:
    events = boto3.client("events")
    events.put_rule(Name=f"{project.name}-theirs", ScheduleExpression="rate(1 day)")
    apply_triggers(project.config)
    apply_triggers(project.changed("deploy.mode=never").config)
    assert list(rules(project.name)) == [f"{project.name}-theirs"]
    events.put_rule(Name=f"{project.name}-approval", ScheduleExpression="rate(1 day)")
    with pytest.raises(UserError, match="does not belong to this pipeline"):
        apply_triggers(project.config)
    assert rules(project.name)[f"{project.name}-approval"]["ScheduleExpression"] == "rate(1 day)"


def test_a_role_that_eventbridge_cannot_assume_is_refused(project: Any) -> None:
    trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = boto3.client("iam").create_role(RoleName=project.name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    with pytest.raises(UserError, match=r"doesn't trust events\.amazonaws\.com"):
        apply_triggers(project.changed(f"triggers.role={role}").config)
    assert rules(project.name) == {}
    unknown = apply_triggers(project.changed("triggers.role=arn:aws:iam::123456789012:role/elsewhere").config)
    assert unknown.note.startswith("unverified: ")


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        pytest.param(WEEKLY.replace("Epochs", "Epoch"), "has no parameter 'Epoch'", id="a parameter that isn't there"),
        pytest.param("pipeline.deploy_name=other-deploy", "no pipeline 'other-deploy' yet", id="not upserted"),
    ],
)
def test_a_rule_that_could_not_start_anything_is_refused(project: Any, setting: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        apply_triggers(project.changed(setting).config)


@pytest.mark.parametrize(
    "setting",
    [
        pytest.param("triggers.schedules={weekly: {at: every monday}}", id="no cron"),
        pytest.param("triggers.schedules={weekly: {at: cron(0 3 * *)}}", id="too few fields"),
        pytest.param("triggers.schedules={weekly: {at: rate(1 day), parameters: {Min_Map: '1'}}}", id="underscore"),
        pytest.param("triggers.role=groundloop", id="a role's name, not its ARN"),
    ],
)
def test_settings_that_eventbridge_would_refuse(project: Any, setting: str) -> None:
    with pytest.raises(ConfigError, match="triggers"):
        project.changed(setting)


def test_a_long_name_of_a_pipeline_fits_a_rule() -> None:
    long = load_config([LOCAL], [f"pipeline.name={'a' * 159}"], environment={})
    longer = load_config([LOCAL], [f"pipeline.name={'a' * 160}"], environment={})
    assert len(f"{prefix(long)}-schedule-{'x' * 20}") <= 64
    assert prefix(long) != prefix(longer)


def test_nothing_is_wanted_when_the_gate_deploys() -> None:
    assert desired_triggers(load_config([LOCAL], ["deploy.mode=on_pass"], environment={})) == []


def test_a_pipeline_beside_another_one_has_no_rules_of_its_own() -> None:
    """Its versions are of the same group: the other pipeline's rules deploy them."""
    settings = ["deploy.mode=on_approval", "triggers.schedules={weekly: {at: rate(7 days)}}"]
    assert len(desired_triggers(load_config([LOCAL], settings, environment={}))) == 2
    assert desired_triggers(load_config([LOCAL, LOCAL.with_name("tune.yaml")], settings, environment={})) == []


def test_the_command_lists_what_it_did(project: Any, groundloop: Any) -> None:
    with_schedule = project.changed(WEEKLY)
    ran = groundloop("triggers", "apply", given=with_schedule)
    assert ["created", f"{project.name}-approval"] in [line.split() for line in ran.out.splitlines()]
    assert "the offline AWS stores schedules but never starts anything by them" in ran.out
    again = json.loads(groundloop("triggers", "apply", "--json", given=with_schedule).out)
    assert list(again) == ["created", "updated", "unchanged", "removed", "queue", "note"]
    assert again == asdict(apply_triggers(with_schedule.config))
    shown = json.loads(groundloop("triggers", "show", "--json").out)
    assert shown["undelivered"] == 0
    assert shown["rules"] == [
        {"name": f"{project.name}-approval", "state": "ENABLED", "on": "Approved or Rejected",
         "starts": f"{project.name}-deploy"},
        {"name": f"{project.name}-schedule-weekly", "state": "ENABLED", "on": "cron(0 3 ? * MON *)",
         "starts": project.name},
    ]  # fmt: skip
    assert f"{project.name}-approval" in groundloop("triggers", "show").out
