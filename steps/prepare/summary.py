"""The summary of the data set for the steps that follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from groundloop.labels.classes import ClassList
from groundloop.labels.records import LineStatus
from groundloop.labels.split import Split
from groundloop.spec.object_detection import label_width
from steps.prepare.dataset import PreparedDataset, SplitCounts

if TYPE_CHECKING:
    from steps.prepare.start_model import StartModel


def summary(
    classes: ClassList,
    splits: Mapping[Split, SplitCounts],
    dataset: PreparedDataset,
    fingerprint: str,
    training_data: str,
    start: StartModel | None = None,
    *,
    reviewed: bool,
) -> dict[str, Any]:
    """Return the content of the property file `summary.json`, which later steps read by JsonGet.

    `training` repeats its numbers as text, because hyperparameters are text and a pipeline cannot convert.

    Args:
        fingerprint: equal exactly when the classes and the manifests are.
        training_data: name of the folder with the manifests of the training job.
        start: the model that training starts from.
        reviewed: whether the last source is the manifest of reviewed labels.
    """
    width = label_width(dataset.max_boxes)
    statuses = dataset.statuses
    return {
        "classes": list(classes),
        "num_classes": len(classes),
        "classes_sha256": classes.sha256,
        "fingerprint": fingerprint,
        "training_data": training_data,
        **{split.value: asdict(counts) for split, counts in splits.items()},
        "negatives_dropped": dataset.negatives_dropped,
        "auto_labelled": dataset.auto_labelled,
        "label_width": width,
        "findings": dataset.tally.by_code(),
        "sources": [use.as_json() for use in dataset.uses],
        "reviewed": {"used": dataset.uses[-1].used if reviewed else 0, "train_only": dataset.train_only},
        "lines": {"read": statuses.total(), **{status.value: statuses[status] for status in LineStatus}},
        "training": {
            "num_training_samples": str(splits[Split.TRAIN].images),
            "num_classes": str(len(classes)),
            "label_width": str(width),
            **({"started_from": start.started_from} if start else {}),
        },
    }
