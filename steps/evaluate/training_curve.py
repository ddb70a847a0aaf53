"""The training of the model: losses and mAP of each epoch, and what the rules find, from the training job's log.

The job's role needs `logs:DescribeLogStreams` and `logs:FilterLogEvents` on the log group of training jobs; without
them the last values remain, which `sagemaker:DescribeTrainingJob` answers (`FinalMetricDataList`).
"""

from __future__ import annotations

import math
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from groundloop.report import TrainingCurve

LOG_GROUP = "/aws/sagemaker/TrainingJobs"


def read_training_curve(job: str | None, logs: Any = None, sagemaker: Any = None) -> TrainingCurve:
    """Return the metrics of a training job's epochs with the findings, or the reason why there are none.

    The model's metrics don't depend on it, so a log that can't be read is no error.

    Args:
        job: name of the training job; None if the Evaluate job was given none.
        logs: a boto3 client of CloudWatch Logs; None: of the job's region.
        sagemaker: a boto3 client of SageMaker; None: of the job's region.
    """
    from groundloop.report import TrainingCurve

    if job is None:
        return TrainingCurve(missing="The Evaluate job was not told which training job made the model.")

    from botocore.exceptions import BotoCoreError, ClientError

    from groundloop.executions.logs import JobLog
    from groundloop.s3 import error_code
    from groundloop.spec.training_log import LOG_PHRASES, TrainingLog
    from groundloop.spec.training_rules import RULES_OF_DESCRIBED_JOBS, TrainingJobDescription, find
    from steps.clients import job_client

    described, denied = _describe(job, sagemaker)
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or ""
    try:
        log = TrainingLog(JobLog(region, LOG_GROUP, job, logs or job_client("logs")).containing(*LOG_PHRASES))
    except ClientError as error:
        return _last_values(described, f"The log of {job} can't be read: {error.operation_name}: {error_code(error)}.")
    except BotoCoreError as error:
        return _last_values(described, f"The log of {job} can't be read: {' '.join(str(error).split())}")
    findings = tuple(find(log, replace(TrainingJobDescription.of(described), is_described=not denied)))
    rules = " and ".join(RULES_OF_DESCRIBED_JOBS)
    not_evaluated = f"The rules {rules} were not evaluated: {denied}." if denied else ""
    if not log.epochs:
        curve = _last_values(described, f"The log of {job} states no metric of an epoch.")
        return replace(curve, findings=findings, not_evaluated=not_evaluated)
    return TrainingCurve(tuple(log.epochs), findings, not_evaluated=not_evaluated)


def training_json(job: str | None, curve: TrainingCurve) -> dict[str, Any]:
    """Return the part `training` of evaluation.json; epochs count from 1, and a loss of nan or inf is null."""
    return {
        "job": job,
        "curve": [
            {
                "epoch": epoch.number,
                "cross_entropy": _finite(epoch.cross_entropy),
                "smooth_l1": _finite(epoch.smooth_l1),
                "validation_map": _finite(epoch.validation_map),
                "throughput": _finite(epoch.throughput),
            }
            for epoch in curve.epochs
        ],
        "findings": [
            {"code": finding.code, "epoch": finding.epoch, "message": finding.message, "remedy": finding.remedy}
            for finding in curve.findings
        ],
        "final_metrics": dict(curve.final_metrics),
        "missing": curve.missing,
        "not_evaluated": curve.not_evaluated,
    }


def _describe(job: str, sagemaker: Any) -> tuple[dict[str, Any], str]:
    """Return what SageMaker says of a job, and why it says nothing."""
    from botocore.exceptions import BotoCoreError, ClientError

    from groundloop.s3 import error_code
    from steps.clients import job_client

    try:
        described: dict[str, Any] = (sagemaker or job_client("sagemaker")).describe_training_job(TrainingJobName=job)
    except ClientError as error:
        return {}, f"{error.operation_name}: {error_code(error)}"
    except BotoCoreError as error:
        return {}, " ".join(str(error).split())
    return described, ""


def _last_values(described: dict[str, Any], reason: str) -> TrainingCurve:
    from groundloop.report import TrainingCurve

    values = {item["MetricName"]: float(item["Value"]) for item in described.get("FinalMetricDataList") or []}
    known = {name: value for name, value in values.items() if math.isfinite(value)}
    note = " Only the last value of each metric is known, from DescribeTrainingJob." if known else ""
    return TrainingCurve(final_metrics=known, missing=reason + note)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
