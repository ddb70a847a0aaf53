"""The algorithm's log lines are read wherever they stand, in the forms that jobs have written."""

from __future__ import annotations

import math

import pytest

from groundloop.spec.training_log import EpochMetrics, TrainingLog

PREFIX = "[09/04/2019 04:22:14 INFO 140275285346112] "
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
