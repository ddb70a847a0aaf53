"""The end of an execution on the terminal: its metrics, its report, the registered version, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from groundloop.aws import explain
from groundloop.errors import UserError
from groundloop.executions.control import registered_package
from groundloop.executions.evaluation import evaluation_prefix, read_metrics, report_uri
from groundloop.models.version_selection import version_of
from pipeline.cli.metrics_table import print_metrics
from pipeline.cli.options import suggest
from pipeline.cli.output import print_line, print_values, print_warning


def print_run_end(region: str, arn: str) -> None:
    """Print the results of an execution that has ended, whether it succeeded, missed its gate or failed.

    An execution that failed before Evaluate has none. Results that can't be read are a warning, so that they don't
    hide why the execution failed.
    """
    try:
        prefix = evaluation_prefix(region, arn)
        if prefix is None:
            return
        metrics, package = read_metrics(region, prefix), registered_package(region, arn)
        status = _approval_status(region, package) if package else ""
    except (UserError, BotoCoreError, ClientError) as error:
        print_warning(f"the results can't be read: {error if isinstance(error, UserError) else explain(error)}")
        return
    print_line(f"\non {metrics['images']['test']} test images:")
    print_metrics(metrics)
    print_line(f"\ngate: {metrics['gate']['message']}")
    values = {"report": report_uri(prefix), "show it": suggest("report", arn, "--open")}
    if package:
        number = version_of(package)
        values["version"] = f"{number} ({status})"
        if status == "PendingManualApproval":
            values["next"] = suggest("approve", str(number), "--reason", "TEXT")
    elif metrics["gate"]["thresholds_missed"]:
        values |= missed_gate_advice(metrics)
    print_values(values)


def missed_gate_advice(metrics: Mapping[str, Any]) -> dict[str, str]:
    """Return what to do about a model that missed the gate, as `next` of the printed values.

    Where the interval of a metric covers its threshold, the test split is too small to tell; elsewhere the model has to
    become better.

    Args:
        metrics: content of evaluation.json.
    """
    bounds = metrics["intervals"]["metrics"]
    missed = [row for row in metrics["gate"].get("requirements", ()) if not row["met"]]
    unsure = [
        row["metric"]
        for row in missed
        if not row.get("against")
        and row["metric"] in bounds
        and bounds[row["metric"]][0] <= row["threshold"] <= bounds[row["metric"]][1]
    ]
    advice = []
    if unsure:
        advice.append(f"label more test images: the interval of {', '.join(unsure)} covers the threshold")
    if len(unsure) < len(missed):
        scored = {name: row["ap_50"] for name, row in metrics["per_class"].items() if row["ap_50"] is not None}
        worst = f"; the class with the lowest AP50 is {min(scored, key=scored.__getitem__)}" if scored else ""
        advice.append(f"train for more epochs, or correct and add labels{worst}")
    return {"next": "; or ".join(advice)}


def _approval_status(region: str, package: str) -> str:
    from groundloop.aws import client

    described = client("sagemaker", region).describe_model_package(ModelPackageName=package)
    return str(described["ModelApprovalStatus"])
