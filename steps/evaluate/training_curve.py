"""The training curve: loss and mAP of each epoch, from the training job's log.

The job's role needs `logs:DescribeLogStreams` and `logs:FilterLogEvents` on the log group of training jobs.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from groundloop.report import TrainingCurve

LOG_GROUP = "/aws/sagemaker/TrainingJobs"


def read_training_curve(job: str | None, logs: Any = None) -> TrainingCurve:
    """Return the metrics of a training job's epochs, or the reason why there are none.

    The model's metrics don't depend on it, so a log that can't be read is no error.

    Args:
        job: name of the training job; None if the Evaluate job was given none.
        logs: a boto3 client of CloudWatch Logs; None: of the job's region.
    """
    from groundloop.report import TrainingCurve

    if job is None:
        return TrainingCurve(missing="The Evaluate job was not told which training job made the model.")

    from botocore.exceptions import BotoCoreError, ClientError

    from groundloop.executions.logs import JobLog
    from groundloop.s3 import error_code
    from groundloop.spec.training_log import QUALITY_METRIC, TrainingLog
    from steps.clients import job_client

    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or ""
    try:
        log = TrainingLog(JobLog(region, LOG_GROUP, job, logs or job_client("logs")).containing(QUALITY_METRIC))
    except ClientError as error:
        return TrainingCurve(missing=f"The log of {job} can't be read: {error.operation_name}: {error_code(error)}.")
    except BotoCoreError as error:
        return TrainingCurve(missing=f"The log of {job} can't be read: {' '.join(str(error).split())}")
    if not log.epochs:
        return TrainingCurve(missing=f"The log of {job} states no metric of an epoch.")
    return TrainingCurve(tuple(log.epochs))
