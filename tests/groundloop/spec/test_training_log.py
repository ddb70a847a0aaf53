"""The algorithm's log lines are read wherever they stand, in the forms that jobs have written."""

from __future__ import annotations

import math
from datetime import datetime, timedelta, timezone
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundloop.spec.training_log import BatchCount, EpochMetrics, TrainingLog
from groundloop.spec.training_rules import TrainingJobDescription, find
from tests.fixtures.training_logs import epoch_lines

PREFIX = "[09/04/2019 04:22:14 INFO 140275285346112] "
BEGUN = datetime(2026, 1, 1, tzinfo=timezone.utc)
QUALITY = "#quality_metric: host=algo-1, epoch="


@pytest.mark.parametrize(
    ("line", "epoch"),
    [
        pytest.param(
            f"{PREFIX}{QUALITY}3, batch=34 train smooth_l1 <loss>=0.25", EpochMetrics(3, smooth_l1=0.25), id="smooth_l1"
        ),
        pytest.param(
            f"{QUALITY}0, batch=34 train cross_entropy <loss>=(1.5e-1)",
            EpochMetrics(0, cross_entropy=0.15),
            id="a loss in parentheses",
        ),
        pytest.param(
            f"{PREFIX}{QUALITY}29, validation mAP <score>=(0.966766)",
            EpochMetrics(29, validation_map=0.966766),
            id="validation mAP",
        ),
    ],
)
def test_a_quality_metric_belongs_to_its_epoch(line: str, epoch: EpochMetrics) -> None:
    assert TrainingLog([line]).epochs == [epoch]


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("", id="empty"),
        pytest.param(f"{PREFIX}Epoch:    0, batches:    100, num_examples:   3200, 55.7 samples/sec", id="speed"),
        pytest.param(f"{QUALITY}0, batch=0 train loss <loss>=14.2", id="another algorithm's"),
        pytest.param(f"{QUALITY}0, validation mAP <score>=(none)", id="not a number"),
        pytest.param("#progress_metric: host=algo-1, completed soon %", id="no percentage"),
    ],
)
def test_other_lines_change_nothing(line: str) -> None:
    log = TrainingLog([line])
    assert (log.epochs, log.percent, log.best_map) == ([], None, None)


def test_progress_is_the_last_one_stated() -> None:
    log = TrainingLog(["#progress_metric: host=algo-1, completed 3.33 % of epochs"])
    assert log.percent == 3.33
    log.add(f"{PREFIX}#progress_metric: host=algo-1, completed 100.0 %")
    assert log.percent == 100


def test_the_loss_is_the_sum_of_both_once_both_are_known() -> None:
    log = TrainingLog([f"{QUALITY}0, batch=9 train cross_entropy <loss>=0.5"])
    assert log.epochs[0].loss is None
    log.add(f"{QUALITY}0, batch=9 train smooth_l1 <loss>=0.25")
    assert log.epochs[0].loss == 0.75


def test_the_best_map_is_the_highest_number() -> None:
    scores = ["0.2", "0.4", "nan", "0.3"]
    log = TrainingLog(f"{QUALITY}{n}, validation mAP <score>=({score})" for n, score in enumerate(scores))
    assert log.best_map == 0.4
    assert [epoch.epoch for epoch in log.epochs] == [0, 1, 2, 3]
    assert math.isnan(log.epochs[2].validation_map or 0)


def test_throughput_belongs_to_the_epoch_whose_losses_stand_before_it() -> None:
    log = TrainingLog(
        [*epoch_lines(0, cross_entropy=2, throughput=40, map=0.1), *epoch_lines(1, cross_entropy=1, throughput=50)]
    )
    assert [epoch.throughput for epoch in log.epochs] == [40, 50]


def test_throughput_that_stands_before_the_losses_belongs_to_the_next_epoch() -> None:
    log = TrainingLog()
    for number in range(3):
        for line in [*epoch_lines(0, throughput=40 + number), *epoch_lines(number, cross_entropy=2, map=0.1)]:
            log.add(line)
    assert [epoch.throughput for epoch in log.epochs] == [40, 41, 42]


