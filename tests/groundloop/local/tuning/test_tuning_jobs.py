"""Tuning jobs at the API: real training jobs with values from the search, the best of them, what is rejected."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from groundloop.local import LocalAws

Request = dict[str, Any]


def result(summary: Request) -> float:
    value: float = summary["FinalHyperParameterTuningJobObjectiveMetric"]["Value"]
    return value


def test_a_search_runs_real_training_jobs(
    sm: Any, aws: LocalAws, tuned: Callable[..., Request], trainings: Callable[..., list[Request]]
) -> None:
    tags = [{"Key": "team", "Value": "vision"}]
    job = tuned("real", Tags=tags)
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    assert job["HyperParameterTuningJobArn"].endswith(":hyper-parameter-tuning-job/real")
    listed = trainings("real")
    assert len(listed) == 3
    for number, summary in enumerate(listed, start=1):
        name = summary["TrainingJobName"]
        assert re.fullmatch(rf"real-00{number}-[0-9a-f]{{8}}", name)
        described = sm.describe_training_job(TrainingJobName=name)
        assert described["TuningJobArn"] == job["HyperParameterTuningJobArn"]
        assert described["HyperParameters"] == {
            "_tuning_objective_metric": "validation:mAP",
            "epochs": "4",
            **summary["TunedHyperParameters"],
        }
        metrics = {item["MetricName"]: item["Value"] for item in described["FinalMetricDataList"]}
        assert metrics["validation:mAP"] == pytest.approx(result(summary))
        assert described["ModelArtifacts"]["S3ModelArtifacts"] == f"s3://bucket/models/{name}/output/model.tar.gz"
        assert sm.list_tags(ResourceArn=described["TrainingJobArn"])["Tags"] == tags
        assert 0 <= float(summary["TunedHyperParameters"]["x"]) <= 6
    assert job["BestTrainingJob"]["TrainingJobName"] == max(listed, key=result)["TrainingJobName"]
    seen = {item["TrainingJobName"] for item in sm.list_training_jobs()["TrainingJobSummaries"]}
    assert {item["TrainingJobName"] for item in listed} <= seen
