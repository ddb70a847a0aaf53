"""EventBridge rules flattened to texts, so that deployed and desired ones can be compared."""

from __future__ import annotations

import json
from typing import Any

from groundloop.aws import client
from pipeline.config import Config
from pipeline.dead_letter_queue import queue_name
from pipeline.triggers import desired_triggers, owned_rules

#: Path to value of one rule and its targets.
FlatRule = dict[str, str]


def deployed_rules(config: Config) -> dict[str, FlatRule]:
    """Read this pipeline's rules from AWS, by name."""
    events = client("events", config.aws.region)
    return {
        rule["Name"]: _flatten(rule, events.list_targets_by_rule(Rule=rule["Name"])["Targets"])
        for rule in owned_rules(config)
    }


def desired_rules(config: Config) -> dict[str, FlatRule]:
    """Return the rules that the configuration describes, by name."""
    role = config.triggers.role or config.aws.role
    rules = {}
    for trigger in desired_triggers(config):
        parameters = [{"Name": name, "Value": value} for name, value in trigger.parameters.items()]
        target: dict[str, Any] = {
            "Arn": trigger.pipeline,
            "RoleArn": role,
            "DeadLetterConfig": {"Arn": queue_name(config)},
            "SageMakerPipelineParameters": {"PipelineParameterList": parameters},
        }
        rules[trigger.name] = _flatten(trigger.rule(), [target])
    return rules


def _flatten(rule: dict[str, Any], targets: list[dict[str, Any]]) -> FlatRule:
    members = ("State", "ScheduleExpression", "Description")
    flat: FlatRule = {member: str(rule[member]) for member in members if member in rule}
    if pattern := rule.get("EventPattern"):
        flat |= {f"EventPattern.{path}": text for path, text in _leaves(json.loads(pattern), "")}
    for number, target in enumerate(targets, start=1):
        # Our rules have one target; others that someone added are shown too.
        prefix = "" if number == 1 else f"target {number} "
        flat[f"{prefix}starts"] = target["Arn"].rsplit("/", 1)[-1]
        flat[f"{prefix}role"] = target.get("RoleArn", "none")
        # Only the name in the queue's ARN is compared: the account is not known before the queue exists.
        queue = target.get("DeadLetterConfig", {}).get("Arn", "none")
        flat[f"{prefix}dead-letter queue"] = queue.rsplit(":", 1)[-1]
        listed = target.get("SageMakerPipelineParameters", {}).get("PipelineParameterList", [])
        flat |= {f"{prefix}parameters.{item['Name']}": item["Value"] for item in listed}
    return dict(sorted(flat.items()))


def _leaves(value: Any, path: str) -> list[tuple[str, str]]:
    if isinstance(value, dict):
        return [
            leaf for key, inner in sorted(value.items()) for leaf in _leaves(inner, f"{path}.{key}" if path else key)
        ]
    if isinstance(value, list):
        return [(path, " or ".join(str(item) for item in value))]
    return [(path, str(value))]
