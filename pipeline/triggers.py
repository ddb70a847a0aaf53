"""The EventBridge rules of this pipeline: decisions on versions start the deploy pipeline, schedules start the others.

A rule belongs to this pipeline if it is tagged with the pipeline's name; no other rule is changed or removed.
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
    """A rule and its one target, a pipeline with parameters. Exactly one of `pattern` and `schedule` is set."""

    name: str
    description: str
    pipeline: str
    parameters: dict[str, str]
    pattern: dict[str, Any] | None = None
    schedule: str | None = None
    enabled: bool = True

    def rule(self) -> dict[str, Any]:
        """Return the members of a PutRule request."""
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
    """Names of the rules by what `apply_triggers` did to them.

    Attributes:
        queue: the dead-letter queue; empty when there are no rules.
        note: what could not be verified; empty when all was.
    """

    created: list[str]
    updated: list[str]
    unchanged: list[str]
    removed: list[str]
    queue: str
    note: str

    @property
    def actions(self) -> dict[str, list[str]]:
        """The rules' names by action."""
        return {
            "created": self.created,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "removed": self.removed,
        }


def desired_triggers(config: Config) -> list[Trigger]:
    """Return the rules that a configuration describes."""
    if not config.triggers.enabled:
        return []
    triggers = []
    if config.deploy.mode == "on_approval":
        triggers.append(_approval_trigger(config))
    for name, schedule in sorted(config.triggers.schedules.items()):
        pipeline = config.pipeline.of_kind(schedule.pipeline)
        triggers.append(
            Trigger(
                name=f"{prefix(config)}-schedule-{name}",
                description=f"Starts {pipeline}: {schedule.at}",
                pipeline=pipeline,
                parameters=dict(schedule.parameters),
                schedule=schedule.at,
                enabled=schedule.enabled,
            )
        )
    return triggers


def _approval_trigger(config: Config) -> Trigger:
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
    """Create or update the rules as configured and remove this pipeline's others; a second call changes nothing.

    Raises:
        UserError: a pipeline that a rule starts does not exist or lacks a parameter that the rule sets, or the role
            does not trust EventBridge.
    """
    events, triggers = client("events", config.aws.region), desired_triggers(config)
    arns = _pipeline_arns(config, triggers)
    role = config.triggers.role or config.aws.role
    note = _check_trust(config.aws.region, role) if triggers else ""
    existing = {rule["Name"]: rule for rule in owned_rules(config)}
    queue = ensure_queue(config) if triggers else ""
    actions: dict[str, list[str]] = {"created": [], "updated": [], "unchanged": [], "removed": []}
    for trigger in triggers:
        target = _target(trigger, arns[trigger.pipeline], role, queue)
        if trigger.name in existing:
            same = _matches(events, existing[trigger.name], trigger, target)
            actions["unchanged" if same else "updated"].append(trigger.name)
            if same:
                continue
            events.put_rule(**trigger.rule())
        else:
            _check_not_foreign(events, trigger.name)
            events.put_rule(**trigger.rule(), Tags=project_tags(config))
            actions["created"].append(trigger.name)
        _put_target(events, trigger.name, target)
    for name in sorted(existing.keys() - {trigger.name for trigger in triggers}):
        remove_rule(events, name)
        actions["removed"].append(name)
    return TriggerResult(**actions, queue=queue, note=note)


def owned_rules(config: Config) -> list[dict[str, Any]]:
    """List this pipeline's rules, as ListRules returns them."""
    events = client("events", config.aws.region)
    owned = []
    for page in events.get_paginator("list_rules").paginate(NamePrefix=f"{prefix(config)}-"):
        for rule in page["Rules"]:
            tags = events.list_tags_for_resource(ResourceARN=rule["Arn"])["Tags"]
            if {"Key": PROJECT_TAG, "Value": config.pipeline.name} in tags:
                owned.append(rule)
    return owned


def remove_rule(events: Any, name: str) -> None:
    """Remove a rule, its targets first: AWS does not delete a rule with targets."""
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


def _matches(events: Any, rule: dict[str, Any], trigger: Trigger, target: dict[str, Any]) -> bool:
    desired = trigger.rule()
    pattern = json.loads(rule["EventPattern"]) if "EventPattern" in rule else None
    same_rule = pattern == trigger.pattern and all(
        rule.get(member) == desired.get(member) for member in ("Description", "State", "ScheduleExpression")
    )
    return same_rule and events.list_targets_by_rule(Rule=trigger.name)["Targets"] == [target]


def _put_target(events: Any, rule: str, target: dict[str, Any]) -> None:
    answer = events.put_targets(Rule=rule, Targets=[target])
    if answer["FailedEntryCount"]:
        failed = answer["FailedEntries"][0]
        raise UserError(f"EventBridge rejected the target of rule {rule}: {failed.get('ErrorMessage', failed)}")


def _check_not_foreign(events: Any, name: str) -> None:
    try:
        events.describe_rule(Name=name)
    except ClientError as error:
        if error_code(error) == "ResourceNotFoundException":
            return
        raise
    raise UserError(
        f"the rule {name} exists but does not belong to this pipeline (it lacks the tag {PROJECT_TAG}): "
        "remove it, or rename the pipeline"
    )


def _pipeline_arns(config: Config, triggers: list[Trigger]) -> dict[str, str]:
    """Return the ARNs of the pipelines that the rules start, by name.

    Raises:
        UserError: a pipeline does not exist, or lacks a parameter that a rule sets.
    """
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
                    f"it has: {', '.join(declared)}; if the parameter is new, run `groundloop upsert` first"
                )
    return arns


def _check_trust(region: str, role: str) -> str:
    """Check that EventBridge can assume a role; return a note if that can't be verified.

    Raises:
        UserError: the role's trust policy does not name EventBridge.
    """
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
        "Principal of its trust policy, or set triggers.role to a role that allows sagemaker:StartPipelineExecution"
    )
