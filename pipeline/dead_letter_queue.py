"""The dead-letter queue for undelivered events, and the common prefix and tags of a project's triggers."""

from __future__ import annotations

import hashlib
import json

from botocore.exceptions import ClientError

from groundloop.aws import client, error_code
from groundloop.models.rollout import PROJECT_TAG
from pipeline.config import Config

#: Service principal of EventBridge, which sends to the queue.
EVENTS = "events.amazonaws.com"
#: How long an undelivered event is kept, in seconds: the maximum of SQS.
_RETENTION_SECONDS = 14 * 24 * 3600
_MAX_PREFIX_LENGTH = 34


def prefix(config: Config) -> str:
    """Return the prefix of the names of rules and queue.

    A rule's name has at most 64 characters, a pipeline's 160: a long name is cut and gets a hash.
    """
    name = config.pipeline.name
    if len(name) <= _MAX_PREFIX_LENGTH:
        return name
    return f"{name[: _MAX_PREFIX_LENGTH - 7]}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"


def queue_name(config: Config) -> str:
    """Return the name of the dead-letter queue."""
    return f"{prefix(config)}-undelivered"


def queue_url(config: Config) -> str | None:
    """Return the URL of the dead-letter queue; None if it does not exist."""
    try:
        return str(client("sqs", config.aws.region).get_queue_url(QueueName=queue_name(config))["QueueUrl"])
    except ClientError as error:
        if error_code(error) in {"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"}:
            return None
        raise


def undelivered(config: Config) -> int | None:
    """Return the approximate number of events in the dead-letter queue; None if it does not exist."""
    url = queue_url(config)
    if url is None:
        return None
    attributes = client("sqs", config.aws.region).get_queue_attributes(
        QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"]
    )
    return int(attributes["Attributes"]["ApproximateNumberOfMessages"])


def ensure_queue(config: Config) -> str:
    """Create the dead-letter queue, unless it exists, and allow EventBridge to send to it; return its ARN."""
    sqs = client("sqs", config.aws.region)
    url = queue_url(config)
    if url is None:
        tags = {tag["Key"]: tag["Value"] for tag in project_tags(config)}
        url = sqs.create_queue(
            QueueName=queue_name(config), tags=tags, Attributes={"MessageRetentionPeriod": str(_RETENTION_SECONDS)}
        )["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn", "Policy"])["Attributes"]
    arn = str(attributes["QueueArn"])
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
    if "Policy" not in attributes or json.loads(attributes["Policy"]) != json.loads(policy):
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    return arn


def project_tags(config: Config) -> list[dict[str, str]]:
    """Return the configured tags and the tag of this project."""
    tags = {**config.aws.tags, PROJECT_TAG: config.pipeline.name}
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]
