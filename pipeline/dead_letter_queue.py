"""The queue of events that could not be delivered, and what the names and tags of a project's triggers share."""

from __future__ import annotations

import hashlib
import json

from botocore.exceptions import ClientError

from groundloop.aws import client, error_code
from groundloop.models.rollout import PROJECT_TAG
from pipeline.config import Config

#: The service that sends.
EVENTS = "events.amazonaws.com"
#: What an undelivered event is kept for: SQS's longest, seconds.
_KEPT = 14 * 24 * 3600
_PREFIX_LENGTH = 34


def prefix(config: Config) -> str:
    """What the names of rules and queue begin with: a rule's may have 64 characters, a pipeline's 256."""
    name = config.pipeline.name
    if len(name) <= _PREFIX_LENGTH:
        return name
    return f"{name[: _PREFIX_LENGTH - 7]}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"


def queue_name(config: Config) -> str:
    """Name of the dead-letter queue."""
    return f"{prefix(config)}-undelivered"


def queue_url(config: Config) -> str | None:
    """URL of the dead-letter queue; None when there is none."""
    try:
        return str(client("sqs", config.aws.region).get_queue_url(QueueName=queue_name(config))["QueueUrl"])
    except ClientError as error:
        if error_code(error) in {"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"}:
            return None
        raise


def undelivered(config: Config) -> int | None:
    """How many events wait in the dead-letter queue, about; None when there is no queue."""
    url = queue_url(config)
    if url is None:
        return None
    asked = client("sqs", config.aws.region).get_queue_attributes(
        QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"]
    )
    return int(asked["Attributes"]["ApproximateNumberOfMessages"])


def ensure_queue(config: Config) -> str:
    """ARN of the dead-letter queue, which EventBridge may send to."""
    sqs = client("sqs", config.aws.region)
    url = queue_url(config)
    if url is None:
        tags = {tag["Key"]: tag["Value"] for tag in project_tags(config)}
        url = sqs.create_queue(
            QueueName=queue_name(config), tags=tags, Attributes={"MessageRetentionPeriod": str(_KEPT)}
        )["QueueUrl"]
    asked = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn", "Policy"])["Attributes"]
    arn = str(asked["QueueArn"])
    partition, region, account = arn.split(":")[1], arn.split(":")[3], arn.split(":")[4]
    rules = f"arn:{partition}:events:{region}:{account}:rule/{prefix(config)}-*"
    policy = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": EVENTS},
                    "Action": "sqs:SendMessage",
                    "Resource": arn,
                    "Condition": {"ArnLike": {"aws:SourceArn": rules}},
                }
            ],
        }
    )
    if "Policy" not in asked or json.loads(asked["Policy"]) != json.loads(policy):
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    return arn


def project_tags(config: Config) -> list[dict[str, str]]:
    """The configured tags and the one that says whose it is."""
    tags = {**config.aws.tags, PROJECT_TAG: config.pipeline.name}
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]
