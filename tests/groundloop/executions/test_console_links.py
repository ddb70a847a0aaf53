"""Links to the AWS console."""

from __future__ import annotations

import pytest

from groundloop.executions.console_links import job_page, log_page


@pytest.mark.parametrize(
    ("region", "kind", "page"),
    [
        pytest.param(
            "us-east-1",
            "TrainingJob",
            "https://us-east-1.console.aws.amazon.com/sagemaker/home?region=us-east-1#/jobs/j",
            id="training",
        ),
        pytest.param(
            "eu-west-1",
            "ProcessingJob",
            "https://eu-west-1.console.aws.amazon.com/sagemaker/home?region=eu-west-1#/processing-jobs/j",
            id="processing",
        ),
        pytest.param(
            "us-gov-west-1",
            "TransformJob",
            "https://us-gov-west-1.console.amazonaws-us-gov.com/sagemaker/home?region=us-gov-west-1#/transform-jobs/j",
            id="transform, another partition",
        ),
        pytest.param(
            "us-east-1",
            "TuningJob",
            "https://us-east-1.console.aws.amazon.com/sagemaker/home?region=us-east-1#/hyper-tuning-jobs/j",
            id="search",
        ),
        pytest.param("us-east-1", "RegisterModel", None, id="no job"),
    ],
)
def test_the_page_of_a_job(region: str, kind: str, page: str | None) -> None:
    assert job_page(region, kind, "j") == page


def test_the_log_of_a_job() -> None:
    assert log_page("us-east-1", "/aws/sagemaker/TrainingJobs", "j") == (
        "https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1#logsV2:log-groups/log-group/"
        "$252Faws$252Fsagemaker$252FTrainingJobs$3FlogStreamNameFilter$3Dj$252F"
    )


def test_there_is_none_offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4599")
    assert job_page("us-east-1", "TrainingJob", "j") is None
    assert log_page("us-east-1", "/aws/sagemaker/TrainingJobs", "j") is None
