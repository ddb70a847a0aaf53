"""Executions as runs; a whole one is exported in `tests/e2e/test_labels_to_endpoint.py`."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from groundloop.executions.control import Transition
from groundloop.tracking import executions
from groundloop.tracking.content import pipeline_of
from groundloop.tracking.run import TRAINING_JOB_TAG, Metric, TrackedRun

ARN = "arn:aws:sagemaker:eu-west-1:111122223333:pipeline/bolts/execution/abcdefghijkl"
NOW = datetime(2026, 11, 22, 4, tzinfo=timezone.utc)
JOBS = {
    "TrainingJobSummaries": [
        {
            "TrainingJobName": "search-001",
            "TrainingJobArn": "arn:job/search-001",
            "TrainingJobStatus": "Completed",
            "CreationTime": NOW,
            "TrainingEndTime": NOW,
            "TunedHyperParameters": {"learning_rate": "0.003"},
            "FinalHyperParameterTuningJobObjectiveMetric": {"MetricName": "validation:mAP", "Value": 0.5},
        },
        {
            "TrainingJobName": "search-002",
            "TrainingJobArn": "arn:job/search-002",
            "TrainingJobStatus": "Failed",
            "CreationTime": NOW,
            "FailureReason": "AlgorithmError: nan",
        },
    ]
}


class SageMaker:
    """Lists the training jobs of one search."""

    def get_paginator(self, operation: str) -> SageMaker:
        assert operation == "list_training_jobs_for_hyper_parameter_tuning_job"
        return self

    def paginate(self, HyperParameterTuningJobName: str) -> list[dict[str, Any]]:  # noqa: N803 (boto3's)
        assert HyperParameterTuningJobName == "search"
        return [JOBS]


def test_each_job_of_a_search_is_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executions, "client", lambda service, region: SageMaker())
    train = Transition("Train", "Succeeded", 1, False, 1, kind="TrainingJob", job="other")
    tune = Transition("Tune", "Succeeded", 1, False, 1, kind="TuningJob", job="search")
    first, second = executions.tuning_runs("eu-west-1", ARN, [train, tune])
    assert first == TrackedRun(
        tag=TRAINING_JOB_TAG,
        identity="abcdefghijkl/search-001",
        name="search-001",
        status="FINISHED",
        started=NOW,
        ended=NOW,
        params={"learning_rate": "0.003"},
        metrics=(Metric("validation/mAP", 0.5),),
    )
    assert (second.status, second.metrics, second.tags["groundloop.failure"]) == ("FAILED", (), "AlgorithmError: nan")


def test_the_pipeline_is_in_the_arn() -> None:
    assert pipeline_of(ARN) == "bolts"
