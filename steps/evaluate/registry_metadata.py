"""What Evaluate writes for the registry: the `registry` part of evaluation.json.

The definition's JsonGet puts these into the model package. Slots of text take nothing but text, so everything here is a
string. CustomerMetadataProperties hold up to 256 characters of a small alphabet; the parts of the model card are JSON.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from groundloop.errors import UserError
from groundloop.spec.object_detection import OBJECTIVE_METRIC
from steps.evaluate.metric_names import metrics_of, value_of

#: The metrics in a model package's metadata: name of the entry to name in evaluation.json.
METRICS = {
    "map": "map",
    "map_50": "map_50",
    "map_75": "map_75",
    "voc_map": "voc_map",
    "ar_100": "ar_100",
    "precision": "at_threshold.precision",
    "recall": "at_threshold.recall",
    "f1": "at_threshold.f1",
    "count_mae": "count.mae",
    "count_rmse": "count.rmse",
    "count_bias": "count.bias",
    "count_exact_share": "count.exact_share",
    "threshold": "threshold",
}
#: The other entries of the metadata.
OTHER_METADATA = (
    "classes",
    "num_classes",
    "test_images",
    "data_fingerprint",
    "training_findings",
    "best_validation_map",
)

_MAX_VALUE_LENGTH = 256
_SEPARATOR = "/"
# What a metric's name may hold (SageMaker's model card schema, pattern .{1,255}), and the texts.
_MAX_NAME_LENGTH, _MAX_OBSERVATION_LENGTH, _MAX_TRAINING_OBSERVATION_LENGTH = 255, 2096, 1024
# The card's content has at most 100,000 characters, prose of the configuration included.
_MAX_METRICS_LENGTH = 50_000
# Three graphs of this many points take 5,000 characters.
_MAX_GRAPH_POINTS = 100
_GRAPHS = {
    "validation_map": "mAP on the validation split by epoch",
    "cross_entropy": "Cross-entropy (classes) by epoch",
    "smooth_l1": "Smooth L1 loss (boxes) by epoch",
}
_BY_CLASS = {
    "ap_50": "AP at IoU 0.50 by class",
    "precision": "Precision by class",
    "recall": "Recall by class",
}


def registry_metadata(evaluation: Mapping[str, Any], summary: Mapping[str, Any]) -> dict[str, str]:
    """Build the `registry` part of evaluation.json.

    Args:
        evaluation: all its other parts.
        summary: Prepare's summary.json.

    Raises:
        UserError: a metric, or an entry of the summary, is missing: the files are of another version of this package.
    """
    values = metrics_of(evaluation)
    metadata = {name: _text(value_of(values, metric)) for name, metric in METRICS.items()}
    try:
        metadata |= {
            "classes": classes_text(summary["classes"]),
            "num_classes": str(len(summary["classes"])),
            "test_images": str(evaluation["images"]["test"]),
            "data_fingerprint": str(summary["fingerprint"]),
            "training_findings": findings_text(evaluation.get("training") or {}),
            "best_validation_map": _text(best_validation_map(evaluation.get("training") or {})),
            "card_data": _json(_training_observations(summary, evaluation.get("training") or {})),
        }
    except KeyError as error:
        raise UserError(f"Prepare's summary.json holds no {error}: run Prepare again") from None
    metadata["card_observation"] = _json(_observation(evaluation))
    metadata["card_metric_groups"] = _json(metric_groups(evaluation))
    return metadata


def classes_text(classes: Sequence[str]) -> str:
    """All names in id order, separated by slashes, where a metadata value can hold that; else where they are listed."""
    text = _SEPARATOR.join(classes)
    if len(text) <= _MAX_VALUE_LENGTH and not any(_SEPARATOR in name for name in classes) and allowed(text):
        return text
    return "listed in the file that summary names"


def allowed(text: str) -> bool:
    """Whether a metadata value may hold a text: letters, separators, digits and _.:/=+-@ (CustomerMetadataValue)."""
    return all(character in "_.:/=+-@" or unicodedata.category(character)[0] in "LZN" for character in text)


def findings_text(training: Mapping[str, Any]) -> str:
    """Return the codes of the findings in the training log, separated by slashes; `unknown` without all the rules.

    Example:
        >>> findings_text({"curve": [{"epoch": 1}], "findings": []})
        'none'
    """
    codes = _SEPARATOR.join(finding["code"] for finding in training.get("findings", ()))
    return codes or ("none" if training.get("curve") and not training.get("not_evaluated") else "unknown")


def best_validation_map(training: Mapping[str, Any]) -> float | None:
    """Return the highest mAP of an epoch on the validation split, or the last one where only that is known."""
    scores = [epoch["validation_map"] for epoch in training.get("curve", ())]
    last: float | None = training.get("final_metrics", {}).get(OBJECTIVE_METRIC)
    return max((score for score in scores if score is not None), default=last)


def metric_groups(evaluation: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Build the card's metric groups: all metrics of the model, then some by class, then the training curve.

    An undefined metric is left out, as a metric has to have a value. Of very many classes those with the most
    ground-truth boxes are shown.
    """
    values = metrics_of(evaluation)
    bounds = (evaluation.get("intervals") or {}).get("metrics") or {}
    level = (evaluation.get("intervals") or {}).get("level", 0.95)
    overall = []
    for name in METRICS.values():
        value = value_of(values, name)
        if value is None:
            continue
        notes = f"{level * 100:g} % interval {bounds[name][0]:.3f} to {bounds[name][1]:.3f}" if name in bounds else ""
        overall.append(_metric(name, value, notes))
    groups = [{"name": "Test split", "metric_data": overall}]
    per_class: Mapping[str, Mapping[str, Any]] = evaluation["per_class"]
    names = sorted(per_class, key=lambda name: -per_class[name]["boxes"])
    curves = _training_graphs(evaluation.get("training") or {})
    used = len(_json(groups)) + len(_json(curves))
    shown: dict[str, list[dict[str, Any]]] = {kind: [] for kind in _BY_CLASS}
    for name in names:
        boxes = f"{per_class[name]['boxes']} ground-truth boxes"
        metrics = {
            kind: _metric(name, per_class[name][kind], boxes) for kind in _BY_CLASS if per_class[name][kind] is not None
        }
        used += len(_json(metrics))
        if used > _MAX_METRICS_LENGTH:
            break
        for kind, metric in metrics.items():
            shown[kind].append(metric)
    groups += [{"name": _BY_CLASS[kind], "metric_data": metrics} for kind, metrics in shown.items() if metrics]
    return [*groups, *([{"name": "Training job", "metric_data": curves}] if curves else [])]


