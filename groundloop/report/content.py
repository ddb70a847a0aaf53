"""The content of a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from groundloop.detections.evaluation import Evaluation
from groundloop.report.worst import WorstImage
from groundloop.spec.training_log import EpochMetrics
from groundloop.spec.training_rules import TrainingFinding


@dataclass(frozen=True, slots=True)
class TrainingCurve:
    """The metrics of the epochs in which the model was trained, and what the rules found in the log.

    Attributes:
        epochs: oldest first; empty where the log couldn't be read.
        findings: what holds at the end of the log.
        final_metrics: last value of each metric by its name at SageMaker, where the log couldn't be read.
        missing: a sentence that says why there are no epochs; empty where there are.
        not_evaluated: a sentence that says which rules could not be evaluated, and why; empty where all were.
    """

    epochs: tuple[EpochMetrics, ...] = ()
    findings: tuple[TrainingFinding, ...] = ()
    final_metrics: Mapping[str, float] = field(default_factory=dict)
    missing: str = ""
    not_evaluated: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """The content of the page; nothing is computed from it but differences.

    Attributes:
        gate: `requirements`: a list of {metric, operator, threshold, value, met} and, where the threshold is made of
            the champion's metric, against: "champion"; `missed`, `thresholds_missed`, `message`.
        champion: {package, version, images_shared, metrics, candidate, message}: the metrics of the champion and of
            this model on the same images; or {package: None, message} where no version is approved yet. None where
            nobody looked for one.
        label_corrections: {message, before, after}: metrics by model (`candidate`, `champion`) and dotted path on the
            labels before and after they were corrected; None where none were.
        training: the training curve; None where nobody looked for one.
        worst: the gallery, in its order.
        details: where the model, data and code come from, by what each is called.
        notes: sentences that a reader must know, shown on top.
    """

    evaluation: Evaluation
    gate: Mapping[str, Any]
    champion: Mapping[str, Any] | None = None
    label_corrections: Mapping[str, Any] | None = None
    training: TrainingCurve | None = None
    worst: Sequence[WorstImage] = ()
    title: str = "Evaluation"
    details: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()
