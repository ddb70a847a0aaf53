"""EventBridge rules of this pipeline: approval and rejection start the deploy pipeline, schedules start training.

A rule is this pipeline's when it carries the pipeline's name as a tag; no other is ever changed or removed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from groundloop.aws import client, error_code
from groundloop.errors import UserError
from groundloop.models.rollout import PROJECT_TAG
from pipeline.config import Config
from pipeline.dead_letter_queue import EVENTS, ensure_queue, prefix, project_tags

_TARGET = "pipeline"


@dataclass(frozen=True)
class Trigger:
    """A rule and its one target, a pipeline with parameters. Exactly one of ``pattern`` and ``schedule`` is there."""

    name: str
    description: str
    pipeline: str
    parameters: dict[str, str]
    pattern: dict[str, Any] | None = None
    schedule: str | None = None
    enabled: bool = True

    def rule(self) -> dict[str, Any]:
        """The members of PutRule."""
        members: dict[str, Any] = {
            "Name": self.name,
            "Description": self.description,
            "State": "ENABLED" if self.enabled else "DISABLED",
        }
        if self.pattern is not None:
            return {**members, "EventPattern": json.dumps(self.pattern, sort_keys=True)}
        return {**members, "ScheduleExpression": self.schedule}


@dataclass(frozen=True)
class TriggerResult:
    """What ``apply`` did, by rule name; ``queue`` holds events that could not be delivered."""

    created: list[str]
    updated: list[str]
    unchanged: list[str]
    removed: list[str]
    queue: str
    note: str


def desired_triggers(config: Config) -> list[Trigger]:
    """The rules that a configuration asks for."""
    found = []
    if config.deploy.mode == "on_approval":
        found.append(_approval(config))
    for name, schedule in sorted(config.triggers.schedules.items()):
        found.append(
            Trigger(
                name=f"{prefix(config)}-schedule-{name}",
                description=f"Starts {config.pipeline.name}: {schedule.at}",
                pipeline=config.pipeline.name,
                parameters=dict(schedule.parameters),
                schedule=schedule.at,
                enabled=schedule.enabled,
            )
        )
    return found


def _approval(config: Config) -> Trigger:
    statuses = ["Approved", "Rejected"] if config.triggers.rollback_on_rejection else ["Approved"]
    return Trigger(
        name=f"{prefix(config)}-approval",
        description=f"Starts {config.pipeline.deploy_name} when a version of {config.registry.group} is "
        + " or ".join(statuses).lower(),
        pipeline=config.pipeline.deploy_name,
        parameters={"ChangedPackageArn": "$.detail.ModelPackageArn"},
        pattern={
            "source": ["aws.sagemaker"],
            "detail-type": ["SageMaker Model Package State Change"],
            "detail": {
                "ModelPackageGroupName": [config.registry.group],
                "ModelPackageStatus": ["Completed"],
                "ModelApprovalStatus": statuses,
            },
        },
    )


def apply_triggers(config: Config) -> TriggerResult:
    """Make the rules as configured and remove this pipeline's others; the same call again changes nothing.

    Raises:
        UserError: a pipeline that a rule starts is missing, a schedule names a parameter that it doesn't have, or the
            role is known not to trust EventBridge.
    """
    events, triggers = client("events", config.aws.region), desired_triggers(config)
    arns = _pipelines(config, triggers)
    role = config.triggers.role or config.aws.role
    note = _check_trust(config.aws.region, role) if triggers else ""
    there = {rule["Name"]: rule for rule in owned_rules(config)}
    queue = ensure_queue(config) if triggers else ""
    done: dict[str, list[str]] = {"created": [], "updated": [], "unchanged": [], "removed": []}
    for trigger in triggers:
        target = _target(trigger, arns[trigger.pipeline], role, queue)
        if trigger.name in there:
            same = _is_same(events, there[trigger.name], trigger, target)
            done["unchanged" if same else "updated"].append(trigger.name)
            if same:
                continue
            events.put_rule(**trigger.rule())
        else:
            _refuse_anothers(events, trigger.name)
            events.put_rule(**trigger.rule(), Tags=project_tags(config))
            done["created"].append(trigger.name)
        _put_target(events, trigger.name, target)
    for name in sorted(there.keys() - {trigger.name for trigger in triggers}):
        remove_rule(events, name)
        done["removed"].append(name)
    return TriggerResult(**done, queue=queue, note=note)


def owned_rules(config: Config) -> list[dict[str, Any]]:
    """This pipeline's rules, as ListRules gives them."""
    events = client("events", config.aws.region)
    found = []
    for page in events.get_paginator("list_rules").paginate(NamePrefix=f"{prefix(config)}-"):
        for rule in page["Rules"]:
            tags = events.list_tags_for_resource(ResourceARN=rule["Arn"])["Tags"]
            if {"Key": PROJECT_TAG, "Value": config.pipeline.name} in tags:
                found.append(rule)
    return found


