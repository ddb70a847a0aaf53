"""EventBridge rules that start a pipeline: when a model package's approval status is set, or people end their work.

moto keeps rules and targets but sends no such events and knows no pipeline as a target. The events' form is AWS's
documentation ("SageMaker Model Package State Change", and those of labelling jobs and human loops); the substitution of
`$.detail.X` by EventBridge itself was not verified on AWS. Schedules are kept by moto and never fire: the offline AWS
lives for minutes.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from groundloop.local.context import Context, now, random_id

logger = logging.getLogger(__name__)

_PATH = re.compile(r"\$(?:\.[A-Za-z0-9_-]+)+")


def _plain(value: Any) -> Any:
    """Convert a package into what an event carries: times as text."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.isoformat() if hasattr(value, "isoformat") else value


def state_change(context: Context, package: dict[str, Any]) -> dict[str, Any]:
    """Build the event of a package whose state changed."""
    return event_of(context, "SageMaker Model Package State Change", package["ModelPackageArn"], _plain(package))


def event_of(context: Context, detail_type: str, arn: str, detail: dict[str, Any]) -> dict[str, Any]:
    """Build an event of SageMaker's on a resource."""
    return {
        "version": "0",
        "id": random_id(32),
        "detail-type": detail_type,
        "source": "aws.sagemaker",
        "account": context.account,
        "time": now().isoformat(),
        "region": context.region,
        "resources": [arn],
        "detail": detail,
    }


def _value(template: str, event: dict[str, Any]) -> str | None:
    """Return a parameter's value: the text at a JSON path of the event, or the text itself."""
    if not _PATH.fullmatch(template):
        return template
    value: Any = event
    for name in template.split(".")[1:]:
        value = value.get(name) if isinstance(value, dict) else None
    return None if value is None else str(value)


@dataclass(frozen=True)
class Start:
    """A StartPipelineExecution request of a rule, and the queue that takes the event when it is rejected."""

    request: dict[str, Any]
    rule: str
    event: dict[str, Any]
    dead_letters: str | None


def starts_asked_for(context: Context, event: dict[str, Any]) -> Iterator[Start]:
    """Yield the executions that the enabled rules on the default bus start for an event."""
    from groundloop.local.moto_server import event_matches

    events = context.client("events")
    for page in events.get_paginator("list_rules").paginate():
        for rule in page["Rules"]:
            if (
                rule["State"] != "ENABLED"
                or "EventPattern" not in rule
                or not event_matches(rule["EventPattern"], event)
            ):
                continue
            for target in events.list_targets_by_rule(Rule=rule["Name"])["Targets"]:
                parameters = target.get("SageMakerPipelineParameters", {}).get("PipelineParameterList")
                if ":pipeline/" not in target["Arn"]:
                    continue
                values = [(item["Name"], _value(item["Value"], event)) for item in parameters or []]
                request = {
                    "PipelineName": target["Arn"],
                    "ClientRequestToken": event["id"] + rule["Name"],
                    "PipelineParameters": [
                        {"Name": name, "Value": value} for name, value in values if value is not None
                    ],
                }
                yield Start(request, rule["Arn"], event, target.get("DeadLetterConfig", {}).get("Arn"))


def undelivered(context: Context, start: Start, reason: str) -> None:
    """Send an event to its target's dead-letter queue, as EventBridge does; log what can't be sent anywhere."""
    logger.warning("the rule %s could not start %s: %s", start.rule, start.request["PipelineName"], reason)
    if start.dead_letters is None:
        return
    sqs = context.client("sqs")
    attributes = {"RULE_ARN": start.rule, "TARGET_ARN": start.request["PipelineName"], "ERROR_MESSAGE": reason[:1024]}
    try:
        url = sqs.get_queue_url(QueueName=start.dead_letters.rsplit(":", 1)[-1])["QueueUrl"]
        sqs.send_message(
            QueueUrl=url,
            MessageBody=json.dumps(start.event),
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
            },
        )
    except ClientError as error:
        logger.warning("the event is lost: its dead-letter queue %s: %s", start.dead_letters, error)
