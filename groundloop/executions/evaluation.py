"""The evaluation that an execution wrote: its metrics and its report, also where the gate was missed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from groundloop.aws import client
from groundloop.errors import UserError
from groundloop.executions.control import steps, transition
from groundloop.result_files import read_evaluation
from groundloop.s3 import join_uri

_STEP, _OUTPUT = "Evaluate", "evaluation"
_METRICS, _REPORT = "evaluation.json", "report.html"


def output_uris(processing_job: Mapping[str, Any]) -> dict[str, str]:
    """Return the S3 URIs of a processing job's outputs by name.

    Args:
        processing_job: the response of DescribeProcessingJob.
    """
    outputs = processing_job.get("ProcessingOutputConfig", {}).get("Outputs", [])
    return {item["OutputName"]: item["S3Output"]["S3Uri"].rstrip("/") for item in outputs if "S3Output" in item}


def evaluation_prefix(region: str, execution: str) -> str | None:
    """Return the S3 prefix of what an execution's Evaluate step wrote; None if that step didn't succeed."""
    found = (transition(step) for step in steps(region, execution) if step["StepName"] == _STEP)
    evaluate = next(found, None)
    if evaluate is None or evaluate.status != "Succeeded" or evaluate.kind != "ProcessingJob":
        return None
    job = client("sagemaker", region).describe_processing_job(ProcessingJobName=evaluate.job)
    return output_uris(job).get(_OUTPUT)


def read_metrics(region: str, prefix: str) -> dict[str, Any]:
    """Return the content of evaluation.json.

    Raises:
        UserError: it does not exist, or is damaged.
    """
    return read_evaluation(client("s3", region), join_uri(prefix, _METRICS))


def report_uri(prefix: str) -> str:
    """Return the S3 URI of the report."""
    return join_uri(prefix, _REPORT)


def report_of_execution(region: str, execution: str) -> str:
    """Return the S3 URI of an execution's report.

    Raises:
        UserError: its Evaluate step hasn't succeeded.
    """
    prefix = evaluation_prefix(region, execution)
    if prefix is None:
        raise UserError(f"{execution} has no report: its {_STEP} step has not succeeded")
    return report_uri(prefix)


def report_beside(evaluation: str) -> str:
    """Return the S3 URI of the report of a model version.

    Args:
        evaluation: S3 URI of its evaluation.json, as the version's metadata names it.
    """
    return report_uri(evaluation.removesuffix(_METRICS).rstrip("/"))
