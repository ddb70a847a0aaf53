"""The parameters, metrics and tags of a run, from the files and descriptions that an execution leaves."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from groundloop.metric_paths import metric_paths
from groundloop.tracking.names import metric_names
from groundloop.tracking.run import Metric

#: What Evaluate leaves, as artifacts.
EVALUATION_FILES = ("evaluation.json", "report.html", "results.csv")
# Metrics that stand at the top of evaluation.json are shown under this name.
_TEST = "test"
_OF_EPOCHS = {
    "train/smooth_l1": "smooth_l1",
    "train/cross_entropy": "cross_entropy",
    "validation/mAP": "validation_map",
}


def evaluation_metrics(evaluation: Mapping[str, Any]) -> list[Metric]:
    """Return every metric of an evaluation.json; one that the data doesn't define is left out.

    Example:
        >>> evaluation_metrics({"map_50": 0.5, "count": {"mae": 1}, "per_class": {"usb-c": {"ap_50": None}}})
        [Metric(name='test/map_50', value=0.5, step=0), Metric(name='count/mae', value=1.0, step=0)]
    """
    values = {path if len(path) > 1 else (_TEST, *path): value for path, value in metric_paths(evaluation)}
    names = metric_names(values)
    return [Metric(names[path], float(value)) for path, value in values.items() if value is not None]


def curve_metrics(curve: Iterable[Mapping[str, Any]]) -> list[Metric]:
    """Return losses and mAP of each epoch, with the epoch as step; what is None or not finite is left out.

    Args:
        curve: of an evaluation.json (`training.curve`): a row for each epoch, counted from 1.

    Example:
        >>> curve_metrics([{"epoch": 1, "smooth_l1": 1.5, "cross_entropy": None, "validation_map": 0.1}])
        [Metric(name='train/smooth_l1', value=1.5, step=1), Metric(name='validation/mAP', value=0.1, step=1)]
    """
    return [
        Metric(name, float(value), row["epoch"])
        for row in curve
        for name, key in _OF_EPOCHS.items()
        if (value := row.get(key)) is not None and math.isfinite(value)
    ]


def curve_of(evaluation: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Return the training curve in an evaluation.json; empty where it has none."""
    return (evaluation.get("training") or {}).get("curve") or ()


def training_params(described: Mapping[str, Any]) -> dict[str, str]:
    """Return the hyperparameters and instances of a training job.

    Args:
        described: the response of DescribeTrainingJob.
    """
    resources = described.get("ResourceConfig") or {}
    params = dict(described.get("HyperParameters") or {})
    if "InstanceType" in resources:
        params["instance_type"] = resources["InstanceType"]
        params["instance_count"] = str(resources.get("InstanceCount", 1))
    return params


def data_params(summary: Mapping[str, Any]) -> dict[str, str]:
    """Return what data a model was trained and tested on.

    Args:
        summary: content of Prepare's summary.json.
    """
    params = {
        f"data.{split}_{what}": str(summary[split][what])
        for split in ("train", "validation", "test")
        for what in ("images", "boxes")
        if what in (summary.get(split) or {})
    }
    classes = summary.get("classes") or []
    params |= {"data.classes": ", ".join(classes), "data.num_classes": str(len(classes))} if classes else {}
    for name in ("classes_sha256", "fingerprint"):
        if name in summary:
            params[f"data.{name}"] = str(summary[name])
    return params


def gate_tags(evaluation: Mapping[str, Any]) -> dict[str, str]:
    """Return the gate's verdict, and the version that the model was compared with."""
    return dict(_gate_tags(evaluation))


def _gate_tags(evaluation: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    gate, champion = evaluation.get("gate") or {}, evaluation.get("champion") or {}
    if gate:
        yield "groundloop.gate", "missed" if gate.get("thresholds_missed") else "passed"
        yield "groundloop.gate-message", str(gate.get("message", ""))
    if champion.get("package"):
        yield "groundloop.champion", str(champion["package"])


def pipeline_of(arn: str) -> str:
    """Return the name of the pipeline that an execution is of.

    Example:
        >>> pipeline_of("arn:aws:sagemaker:eu-west-1:111122223333:pipeline/bolts/execution/abcdefghijkl")
        'bolts'
    """
    return arn.rpartition(":")[2].split("/")[1]
