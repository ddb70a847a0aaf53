"""Rules on the log of a training job: what in it shows that the training goes wrong.

SageMaker's Debugger sees no tensor of a built-in algorithm; these rules need its log lines only. Each is a function
of the log as it stands, so a finding can go away again: `groundloop watch` reports it when it appears, and Evaluate
reports what holds at the end.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from groundloop.spec.object_detection import HYPERPARAMETERS
from groundloop.spec.training_log import EpochMetrics, TrainingLog, best_epoch

RuleCode = Literal[
    "not_finite",
    "no_learning",
    "map_zero",
    "overfitting",
    "batches_missing",
    "starving",
    "stalled",
    "wont_finish",
]
#: The code of each rule.
RULE_CODES: tuple[RuleCode, ...] = get_args(RuleCode)

#: From this epoch on, counted from 0, the cross-entropy has to be below this share of the first epoch's.
NO_LEARNING_EPOCH, NO_LEARNING_SHARE = 3, 0.98
#: An mAP below this counts as 0, in as many epochs after the first ones.
MAP_ZERO, MAP_ZERO_EPOCHS, MAP_ZERO_AFTER = 0.001, 5, 3
#: The mAP is this much below its best, for as many epochs.
OVERFITTING_DROP, OVERFITTING_EPOCHS = 0.05, 5
#: The throughput is below this share of its best, for as many epochs.
STARVING_SHARE, STARVING_EPOCHS = 0.5, 2
# In shorter epochs the throughput depends on how the epoch begins, and nobody waits long for them.
STARVING_MIN_EPOCH_SECONDS = 30.0
#: No line for this long, or for as many median epochs if that is longer.
STALLED_SECONDS, STALLED_EPOCHS = 600.0, 3
# The first epoch also loads the images and the network, and nothing is known yet of how long one takes.
STALLED_FIRST_EPOCH_SECONDS = 1800.0
#: Rules that need SageMaker's description of the job: whether it starts from a model, how many images it has.
RULES_OF_DESCRIBED_JOBS: tuple[RuleCode, ...] = ("no_learning", "starving")
#: Epochs of which the duration is known before an end is projected.
PROJECTION_EPOCHS = 2


@dataclass(frozen=True)
class TrainingFinding:
    """What a rule found.

    Attributes:
        code: code of the rule.
        epoch: number of the epoch in which it was found, from 1; None for a finding that belongs to no epoch.
        message: what is wrong, with the value.
        remedy: what to do.
    """

    code: RuleCode
    epoch: int | None
    message: str
    remedy: str

    @property
    def text(self) -> str:
        """Code, message and remedy on one line."""
        return f"{self.code}: {self.message}; {self.remedy}"


@dataclass(frozen=True)
class TrainingJobDescription:
    """What the rules have to know of a training job; the defaults are the algorithm's own.

    Attributes:
        epochs: number of epochs.
        learning_rate: initial learning rate.
        training_samples: number of training images; None if it isn't known.
        starts_from_model: whether training starts from a model of the algorithm.
        early_stopping: whether the algorithm may stop before the last epoch.
        started: when the instances started; None if it isn't known.
        max_runtime_seconds: after which SageMaker stops the job; None if it isn't known.
        is_described: whether SageMaker has described the job; otherwise none of the others is known.
    """

    epochs: int = 30
    learning_rate: float = 0.001
    training_samples: int | None = None
    starts_from_model: bool = False
    early_stopping: bool = False
    started: datetime | None = None
    max_runtime_seconds: float | None = None
    is_described: bool = True

    @classmethod
    def of(cls, described: Mapping[str, Any]) -> TrainingJobDescription:
        """Return the description from an answer of DescribeTrainingJob."""
        given: Mapping[str, str] = described.get("HyperParameters") or {}
        channels = described.get("InputDataConfig") or []
        samples = _hyperparameter(given, "num_training_samples")
        return cls(
            epochs=int(_hyperparameter(given, "epochs") or cls.epochs),
            learning_rate=float(_hyperparameter(given, "learning_rate") or cls.learning_rate),
            training_samples=None if samples is None else int(samples),
            starts_from_model=any(channel.get("ChannelName") == "model" for channel in channels),
            early_stopping=str(given.get("early_stopping", "")).lower() == "true",
            started=described.get("TrainingStartTime"),
            max_runtime_seconds=(described.get("StoppingCondition") or {}).get("MaxRuntimeInSeconds"),
        )


def _hyperparameter(given: Mapping[str, str], name: str) -> float | None:
    text = given.get(name, HYPERPARAMETERS[name].default)
    try:
        value = float(text)
    except (TypeError, ValueError):
        return None
    return value if math.isfinite(value) else None


def find(log: TrainingLog, job: TrainingJobDescription, now: datetime | None = None) -> list[TrainingFinding]:
    """Return what the rules find in a log as it stands.

    Args:
        log: the log.
        job: the job.
        now: the time, for a job that is running and whose log is read to its end; None for a job that has ended.

    Example:
        >>> nan = "#quality_metric: host=algo-1, epoch=0, batch=9 train smooth_l1 <loss>=nan"
        >>> [finding.code for finding in find(TrainingLog([nan]), TrainingJobDescription())]
        ['not_finite']
    """
    epochs = log.epochs
    rules = [rule for code, rule in _RULES.items() if job.is_described or code not in RULES_OF_DESCRIBED_JOBS]
    findings = [finding for rule in rules for finding in rule(log, epochs, job)]
    if now is not None:
        findings += [*_stalled(log, now), *_wont_finish(log, job)]
    return findings


def projected_end(log: TrainingLog, job: TrainingJobDescription) -> datetime | None:
    """Return when the last epoch will end at the pace so far; None before an epoch's duration is known."""
    last, seconds = log.last_epoch_end, log.median_epoch_seconds
    if last is None:
        return None
    epoch, end = last
    if seconds is None:
        if job.started is None:
            return None
        seconds = max(0.0, (end - job.started).total_seconds()) / (epoch + 1)
    return end + timedelta(seconds=seconds * max(0, job.epochs - 1 - epoch))


