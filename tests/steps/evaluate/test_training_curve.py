"""Evaluate finds the training curve in the training job's log, and the report says so where it can't."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from groundloop.spec.training_log import EpochMetrics
from steps.evaluate.training_curve import LOG_GROUP, read_training_curve
from tests.steps.evaluate.conftest import Case, Evaluated

LINE = "#quality_metric: host=algo-1, epoch=0, validation mAP <score>=(0.5)"


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


def test_the_epochs_are_read_from_the_lines_that_state_a_metric() -> None:
    logs = FakeLogs(LINE)
    assert read_training_curve("job-1", logs).epochs == (EpochMetrics(0, validation_map=0.5),)
    assert logs.requests[-1] == {
        "logGroupName": LOG_GROUP,
        "logStreamNames": ["job-1/algo-1"],
        "filterPattern": '"#quality_metric"',
    }


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
    curve = read_training_curve(job, logs)
    assert (curve.epochs, curve.missing) == ((), missing)


def test_the_report_names_the_origin_of_the_model(evaluate: Callable[..., Evaluated], case: Case) -> None:
    more = ["--execution", "arn:aws:sagemaker:x:1:pipeline/p/execution/e", "--input-manifest", "s3://b/m.manifest"]
    ran = evaluate(case, more=more)
    page = (ran.output / "report.html").read_text()
    for text in ("pipeline/p/execution/e", "s3://b/m.manifest", " UTC</dd>", "There is no training curve."):
        assert text in page
    assert "no training curve: The Evaluate job was not told" in ran.out
