"""Evaluate finds the training curve in the training job's log, and the report says so where it can't."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from groundloop.spec.training_log import EpochMetrics
from steps.evaluate.registry_metadata import findings_text
from steps.evaluate.training_curve import LOG_GROUP, read_training_curve, training_json
from tests.steps.evaluate.conftest import Case, Evaluated

LINE = "#quality_metric: host=algo-1, epoch=0, validation mAP <score>=(0.5)"
NAN = "#quality_metric: host=algo-1, epoch=1, batch=9 train cross_entropy <loss>=nan"
DESCRIBED = {
    "HyperParameters": {"learning_rate": "0.01"},
    "FinalMetricDataList": [
        {"MetricName": "validation:mAP", "Value": 0.5},
        {"MetricName": "train:cross_entropy", "Value": float("nan")},
    ],
}


class FakeLogs:
    """CloudWatch Logs with the lines of one job."""

    def __init__(self, *lines: str, error: Exception | None = None) -> None:
        self._lines, self._error = lines, error
        self.requests: list[dict[str, Any]] = []

    def get_paginator(self, name: str) -> FakeLogs:
        return self

    def paginate(self, **request: Any) -> Iterator[dict[str, Any]]:
        self.requests.append(request)
        if self._error:
            raise self._error
        yield {
            "logStreams": [{"logStreamName": "job-1/algo-1"}],
            "events": [{"message": line} for line in self._lines],
        }


class FakeSageMaker:
    """SageMaker that describes one training job, or may not."""

    def __init__(self, described: dict[str, Any] | None) -> None:
        self._described = described

    def describe_training_job(self, **_: Any) -> dict[str, Any]:
        if self._described is None:
            raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "DescribeTrainingJob")
        return self._described


ALLOWED, DENIED = FakeSageMaker(DESCRIBED), FakeSageMaker(None)


def test_the_epochs_are_read_from_the_lines_that_state_a_metric() -> None:
    logs = FakeLogs(LINE)
    assert read_training_curve("job-1", logs, DENIED).epochs == (EpochMetrics(0, validation_map=0.5),)
    assert logs.requests[-1] == {
        "logGroupName": LOG_GROUP,
        "logStreamNames": ["job-1/algo-1"],
        "filterPattern": '?"#quality_metric" ?"#throughput_metric" ?"#progress_metric" ?"Expected number of batches"',
    }


def test_the_rules_find_what_holds_at_the_end() -> None:
    curve = read_training_curve("job-1", FakeLogs(LINE, NAN), ALLOWED)
    (finding,) = curve.findings
    assert (finding.code, finding.epoch, "0.005" in finding.remedy) == ("not_finite", 2, True)
    content = training_json("job-1", curve)
    assert content["findings"] == [asdict(finding)]
    assert content["curve"][1] == {
        "epoch": 2, "cross_entropy": None, "smooth_l1": None, "validation_map": None, "throughput": None
    }  # fmt: skip
    assert json.loads(json.dumps(content, allow_nan=False)) == content


def test_what_the_rules_cannot_know_of_a_job_is_not_assumed() -> None:
    flat = [
        f"#quality_metric: host=algo-1, epoch={epoch}, batch=9 train cross_entropy <loss>=(2.5)" for epoch in range(6)
    ]
    assert [one.code for one in read_training_curve("job-1", FakeLogs(*flat), ALLOWED).findings] == ["no_learning"]
    curve = read_training_curve("job-1", FakeLogs(*flat), DENIED)
    assert (curve.findings, curve.not_evaluated) == (
        (),
        "The rules no_learning and starving were not evaluated: DescribeTrainingJob: AccessDeniedException.",
    )
    content = training_json("job-1", curve)
    assert content["not_evaluated"] == curve.not_evaluated
    assert findings_text(content) == "unknown"
    (finding,) = read_training_curve("job-1", FakeLogs(LINE, NAN), DENIED).findings
    assert "the learning rate is too high" in finding.message
    assert finding.remedy == "halve training.hyperparameters.learning_rate"


def test_without_the_log_the_last_values_remain() -> None:
    denied = ClientError({"Error": {"Code": "AccessDeniedException"}}, "FilterLogEvents")
    curve = read_training_curve("job-1", FakeLogs(error=denied), ALLOWED)
    assert curve.final_metrics == {"validation:mAP": 0.5}
    assert curve.missing == (
        "The log of job-1 can't be read: FilterLogEvents: AccessDeniedException. Only the last value of each metric is "
        "known, from DescribeTrainingJob."
    )


@pytest.mark.parametrize(
    ("job", "logs", "missing"),
    [
        pytest.param(
            None, FakeLogs(), "The Evaluate job was not told which training job made the model.", id="no training job"
        ),
        pytest.param("job-1", FakeLogs(), "The log of job-1 states no metric of an epoch.", id="an empty log"),
        pytest.param(
            "job-1",
            FakeLogs(error=ClientError({"Error": {"Code": "AccessDeniedException"}}, "DescribeLogStreams")),
            "The log of job-1 can't be read: DescribeLogStreams: AccessDeniedException.",
            id="no permission",
        ),
        pytest.param(
            "job-1",
            FakeLogs(error=EndpointConnectionError(endpoint_url="https://logs")),
            'The log of job-1 can\'t be read: Could not connect to the endpoint URL: "https://logs"',
            id="no connection",
        ),
    ],
)
def test_without_a_curve_there_is_a_reason(job: str | None, logs: FakeLogs, missing: str) -> None:
    curve = read_training_curve(job, logs, DENIED)
    assert (curve.epochs, curve.final_metrics, curve.missing) == ((), {}, missing)


def test_the_report_names_the_origin_of_the_model(evaluate: Callable[..., Evaluated], case: Case) -> None:
    more = ["--execution", "arn:aws:sagemaker:x:1:pipeline/p/execution/e", "--input-manifest", "s3://b/m.manifest"]
    ran = evaluate(case, more=more)
    page = (ran.output / "report.html").read_text()
    for text in ("pipeline/p/execution/e", "s3://b/m.manifest", " UTC</dd>", "There is no training curve."):
        assert text in page
    assert "no training curve: The Evaluate job was not told" in ran.out
    assert ran.metrics["training"] == {
        "job": None, "curve": [], "findings": [], "final_metrics": {},
        "missing": "The Evaluate job was not told which training job made the model.", "not_evaluated": "",
    }  # fmt: skip
    assert ran.metrics["registry"]["training_findings"] == "unknown"