def _training_graphs(training: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the graph of each metric over the epochs; of very many epochs some are left out."""
    epochs: Sequence[Mapping[str, Any]] = training.get("curve", ())
    step = max(1, math.ceil(len(epochs) / _MAX_GRAPH_POINTS))
    graphs = []
    for name, title in _GRAPHS.items():
        # From the end, so that the last epoch is always there.
        points = [[epoch["epoch"], epoch[name]] for epoch in epochs[::-1][::step] if epoch[name] is not None][::-1]
        if points:
            graph = {
                "name": title,
                "type": "linear_graph",
                "value": points,
                "x_axis_name": "epoch",
                "y_axis_name": name,
            }
            graphs.append(graph)
    return graphs


def _metric(name: str, value: float, notes: str) -> dict[str, Any]:
    # A dot matches no line break.
    metric = {"name": re.sub(r"\s", " ", name)[:_MAX_NAME_LENGTH], "type": "number", "value": value}
    return {**metric, "notes": notes} if notes else metric


def _json(value: Any) -> str:
    # The limits count characters: an escape would take six for one.
    return json.dumps(value, ensure_ascii=False)


def _text(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.4f}"


def _training_observations(summary: Mapping[str, Any], training: Mapping[str, Any]) -> str:
    """Describe the data, and what the training log shows; a text that is too long loses the end of the data's part."""
    messages = [f"{finding['code']}: {finding['message']}" for finding in training.get("findings", ())]
    findings = _shortened(f" Findings in the training log: {'; '.join(messages)}.", 500) if messages else ""
    return _shortened(_data(summary), _MAX_TRAINING_OBSERVATION_LENGTH - len(findings)) + findings


def _data(summary: Mapping[str, Any]) -> str:
    """Describe the data in two sentences."""
    parts = ", ".join(
        f"{part} {summary[part]['images']} images with {summary[part]['boxes']} boxes"
        for part in ("train", "validation", "test")
    )
    listed = ", ".join(summary["classes"])
    return (
        f"Labelled images, split by image: {parts}. Classes ({len(summary['classes'])}): {listed}. "
        f"Fingerprint of the data: {summary['fingerprint']}."
    )


def _observation(evaluation: Mapping[str, Any]) -> str:
    """Describe the evaluation: which thresholds were set, what was measured, how it compares."""
    test, threshold = evaluation["images"]["test"], evaluation["threshold"]
    parts = [
        f"Scored on {test} images that were never trained on.",
        f"Detections count from a score of {threshold:.3f}, chosen on the validation split.",
        f"Quality gate: {evaluation['gate']['message']}.",
    ]
    champion = evaluation.get("champion")
    if champion:
        parts.append(f"Champion: {champion['message']}.")
    text = " ".join(parts)
    return _shortened(text, _MAX_OBSERVATION_LENGTH)


def _shortened(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 3] + "..."
