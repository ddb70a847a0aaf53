"""The rules of the training watch: on a log that shows one fault exactly that finding, on a healthy one none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest

from groundloop.spec.training_log import TrainingLog
from groundloop.spec.training_rules import RULE_CODES, TrainingFinding, TrainingJobDescription, find, projected_end
from tests.fixtures.training_logs import epoch_lines

BEGUN = datetime(2026, 1, 1, tzinfo=timezone.utc)
BATCHES = (
    "[01/01/2026 00:01:00 WARNING 139923161179968] Expected number of batches: 1932, did not match the number of "
    "batches processed: 616. This may happen when some images or annotations are invalid."
)
JOB = TrainingJobDescription(epochs=20, training_samples=10_000, started=BEGUN, max_runtime_seconds=6 * 3600)


class Recorded:
    """The log of a job whose epochs take some seconds each, as it is recorded line by line."""

    def __init__(self, epoch_seconds: float = 300) -> None:
        self.log, self.now, self._epoch_seconds = TrainingLog(), BEGUN, epoch_seconds

    def epoch(self, number: int, **metrics: Any) -> None:
        self.now += timedelta(seconds=self._epoch_seconds)
        for line in epoch_lines(number, **metrics):
            self.log.add(line, self.now)

    def line(self, text: str) -> None:
        self.log.add(text, self.now)

    def findings(self, job: TrainingJobDescription = JOB, later: float = 1) -> list[TrainingFinding]:
        return find(self.log, job, self.now + timedelta(seconds=later))


def learning(epochs: int = 12, seconds: float = 300) -> Recorded:
    """A job that learns: falling losses, a rising mAP that wavers."""
    recorded, rng = Recorded(seconds), np.random.default_rng(1)
    for number in range(epochs):
        share = 0.5 ** (number / 4)
        recorded.epoch(
            number,
            cross_entropy=0.6 + 2 * share + rng.uniform(-0.05, 0.05),
            smooth_l1=0.3 + share,
            map=max(0.0, 0.7 * (1 - share) + rng.uniform(-0.03, 0.03)),
            throughput=41 + rng.uniform(-3, 3),
        )
    return recorded


def with_nan() -> Recorded:
    recorded = learning(3)
    recorded.epoch(3, cross_entropy="nan", smooth_l1=0.5, map=0.2, throughput=40)
    return recorded


def without_learning() -> Recorded:
    recorded = Recorded()
    for number in range(4):
        recorded.epoch(number, cross_entropy=2.5 - 0.01 * number, smooth_l1=1.2, map=0.01, throughput=40)
    return recorded


def with_map_zero() -> Recorded:
    recorded = Recorded()
    for number in range(8):
        recorded.epoch(number, cross_entropy=2.5 / (number + 1), smooth_l1=0.5, map=0.0004, throughput=40)
    return recorded


def overfitted() -> Recorded:
    recorded = learning(10)
    for number in range(10, 15):
        recorded.epoch(number, cross_entropy=0.5 - 0.02 * number / 10, smooth_l1=0.3, map=0.4, throughput=40)
    return recorded


def with_missing_batches() -> Recorded:
    recorded = learning()
    recorded.line(BATCHES)
    recorded.line(BATCHES.replace("616", "617"))
    return recorded


def starved() -> Recorded:
    recorded = learning(6)
    for number in (6, 7):
        recorded.epoch(number, cross_entropy=1.2, smooth_l1=0.6, map=0.5, throughput=15)
    return recorded


FAULTS = {
    "not_finite": (with_nan, 1, 4, "cross_entropy is nan in epoch 4: the learning rate 0.001 is too high"),
    "no_learning": (without_learning, 1, 4, "cross_entropy is 2.47 in epoch 4 and was never below 98% of the 2.5"),
    "map_zero": (with_map_zero, 1, 8, "validation mAP is below 0.001 in each of the last 5 epochs"),
    "overfitting": (overfitted, 1, 15, "validation mAP is 0.400, 0."),
    "batches_missing": (with_missing_batches, 1, None, "616 batches of an epoch were processed, 1,932 were expected"),
    "starving": (starved, 1, 8, "15 images a second in epoch 8, 3"),
    "stalled": (learning, 900, 12, "the log has had no new line for 15 min; an epoch takes 5 min"),
    "wont_finish": (
        lambda: learning(12, seconds=1200), 1, 12,
        "20 epochs need about 6 h 40 min, and SageMaker stops the job after 6 h",
    ),
}  # fmt: skip


@pytest.mark.parametrize("code", RULE_CODES)
def test_each_fault_is_found_and_no_other(code: str) -> None:
    recorded, later, epoch, message = FAULTS[code]
    (finding,) = recorded().findings(later=later)
    assert (finding.code, finding.epoch) == (code, epoch)
    assert finding.message.startswith(message)
    assert finding.remedy


@pytest.mark.parametrize("code", sorted(set(RULE_CODES) - {"stalled", "wont_finish"}))
def test_a_job_that_has_ended_has_the_same_findings(code: str) -> None:
    assert [finding.code for finding in find(FAULTS[code][0]().log, JOB)] == [code]


@pytest.mark.parametrize("code", ["stalled", "wont_finish"])
def test_a_job_that_has_ended_neither_stalls_nor_fails_to_finish(code: str) -> None:
    assert find(FAULTS[code][0]().log, JOB) == []


def public_job() -> Recorded:
    """A job in the shape of a published one: VGG-16 on Pascal VOC, a speed line every 100 batches."""
    recorded = Recorded(epoch_seconds=145)
    header = "[08/27/2018 06:07:24 INFO 140026571642688] "
    recorded.line(f"{header}Reading default configuration from default-input.json: {{u'epochs': u'30'}}")
    scores = [0.0121, 0.0786, 0.1584, 0.2231, 0.2598, 0.3011, 0.3242, 0.3557, 0.3466, 0.3718, 0.3801, 0.3774, 0.3895]
    for number, score in enumerate(scores):
        for batches in range(100, 501, 100):
            recorded.line(
                f"{header}Epoch:    {number}, batches:    {batches}, num_examples:   {32 * batches}, "
                "115.2 samples/sec, epoch time so far:  0:00:27.779193"
            )
        recorded.line(f"{header}#progress_metric: host=algo-1, completed {number / 0.3} %")
        recorded.epoch(number, cross_entropy=3.4 / (1 + 0.2 * number), smooth_l1=1.6 / (1 + 0.1 * number), map=score)
        recorded.line(f"{header}#throughput_metric: host=algo-1, train throughput=114.{number} records/second")
    return recorded


def noisy_job() -> Recorded:
    """A job on few images: epochs of seconds, a throughput and an mAP that waver."""
    recorded, rng = Recorded(epoch_seconds=4), np.random.default_rng(7)
    for number in range(40):
        recorded.epoch(
            number,
            cross_entropy=2 / (1 + number / 5) + rng.uniform(-0.1, 0.1),
            smooth_l1=1 / (1 + number / 5),
            map=min(0.9, 0.05 * number) + rng.uniform(-0.04, 0.04) * (number > 3),
            throughput=rng.uniform(15, 80),
        )
    return recorded


@pytest.mark.parametrize(
    ("recorded", "job"),
    [
        pytest.param(learning, JOB, id="a job that learns"),
        pytest.param(
            public_job, TrainingJobDescription(epochs=30, training_samples=16_551), id="a published job's shape"
        ),
        pytest.param(noisy_job, TrainingJobDescription(epochs=40, training_samples=60, started=BEGUN), id="few images"),
    ],
)
def test_a_healthy_job_has_no_finding_at_any_moment(recorded: Any, job: TrainingJobDescription) -> None:
    whole = recorded()
    assert whole.findings(job) == find(whole.log, job) == []
    assert [finding for log in prefixes(whole.log) for finding in find(log, job)] == []


def prefixes(log: TrainingLog) -> Iterator[TrainingLog]:
    """Yield the log as it stood after each epoch."""
    growing = TrainingLog()
    for epoch in log.epochs:
        metrics: dict[str, Any] = {
            "cross_entropy": epoch.cross_entropy,
            "smooth_l1": epoch.smooth_l1,
            "map": epoch.validation_map,
        }
        for line in epoch_lines(epoch.epoch, **metrics, throughput=epoch.throughput):
            growing.add(line)
        yield growing


@pytest.mark.parametrize(
    ("job", "metrics", "why"),
    [
        pytest.param(
            TrainingJobDescription(starts_from_model=True),
            [{"cross_entropy": 0.5}] * 6,
            "a trained model has little left to learn",
            id="start_from",
        ),
        pytest.param(JOB, [{"cross_entropy": 2.5}] * 3, "too early to tell", id="three epochs"),
        pytest.param(
            JOB, [{"map": 0.0}] * 3 + [{"map": 0.0}] * 4 + [{"map": 0.02}], "it rises at last", id="a late start"
        ),
        pytest.param(
            JOB,
            [
                {"cross_entropy": 3, "smooth_l1": 1},
                {"map": 0.5, "cross_entropy": 1, "smooth_l1": 1},
                *[{"map": 0.4, "cross_entropy": 2, "smooth_l1": 1}] * 6,
            ],
            "the loss rises too",
            id="a loss that rises",
        ),
        pytest.param(
            TrainingJobDescription(training_samples=100),
            [{"throughput": 40}] * 3 + [{"throughput": 10}] * 3,
            "such epochs take seconds",
            id="short epochs",
        ),
        pytest.param(JOB, [{"throughput": 40}] * 3 + [{"throughput": 10}], "one slow epoch", id="one slow epoch"),
        pytest.param(JOB, [], "nothing is known", id="an empty log"),
    ],
)
def test_what_only_looks_like_a_fault(job: TrainingJobDescription, metrics: Sequence[Any], why: str) -> None:
    recorded = Recorded()
    for number, values in enumerate(metrics):
        recorded.epoch(number, **values)
    assert recorded.findings(job) == [], why


@pytest.mark.parametrize(
    ("epochs", "silent", "found"),
    [
        pytest.param(0, 1700, False, id="the first epoch may take half an hour"),
        pytest.param(0, 1800, True, id="but not longer"),
        pytest.param(4, 890, False, id="three epochs of five minutes"),
        pytest.param(4, 900, True, id="longer"),
    ],
)
def test_a_job_stalls_by_the_pace_of_its_epochs(epochs: int, silent: float, found: bool) -> None:
    recorded = learning(epochs)
    recorded.line("a line of any form")
    assert [finding.code for finding in recorded.findings(later=silent)] == ["stalled"] * found


def test_the_end_is_projected_from_the_pace_of_the_epochs() -> None:
    assert projected_end(learning(5).log, JOB) == BEGUN + timedelta(seconds=20 * 300)
    assert projected_end(learning(1).log, JOB) == BEGUN + timedelta(seconds=20 * 300), "from the job's start"
    assert projected_end(TrainingLog(), JOB) is None


@pytest.mark.parametrize(
    ("described", "job"),
    [
        pytest.param({}, TrainingJobDescription(), id="nothing"),
        pytest.param(
            {
                "HyperParameters": {"epochs": "60", "learning_rate": "0.004", "num_training_samples": "300"},
                "InputDataConfig": [{"ChannelName": "train"}, {"ChannelName": "model"}],
                "TrainingStartTime": BEGUN,
                "StoppingCondition": {"MaxRuntimeInSeconds": 600},
            },
            TrainingJobDescription(60, 0.004, 300, starts_from_model=True, started=BEGUN, max_runtime_seconds=600),
            id="all",
        ),
        pytest.param(
            {"HyperParameters": {"epochs": "many", "learning_rate": "nan", "early_stopping": "True"}},
            TrainingJobDescription(early_stopping=True),
            id="values that are none",
        ),
    ],
)
def test_a_job_is_described_by_sagemaker(described: dict[str, Any], job: TrainingJobDescription) -> None:
    assert TrainingJobDescription.of(described) == job