def _not_finite(
    _: TrainingLog, epochs: Sequence[EpochMetrics], job: TrainingJobDescription
) -> Iterator[TrainingFinding]:
    for epoch in epochs:
        for name in ("cross_entropy", "smooth_l1"):
            value = getattr(epoch, name)
            if value is not None and not math.isfinite(value):
                rate, half = (
                    (f" {job.learning_rate:g}", f" to {job.learning_rate / 2:g}") if job.is_described else ("", "")
                )
                yield TrainingFinding(
                    "not_finite",
                    epoch.number,
                    f"{name} is {value} in epoch {epoch.number}: the learning rate{rate} is too high",
                    f"halve training.hyperparameters.learning_rate{half}",
                )
                return


def _no_learning(
    _: TrainingLog, epochs: Sequence[EpochMetrics], job: TrainingJobDescription
) -> Iterator[TrainingFinding]:
    known = [(epoch, epoch.cross_entropy) for epoch in epochs if epoch.cross_entropy is not None]
    # A model that is trained already may have nothing left to learn from these images.
    if job.starts_from_model or not known or any(not math.isfinite(loss) for _, loss in known):
        return
    (first, at_first), (last, at_last) = known[0], known[-1]
    lowest = min((loss for _, loss in known[1:]), default=0.0)
    if last.epoch - first.epoch >= NO_LEARNING_EPOCH and lowest >= NO_LEARNING_SHARE * at_first:
        yield TrainingFinding(
            "no_learning",
            last.number,
            f"cross_entropy is {at_last:.3g} in epoch {last.number} and was never below {NO_LEARNING_SHARE:.0%} of the "
            f"{at_first:.3g} of epoch {first.number}",
            f"raise training.hyperparameters.learning_rate ({job.learning_rate:g}), and check that the labels belong "
            "to their images and that AttributeNames lists the image before the labels",
        )


def _map_zero(_: TrainingLog, epochs: Sequence[EpochMetrics], __: TrainingJobDescription) -> Iterator[TrainingFinding]:
    scored = _scored(epochs)
    last = [(epoch, score) for epoch, score in scored if epoch.epoch >= MAP_ZERO_AFTER][-MAP_ZERO_EPOCHS:]
    if len(last) == MAP_ZERO_EPOCHS and all(score < MAP_ZERO for _, score in last):
        yield TrainingFinding(
            "map_zero",
            last[-1][0].number,
            f"validation mAP is below {MAP_ZERO:g} in each of the last {MAP_ZERO_EPOCHS} epochs",
            "check that the class ids are those of the labels (num_classes), that objects are still visible at "
            "image_shape pixels, and that overlap_threshold is not too high",
        )


