"""Pages of the AWS console: what a line about a job links to."""

from __future__ import annotations

from urllib.parse import quote

from groundloop.aws import offline_endpoint

_PAGES = {"TrainingJob": "jobs", "ProcessingJob": "processing-jobs", "TransformJob": "transform-jobs"}
_OTHER_PARTITIONS = {"cn-": "console.amazonaws.cn", "us-gov-": "console.amazonaws-us-gov.com"}


def job_page(region: str, kind: str, job: str) -> str | None:
    """The page of a job; None for what is no job, and offline."""
    if offline_endpoint() or kind not in _PAGES or not job:
        return None
    return f"https://{_host(region)}/sagemaker/home?region={region}#/{_PAGES[kind]}/{job}"


def log_page(region: str, group: str, job: str) -> str | None:
    """The CloudWatch streams of a job; None without a group, and offline."""
    if offline_endpoint() or not group:
        return None
    # The console's own escaping: percent-encoded twice, with $ in place of %.
    escaped = quote(quote(group, safe=""), safe="").replace("%", "$")
    prefix = quote(f"?logStreamNameFilter={quote(job + '/', safe='')}", safe="").replace("%", "$")
    return f"https://{_host(region)}/cloudwatch/home?region={region}#logsV2:log-groups/log-group/{escaped}{prefix}"


def _host(region: str) -> str:
    for start, host in _OTHER_PARTITIONS.items():
        if region.startswith(start):
            return f"{region}.{host}"
    return f"{region}.console.aws.amazon.com"
