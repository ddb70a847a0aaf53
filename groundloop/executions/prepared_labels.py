"""The labels that Prepare used, as its summary counts them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from groundloop.aws import client
from groundloop.errors import UserError
from groundloop.executions.control import Transition
from groundloop.executions.evaluation import output_uris
from groundloop.s3 import join_uri, read_json

_STEP, _OUTPUT, _FILE = "Prepare", "report", "summary.json"


def prepared_summary(region: str, change: Transition) -> dict[str, Any] | None:
    """Return the content of the summary.json that a step wrote; None if it wrote none that can be read.

    Other pipelines may have a step of this name, and whoever follows an execution need not be allowed to read its data.
    """
    if change.step != _STEP or change.status != "Succeeded" or change.kind != "ProcessingJob":
        return None
    job = client("sagemaker", region).describe_processing_job(ProcessingJobName=change.job)
    prefix = output_uris(job).get(_OUTPUT)
    if prefix is None:
        return None
    try:
        summary = read_json(client("s3", region), join_uri(prefix, _FILE))
    except (UserError, ClientError):
        return None
    return summary if "sources" in summary else None


def describe_label_use(summary: Mapping[str, Any]) -> list[str]:
    """Say how many lines were read, used and rejected, the latter by reason; several sources have a line each.

    Args:
        summary: content of summary.json.

    Example:
        >>> source = {"name": "s3://b/m", "read": 9, "used": 6, "rejected": 2, "reasons": {"ERROR_IMAGE_MISSING": 2},
        ...           "replaced": 0, "failed": 0, "unlabelled": 1}
        >>> describe_label_use({"sources": [source], "negatives_dropped": 0})
        ['labels: 9 lines read, 6 used, 2 rejected (ERROR_IMAGE_MISSING 2), 1 unlabelled']
    """
    sources = summary["sources"]
    total: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for source in sources:
        total.update({key: value for key, value in source.items() if isinstance(value, int)})
        reasons.update(source["reasons"])
    dropped = summary["negatives_dropped"]
    note = f"; {dropped} negatives dropped from train" if dropped else ""
    lines = [f"labels: {_counts(total, reasons)}{note}"]
    if len(sources) > 1:
        lines += [f"  {source['name']}: {_counts(source, source['reasons'])}" for source in sources]
    return lines


def _counts(counts: Mapping[str, int], reasons: Mapping[str, int]) -> str:
    by_count = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    listed = ", ".join(f"{code} {count}" for code, count in by_count)
    parts = [f"{counts['read']} lines read", f"{counts['used']} used"]
    parts.append(f"{counts['rejected']} rejected{f' ({listed})' if listed else ''}")
    for key, words in (
        ("replaced", "replaced by later labels"),
        ("failed", "failed to be labelled"),
        ("unlabelled", "unlabelled"),
    ):
        if counts[key]:
            parts.append(f"{counts[key]} {words}")
    return ", ".join(parts)
