"""Links to pages of the AWS console: a job, its CloudWatch log."""

from __future__ import annotations

from urllib.parse import quote

from groundloop.aws import offline_endpoint

_PAGES = {
    "TrainingJob": "jobs",
    "ProcessingJob": "processing-jobs",
    "TransformJob": "transform-jobs",
    "TuningJob": "hyper-tuning-jobs",
}
_OTHER_PARTITIONS = {"cn-": "console.amazonaws.cn", "us-gov-": "console.amazonaws-us-gov.com"}


def job_page(region: str, kind: str, job: str) -> str | None:
    """Return the URL of a job's page in the SageMaker console; None for other resources, and offline.

    Example:
        >>> job_page("eu-west-1", "TrainingJob", "detector-1")
        'https://eu-west-1.console.aws.amazon.com/sagemaker/home?region=eu-west-1#/jobs/detector-1'

    Args:
        region: AWS region.
        kind: `TrainingJob`, `ProcessingJob`, `TransformJob` or `TuningJob`.
        job: name of the job.
    """
    if offline_endpoint() or kind not in _PAGES or not job:
        return None
    return f"https://{_host(region)}/sagemaker/home?region={region}#/{_PAGES[kind]}/{job}"


def log_page(region: str, group: str, job: str) -> str | None:
    """Return the URL of a job's log streams in the CloudWatch console; None without a log group, and offline."""
    if offline_endpoint() or not group:
        return None
    # The console's own escaping: percent-encoded twice, with $ in place of %.
    escaped = quote(quote(group, safe=""), safe="").replace("%", "$")
    prefix = quote(f"?logStreamNameFilter={quote(job + '/', safe='')}", safe="").replace("%", "$")
    return f"https://{_host(region)}/cloudwatch/home?region={region}#logsV2:log-groups/log-group/{escaped}{prefix}"


def _host(region: str) -> str:
    for prefix, host in _OTHER_PARTITIONS.items():
        if region.startswith(prefix):
            return f"{region}.{host}"
    return f"{region}.console.aws.amazon.com"
