"""EventBridge rules as flat facts, so that one that stands and one that is wanted can be held against each other."""

from __future__ import annotations

import json
from typing import Any

from groundloop.aws import client
from pipeline.config import Config
from pipeline.dead_letter_queue import queue_name
from pipeline.triggers import desired_triggers, owned_rules

#: Path to value of one rule, its target's included.
Facts = dict[str, str]


def deployed_rules(config: Config) -> dict[str, Facts]:
    """This pipeline's rules in AWS, by name."""
    events = client("events", config.aws.region)
    return {
        rule["Name"]: _facts(rule, events.list_targets_by_rule(Rule=rule["Name"])["Targets"])
        for rule in owned_rules(config)
    }


def desired_rules(config: Config) -> dict[str, Facts]:
    """The rules that the configuration asks for, by name."""
    role = config.triggers.role or config.aws.role
    found = {}
    for trigger in desired_triggers(config):
        target: dict[str, Any] = {
            "Arn": trigger.pipeline,
            "RoleArn": role,
            "DeadLetterConfig": {"Arn": queue_name(config)},
            "SageMakerPipelineParameters": {
                "PipelineParameterList": [{"Name": n, "Value": v} for n, v in trigger.parameters.items()]
            },
        }
        found[trigger.name] = _facts(trigger.rule(), [target])
    return found


def _facts(rule: dict[str, Any], targets: list[dict[str, Any]]) -> Facts:
    members = ("State", "ScheduleExpression", "Description")
    facts: Facts = {member: str(rule[member]) for member in members if member in rule}
    if pattern := rule.get("EventPattern"):
        facts |= {f"EventPattern.{path}": text for path, text in _flat(json.loads(pattern), "")}
    for number, target in enumerate(targets, start=1):
        # A rule of ours has one target; what else hangs on it shows as more facts.
        at = "" if number == 1 else f"target {number} "
        facts[f"{at}starts"] = target["Arn"].rsplit("/", 1)[-1]
        facts[f"{at}role"] = target.get("RoleArn", "none")
        # Of the queue's ARN the name decides: the account is not known before it is made.
        facts[f"{at}undelivered to"] = target.get("DeadLetterConfig", {}).get("Arn", "nowhere").rsplit(":", 1)[-1]
        listed = target.get("SageMakerPipelineParameters", {}).get("PipelineParameterList", [])
        facts |= {f"{at}parameters.{item['Name']}": item["Value"] for item in listed}
    return dict(sorted(facts.items()))


def _flat(value: Any, path: str) -> list[tuple[str, str]]:
    if isinstance(value, dict):
        return [
            found for key, inner in sorted(value.items()) for found in _flat(inner, f"{path}.{key}" if path else key)
        ]
    if isinstance(value, list):
        return [(path, " or ".join(str(item) for item in value))]
    return [(path, str(value))]
