"""Why a training job of a search ended, as far as the answers of SageMaker tell."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from groundloop.spec.tuning_search import SearchedJob, TuningSearch

BEGUN = datetime(2026, 1, 1, tzinfo=timezone.utc)


def search(status: str = "Completed", seconds: float | None = 100, jobs: int = 2, **members: Any) -> TuningSearch:
    """A search that had ended after some seconds, of two training jobs at most; `members` are of its Config."""
    limits = {"MaxNumberOfTrainingJobs": 2, "MaxParallelTrainingJobs": 2, "MaxRuntimeInSeconds": 3600}
    config = {"ResourceLimits": {**limits, **members.pop("limits", {})}, **members}
    return TuningSearch(
        name="search",
        arn="arn",
        status=status,
        reason="",
        strategy=members.get("Strategy", "Bayesian"),
        metric="validation:mAP",
        max_jobs=2,
        stops_early=members.get("Strategy") is None,
        tuned=(),
        epochs=16,
        ended=None if seconds is None else BEGUN + timedelta(seconds=seconds),
        jobs=tuple(SearchedJob(f"job-{number}", "Completed", {}) for number in range(jobs)),
        best_name="",
        request={
            "HyperParameterTuningJobConfig": config,
            "CreationTime": BEGUN,
            "LastModifiedTime": BEGUN + timedelta(seconds=100),
        },
    )


def job(status: str = "Stopped", seconds: float = 99, **members: Any) -> SearchedJob:
    return SearchedJob("job", status, {}, started=BEGUN, ended=BEGUN + timedelta(seconds=seconds), **members)


MEDIAN = "worse than the median (early stopping)"
WITH_IT = "the search ended"


@pytest.mark.parametrize(
    ("of", "ended", "reason"),
    [
        pytest.param(search(), job("InProgress"), "", id="it runs"),
        pytest.param(search(), job("Completed"), "all epochs", id="completed, epochs unknown"),
        pytest.param(search(), job("Completed", epochs=16), "all epochs", id="completed"),
        pytest.param(
            search(), job("Completed", epochs=9), "validation mAP no longer rose (early_stopping)", id="by itself"
        ),
        pytest.param(search(), job("Failed", reason="AlgorithmError: no"), "AlgorithmError: no", id="failed"),
        pytest.param(search(), job(), MEDIAN, id="the last job, after which the search ended"),
        pytest.param(search(Strategy="Hyperband"), job(), "worse than others (hyperband)", id="the same of hyperband"),
        pytest.param(search("InProgress", None), job(), MEDIAN, id="while the search goes on"),
        pytest.param(search("Stopped"), job(), WITH_IT, id="with a search that somebody stopped"),
        pytest.param(search("Stopped"), job(seconds=50), MEDIAN, id="before somebody stopped the search"),
        pytest.param(search("Stopping", None), job(), WITH_IT, id="with a search that is stopping"),
        pytest.param(search("Stopping", None), job(seconds=50), MEDIAN, id="before it was stopped"),
        pytest.param(search("Failed"), job(), WITH_IT, id="with a search that failed"),
        pytest.param(search(jobs=1), job(), WITH_IT, id="before all jobs had started"),
        pytest.param(search(limits={"MaxRuntimeInSeconds": 100}), job(), WITH_IT, id="out of time"),
        pytest.param(
            search(TuningJobCompletionCriteria={"TargetObjectiveMetricValue": 0.5}), job(), WITH_IT, id="good enough"
        ),
        pytest.param(search(Strategy="Random"), job(), "it was stopped", id="somebody stopped the job"),
    ],
)
def test_why_a_job_ended(of: TuningSearch, ended: SearchedJob, reason: str) -> None:
    assert of.end_of(ended) == reason
