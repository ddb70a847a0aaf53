"""When training jobs are stopped early, when a search is complete, and what is read from a log for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from groundloop.local.search.completion import Completion
from groundloop.local.search.early_stopping import is_worse_than_median
from groundloop.local.search.objective import ObjectiveLog, metric_pattern
from groundloop.spec.training_log import METRIC_DEFINITIONS


@pytest.mark.parametrize(
    ("curve", "earlier", "expected"),
    [
        pytest.param([0.1], [], False, id="nothing to compare with"),
        pytest.param([], [[0.5]], False, id="no epoch yet"),
        pytest.param([0.1], [[0.2], [0.3], [0.05]], True, id="below the median"),
        pytest.param([0.2], [[0.2], [0.3], [0.05]], False, id="at the median"),
        # The averages up to the second epoch are 0.3 and 0.4.
        pytest.param([0.9, 0.34], [[0.2, 0.4, 0.9], [0.3, 0.5]], True, id="of the running averages"),
        pytest.param([0.0, 0.36], [[0.2, 0.4, 0.9], [0.3, 0.5]], False, id="with the latest value, not an average"),
        pytest.param([0.5, 0.5], [[0.2], [0.6, 0.8]], False, id="a job stopped before counts with what it had"),
    ],
)
def test_the_median_rule(curve: list[float], earlier: list[list[float]], expected: bool) -> None:
    assert is_worse_than_median(curve, earlier, maximize=True) is expected
    negated = [[-value for value in values] for values in earlier]
    assert is_worse_than_median([-value for value in curve], negated, maximize=False) is expected


@pytest.mark.parametrize(
    ("results", "not_improving"),
    [
        pytest.param([0.5], 0, id="the first is an improvement"),
        pytest.param([0.5, 0.504], 1, id="less than 1 % is none"),
        pytest.param([0.5, 0.506], 0, id="1 % is one"),
        pytest.param([0.5, 0.4, 0.3, 0.6], 0, id="counted again from an improvement"),
        pytest.param([0.5, 0.4, 0.3], 2, id="in a row"),
        pytest.param([0.0, 0.0, 0.0], 2, id="nothing is no improvement on nothing"),
        pytest.param([0.0, 0.0, 0.001], 0, id="anything is one"),
    ],
)
def test_training_jobs_that_do_not_improve_are_counted(results: list[float], not_improving: int) -> None:
    completion = Completion({}, maximize=True)
    for result in results:
        completion.add(result, completed=True)
    assert completion.not_improving == not_improving
    assert completion.reason is None


@pytest.mark.parametrize(
    ("criteria", "results", "reason"),
    [
        pytest.param(
            {"TargetObjectiveMetricValue": 0.5}, [0.5], "TargetObjectiveMetricValue 0.5 is reached", id="target"
        ),
        pytest.param(
            {"BestObjectiveNotImproving": {"MaxNumberOfTrainingJobsNotImproving": 3}},
            [0.5, 0.1, 0.2, 0.3],
            "3 training jobs in a row did not improve the objective by 1 %",
            id="no improvement",
        ),
        pytest.param(
            {"ConvergenceDetected": {"CompleteOnConvergence": "Enabled"}},
            [0.5] * 11,
            "convergence: 10 training jobs in a row did not improve the objective by 1 %",
            id="convergence",
        ),
        pytest.param({"ConvergenceDetected": {"CompleteOnConvergence": "Disabled"}}, [0.5] * 11, None, id="disabled"),
    ],
)
def test_completion(criteria: dict[str, Any], results: list[float], reason: str | None) -> None:
    completion = Completion(criteria, maximize=True)
    for result in results:
        completion.add(result, completed=True)
    assert completion.reason == reason
    assert (completion.converged is not None) is (len(results) > 10)


def test_a_job_that_was_stopped_reaches_no_target() -> None:
    completion = Completion({"TargetObjectiveMetricValue": 0.5}, maximize=True)
    completion.add(0.9, completed=False)
    assert completion.reason is None


def test_the_log_is_read_as_it_grows(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    log = ObjectiveLog(path, METRIC_DEFINITIONS["validation:mAP"])
    line = "#quality_metric: host=algo-1, epoch={}, validation mAP <score>=({})"
    assert log.read() == []
    path.write_text(
        f"starting\n{line.format(0, 0.1)}\n{line.format(1, 'nan')}\n{line.format(2, 0.3)}\n{line.format(3, 0.4)}"
    )
    assert log.read() == [0.1, 0.3]
    assert log.read() == []
    assert log.read(last=True) == [0.4]


@pytest.mark.parametrize(
    ("image", "definitions", "expected"),
    [
        pytest.param("1.dkr.ecr.us-east-1.amazonaws.com/object-detection:1", [], True, id="of the algorithm"),
        pytest.param("1.dkr.ecr.us-east-1.amazonaws.com/mine:1", [], False, id="of no algorithm"),
        pytest.param(
            "1.dkr.ecr.us-east-1.amazonaws.com/mine:1",
            [{"Name": "validation:mAP", "Regex": METRIC_DEFINITIONS["validation:mAP"]}],
            True,
            id="of the request",
        ),
    ],
)
def test_the_metric_is_the_algorithms_or_the_requests(image: str, definitions: list[Any], expected: bool) -> None:
    from groundloop.local.image_stand_ins import BUILT_IN

    specification = {"TrainingImage": image, "MetricDefinitions": definitions}
    found = metric_pattern("validation:mAP", specification, BUILT_IN)
    assert (found == METRIC_DEFINITIONS["validation:mAP"]) is expected