def _overfitting(
    _: TrainingLog, epochs: Sequence[EpochMetrics], __: TrainingJobDescription
) -> Iterator[TrainingFinding]:
    best = best_epoch(epochs)
    if best is None or best.validation_map is None:
        return
    after = [(epoch, score) for epoch, score in _scored(epochs) if epoch.epoch > best.epoch]
    below = 0
    while below < len(after) and after[-1 - below][1] <= best.validation_map - OVERFITTING_DROP:
        below += 1
    if below < OVERFITTING_EPOCHS:
        return
    last, score = after[-1]
    if best.loss is not None and last.loss is not None and last.loss < best.loss:
        yield TrainingFinding(
            "overfitting",
            last.number,
            f"validation mAP is {score:.3f}, {best.validation_map - score:.3f} below its best in epoch {best.number}, "
            f"for {below} epochs, while the loss falls",
            "label more images, set training.hyperparameters.early_stopping: true, or raise weight_decay",
        )


def _batches_missing(
    log: TrainingLog, _: Sequence[EpochMetrics], job: TrainingJobDescription
) -> Iterator[TrainingFinding]:
    if log.batch_count is None:
        return
    count, samples = log.batch_count, job.training_samples
    of = "" if samples is None else f", as num_training_samples is {samples:,}"
    yield TrainingFinding(
        "batches_missing",
        None,
        f"{count.processed:,} batches of an epoch were processed, {count.expected:,} were expected{of}",
        "num_training_samples has to be Prepare's number of lines in train.manifest, and each of them readable: "
        "`groundloop labels check --images` names the lines that are not",
    )


def _starving(_: TrainingLog, epochs: Sequence[EpochMetrics], job: TrainingJobDescription) -> Iterator[TrainingFinding]:
    known = [(epoch, epoch.throughput) for epoch in epochs if epoch.throughput is not None]
    best = max((throughput for _, throughput in known), default=0.0)
    last = known[-STARVING_EPOCHS:]
    if len(last) < STARVING_EPOCHS or any(throughput >= STARVING_SHARE * best for _, throughput in last):
        return
    epoch, throughput = last[-1]
    if job.training_samples is not None and throughput * STARVING_MIN_EPOCH_SECONDS > job.training_samples:
        return
    yield TrainingFinding(
        "starving",
        epoch.number,
        f"{throughput:.3g} images a second in epoch {epoch.number}, {throughput / best:.0%} of the best, {best:.3g}",
        "the instance waits for data: stream the images (Pipe mode), keep their bucket in the job's region, and make "
        "large images smaller",
    )


def _stalled(log: TrainingLog, now: datetime) -> Iterator[TrainingFinding]:
    if log.last_line is None:
        return
    silent = (now - log.last_line).total_seconds()
    median_seconds = log.median_epoch_seconds
    if median_seconds is None:
        limit = STALLED_FIRST_EPOCH_SECONDS
    else:
        limit = max(STALLED_SECONDS, STALLED_EPOCHS * median_seconds)
    if silent >= limit:
        last = log.last_epoch_end
        pace = "" if median_seconds is None else f"; an epoch takes {_minutes(median_seconds)}"
        yield TrainingFinding(
            "stalled",
            None if last is None else last[0] + 1,
            f"the log has had no new line for {_minutes(silent)}{pace}",
            "the job will probably fail with a `Platform Error`: check that every image can be read (`groundloop "
            "labels check --images`), stop it and start it again",
        )


def _wont_finish(log: TrainingLog, job: TrainingJobDescription) -> Iterator[TrainingFinding]:
    end, last = projected_end(log, job), log.last_epoch_end
    if end is None or last is None or job.started is None or job.max_runtime_seconds is None:
        return
    needed = (end - job.started).total_seconds()
    if len(log.epoch_seconds) >= PROJECTION_EPOCHS and needed > job.max_runtime_seconds:
        unless = ", unless early_stopping ends it before" if job.early_stopping else ""
        yield TrainingFinding(
            "wont_finish",
            last[0] + 1,
            f"{job.epochs} epochs need about {_minutes(needed)}, and SageMaker stops the job after "
            f"{_minutes(job.max_runtime_seconds)}{unless}",
            f"set training.max_runtime_minutes to at least {math.ceil(needed / 60 * 1.1)}, or train fewer epochs",
        )


_RULES: dict[
    RuleCode, Callable[[TrainingLog, Sequence[EpochMetrics], TrainingJobDescription], Iterator[TrainingFinding]]
] = {
    "not_finite": _not_finite,
    "no_learning": _no_learning,
    "map_zero": _map_zero,
    "overfitting": _overfitting,
    "batches_missing": _batches_missing,
    "starving": _starving,
}


def _scored(epochs: Sequence[EpochMetrics]) -> list[tuple[EpochMetrics, float]]:
    return [
        (epoch, epoch.validation_map)
        for epoch in epochs
        if epoch.validation_map is not None and math.isfinite(epoch.validation_map)
    ]


def _minutes(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"