def remove_rule(events: Any, name: str) -> None:
    """Remove a rule, its targets first: AWS refuses to delete one that has any."""
    targets = [target["Id"] for target in events.list_targets_by_rule(Rule=name)["Targets"]]
    if targets:
        events.remove_targets(Rule=name, Ids=targets)
    events.delete_rule(Name=name)


def _target(trigger: Trigger, pipeline: str, role: str, queue: str) -> dict[str, Any]:
    target: dict[str, Any] = {
        "Id": _TARGET,
        "Arn": pipeline,
        "RoleArn": role,
        "RetryPolicy": {"MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 3600},
        "DeadLetterConfig": {"Arn": queue},
    }
    if trigger.parameters:
        listed = [{"Name": name, "Value": value} for name, value in sorted(trigger.parameters.items())]
        target["SageMakerPipelineParameters"] = {"PipelineParameterList": listed}
    return target


def _is_same(events: Any, rule: dict[str, Any], trigger: Trigger, target: dict[str, Any]) -> bool:
    asked = trigger.rule()
    pattern = json.loads(rule["EventPattern"]) if "EventPattern" in rule else None
    same_rule = pattern == trigger.pattern and all(
        rule.get(member) == asked.get(member) for member in ("Description", "State", "ScheduleExpression")
    )
    return same_rule and events.list_targets_by_rule(Rule=trigger.name)["Targets"] == [target]


def _put_target(events: Any, rule: str, target: dict[str, Any]) -> None:
    answer = events.put_targets(Rule=rule, Targets=[target])
    if answer["FailedEntryCount"]:
        failed = answer["FailedEntries"][0]
        raise UserError(f"EventBridge refused the target of rule {rule}: {failed.get('ErrorMessage', failed)}")


def _refuse_anothers(events: Any, name: str) -> None:
    try:
        events.describe_rule(Name=name)
    except ClientError as error:
        if error_code(error) == "ResourceNotFoundException":
            return
        raise
    raise UserError(
        f"there is a rule {name} that this pipeline did not make (it lacks the tag {PROJECT_TAG}): "
        "remove or rename it, or give the pipeline another name"
    )


def _pipelines(config: Config, triggers: list[Trigger]) -> dict[str, str]:
    """Name to ARN of the pipelines that the rules start, with what they are given checked against what they take."""
    sagemaker, arns = client("sagemaker", config.aws.region), {}
    for trigger in triggers:
        try:
            described = sagemaker.describe_pipeline(PipelineName=trigger.pipeline)
        except ClientError as error:
            if error_code(error) == "ResourceNotFound":
                raise UserError(
                    f"there is no pipeline {trigger.pipeline!r} yet: run `groundloop upsert` first"
                ) from None
            raise
        arns[trigger.pipeline] = described["PipelineArn"]
        declared = [parameter["Name"] for parameter in json.loads(described["PipelineDefinition"])["Parameters"]]
        for name in trigger.parameters:
            if name not in declared:
                raise UserError(
                    f"rule {trigger.name}: pipeline {trigger.pipeline!r} has no parameter {name!r}; "
                    f"there are: {', '.join(declared)}. Is it upserted?"
                )
    return arns


def _check_trust(region: str, role: str) -> str:
    """Refuse a role that EventBridge can't assume; a note when that can't be seen from here."""
    try:
        document = client("iam", region).get_role(RoleName=role.rsplit("/", 1)[-1])["Role"]["AssumeRolePolicyDocument"]
    except ClientError as error:
        return f"unverified: whether {role} trusts {EVENTS} ({error_code(error)} on iam:GetRole)"
    document = json.loads(document) if isinstance(document, str) else document
    statements = document["Statement"] if isinstance(document["Statement"], list) else [document["Statement"]]
    for statement in statements:
        services = statement.get("Principal", {}).get("Service", []) if statement["Effect"] == "Allow" else []
        if EVENTS in ([services] if isinstance(services, str) else services):
            return ""
    raise UserError(
        f"EventBridge can't start the pipelines: the role {role} doesn't trust {EVENTS}. Add that service to the "
        "Principal of its trust policy, or name in triggers.role one that may sagemaker:StartPipelineExecution"
    )
