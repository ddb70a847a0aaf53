"""An execution or a version as it is compared with another: named, read, and sorted into sections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, TypeAlias

from botocore.exceptions import ClientError

from groundloop.aws import client, is_not_found
from groundloop.errors import UserError
from groundloop.executions.content import ExecutionContent, read_execution
from groundloop.executions.control import RUNNING, resolve
from groundloop.executions.evaluation import read_metrics
from groundloop.metric_paths import metric_paths
from groundloop.models.registry import Version, version
from groundloop.result_files import read_evaluation, read_summary
from groundloop.tracking.content import data_params, gate_tags, training_params

Value: TypeAlias = "str | float | None"
#: Names the newest execution.
LATEST = "latest"
_MAX_VERSION_DIGITS = 9
_DATA = "data."
#: What evaluation.json says of the data, which the section `data` has.
_NO_COMPARED_METRICS = "images"


@dataclass(frozen=True)
class ComparedRun:
    """An execution or a version.

    Attributes:
        name: `version 3`, or the id of an execution.
        execution: ARN; None for a version whose execution is not there any more.
        package: ARN of the version; None if there is none.
        status: of the execution; None without one.
        started: when it started, ISO 8601.
        sections: values by name in `parameters`, `configuration`, `hyperparameters`, `data`, `code`, `gate`, `cost`.
        metrics: by path in evaluation.json, joined by dots; None for one that the data does not define.
        intervals: confidence intervals of some of them.
        notes: what is not known of it, and why.
    """

    name: str
    execution: str | None = None
    package: str | None = None
    status: str | None = None
    started: str | None = None
    sections: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return what names the run, as plain values."""
        names = ("name", "execution", "package", "status", "started")
        return {name: getattr(self, name) for name in names}


def read_run(region: str, pipeline: str, group: str, which: str) -> ComparedRun:
    """Return an execution or a version that is named.

    Args:
        region: AWS region.
        pipeline: name of the pipeline of executions that are named by id.
        group: model package group of versions.
        which: version number, ARN or id of an execution, or `latest`.

    Raises:
        UserError: there is no such execution or version.
    """
    if which.isdecimal() and len(which) <= _MAX_VERSION_DIGITS:
        return _of_version(region, version(region, group, int(which)))
    if ":model-package/" in which:
        raise UserError(f"{which} is a model package: give its version number, such as {which.rpartition('/')[2]}")
    arn = resolve(region, pipeline, None if which == LATEST else which)
    return _of_execution(region, read_execution(region, arn), arn.rpartition("/")[2])


def _of_version(region: str, found: Version) -> ComparedRun:
    name, execution = f"version {found.number}", found.metadata.get("execution")
    if execution:
        try:
            return _of_execution(region, read_execution(region, execution), name, found)
        except ClientError as error:
            if not is_not_found(error):
                raise
    notes = ["its execution is not there any more: parameters, hyperparameters and cost are not known"]
    s3 = client("s3", region)
    summary = evaluation = None
    try:
        summary = read_summary(s3, found.metadata["summary"]) if "summary" in found.metadata else None
        evaluation = read_evaluation(s3, found.metadata["evaluation"]) if "evaluation" in found.metadata else None
    except UserError as error:
        notes.append(str(error))
    code = dict(item.split("@", 1) for item in found.metadata.get("code_version", "").split() if "@" in item)
    sections: dict[str, Mapping[str, Value]] = {
        "configuration": _configuration(found.metadata),
        "data": _data(summary),
        "code": code,
    }
    return _with_evaluation(ComparedRun(name, package=found.arn, sections=sections, notes=tuple(notes)), evaluation)


def _of_execution(region: str, content: ExecutionContent, name: str, found: Version | None = None) -> ComparedRun:
    described = content.described
    package = found.arn if found else content.package
    metadata = found.metadata if found else _metadata(region, package)
    sections: dict[str, Mapping[str, Value]] = {
        "parameters": content.parameters,
        "configuration": _configuration(metadata),
        "hyperparameters": training_params(content.training or {}),
        "data": _data(content.summary),
        "code": content.code,
        "gate": {},
        "cost": _cost(content),
    }
    notes, evaluation = [], None
    if content.evaluation_prefix is None:
        notes.append("it has no metrics: its Evaluate step has not succeeded")
    else:
        try:
            evaluation = read_metrics(region, content.evaluation_prefix)
        except UserError as error:
            notes.append(str(error))
    run = ComparedRun(
        name=name,
        execution=content.arn,
        package=package,
        status=described["PipelineExecutionStatus"],
        started=described["CreationTime"].isoformat(),
        sections=sections,
        notes=tuple(notes),
    )
    return _with_evaluation(run, evaluation)


def _with_evaluation(run: ComparedRun, evaluation: Mapping[str, Any] | None) -> ComparedRun:
    """Return a run with the gate and the metrics of its evaluation.json."""
    if evaluation is None:
        return run
    metrics = {".".join(path): value for path, value in metric_paths(evaluation) if path[0] != _NO_COMPARED_METRICS}
    intervals = (evaluation.get("intervals") or {}).get("metrics") or {}
    gate = {name.removeprefix("groundloop."): value for name, value in gate_tags(evaluation).items()}
    return ComparedRun(
        **{
            **vars(run),
            "sections": {**run.sections, "gate": gate},
            "metrics": metrics,
            "intervals": {name: (float(low), float(high)) for name, (low, high) in intervals.items()},
        }
    )


def _metadata(region: str, package: str | None) -> Mapping[str, str]:
    """Return the metadata of a version; empty if there is none, or it was deleted."""
    if package is None:
        return {}
    try:
        described = client("sagemaker", region).describe_model_package(ModelPackageName=package)
    except ClientError as error:
        if not is_not_found(error):
            raise
        return {}
    return described.get("CustomerMetadataProperties") or {}


def _configuration(metadata: Mapping[str, str]) -> dict[str, Value]:
    """Return what a version says of the configuration that its pipeline was built from."""
    names = ("config_sha256", "started_from")
    return {name: metadata[name] for name in names if name in metadata}


def _data(summary: Mapping[str, Any] | None) -> dict[str, Value]:
    """Return the labels, classes and splits that Prepare's summary names."""
    if summary is None:
        return {}
    found: dict[str, Value] = {name.removeprefix(_DATA): value for name, value in data_params(summary).items()}
    sources = summary.get("sources") or []
    if sources:
        found["manifests"] = ", ".join(str(source["name"]) for source in sources)
        found["labels_used"] = float(sum(source.get("used", 0) for source in sources))
    reviewed = (summary.get("reviewed") or {}).get("used")
    return found if reviewed is None else {**found, "reviewed_used": float(reviewed)}


def _cost(content: ExecutionContent) -> dict[str, Value]:
    """Return how long the execution took and for how long its training is billed, in seconds."""
    described, training = content.described, content.training or {}
    running = described["PipelineExecutionStatus"] in RUNNING
    until = datetime.now(timezone.utc) if running else described["LastModifiedTime"]
    found: dict[str, Value] = {"seconds": round((until - described["CreationTime"]).total_seconds(), 1)}
    for name, member in (("training_seconds", "TrainingTimeInSeconds"), ("billable_seconds", "BillableTimeInSeconds")):
        if member in training:
            found[name] = float(training[member])
    return found