def test_the_hosts_of_a_job_make_one_epoch() -> None:
    """Each instance states its own losses; the throughput is that of all together."""
    ours, theirs = (
        epoch_lines(0, cross_entropy=loss, smooth_l1=1, map=score, throughput=20, host=host)
        for host, loss, score in (("algo-1", 1.0, 0.5), ("algo-2", 2.0, 0.25))
    )
    log = TrainingLog(line for pair in zip(ours, theirs, strict=True) for line in pair)
    assert log.epochs == [EpochMetrics(0, 1, 1.5, 0.375, 40)]
    assert log.epochs == TrainingLog([*theirs, *ours]).epochs, "in any order"


def test_progress_is_that_of_the_slowest_host() -> None:
    lines = [f"#progress_metric: host=algo-{host}, completed {percent} %" for host, percent in ((1, 20), (2, 10))]
    assert TrainingLog(lines).percent == 10


def test_lines_that_arrive_late_or_never_move_nothing() -> None:
    """CloudWatch Logs may deliver lines in another order, and drop some."""
    log = TrainingLog()
    lines = [(line, number) for number in (0, 2, 5) for line in epoch_lines(number, cross_entropy=2, map=0.1)]
    lines += [(f"#progress_metric: host=algo-1, completed {10 * number} %", number) for number in range(6)]
    for line, number in reversed(lines):
        log.add(line, BEGUN + timedelta(minutes=number))
    assert [epoch.epoch for epoch in log.epochs] == [0, 2, 5]
    assert (log.percent, log.last_line) == (50, BEGUN + timedelta(minutes=5))
    assert log.epoch_seconds == [60, 60], "over the gaps too"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("0,25", 0.25, id="a decimal comma"),
        pytest.param("1.234,5", 1234.5, id="grouped with dots"),
        pytest.param("1,234.5", 1234.5, id="grouped with commas"),
        pytest.param("-1.5E-3,", -0.0015, id="an exponent and a comma behind"),
        pytest.param("-inf", -math.inf, id="infinite"),
        pytest.param("1_0", None, id="an underscore"),
        pytest.param("1,2,3", None, id="two commas"),
        pytest.param("\u0663", None, id="another script's digit"),
    ],
)
def test_numbers_are_read_in_the_forms_of_locales(text: str, value: float | None) -> None:
    (epoch,) = TrainingLog([*epoch_lines(0, cross_entropy=text), *epoch_lines(0, map=0.5)]).epochs
    assert epoch.cross_entropy == value


def test_the_warning_about_batches_states_both_numbers() -> None:
    line = "Expected number of batches: 1932, did not match the number of batches processed: 616. This may happen"
    assert TrainingLog([line, line.replace("616", "5")]).batch_count == BatchCount(1932, 616)


LINES = st.builds(
    lambda epoch, host, values: epoch_lines(epoch, host=host, **values),
    st.integers(0, 5),
    st.sampled_from(["algo-1", "algo-2"]),
    st.fixed_dictionaries(
        {},
        optional={
            name: st.one_of(st.floats(), st.sampled_from(["nan", "1,5", "x", "(0.5"]))
            for name in ("map", "cross_entropy", "smooth_l1", "throughput")
        },
    ),
)


@settings(max_examples=40)
@given(st.lists(LINES, max_size=8), st.lists(st.text(max_size=80), max_size=4), st.randoms())
def test_any_lines_in_any_order_are_read_and_judged(epochs: list[list[str]], others: list[str], random: Random) -> None:
    lines = [*(line for of_epoch in epochs for line in of_epoch), *others]
    random.shuffle(lines)
    log = TrainingLog()
    for number, line in enumerate(lines):
        log.add(line, BEGUN + timedelta(seconds=number))
    assert [epoch.epoch for epoch in log.epochs] == sorted({epoch.epoch for epoch in log.epochs})
    job = TrainingJobDescription(epochs=6, training_samples=100, started=BEGUN, max_runtime_seconds=3)
    codes = [finding.code for finding in find(log, job, BEGUN + timedelta(hours=1))]
    assert len(codes) == len(set(codes))
