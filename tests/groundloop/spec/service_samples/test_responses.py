"""Watching and listing executions read the answers that SageMaker is known to give."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from groundloop.errors import UserError
from groundloop.executions import control, jobs, listing, watching
from groundloop.executions.control import Transition, transition
from groundloop.executions.known_failures import known_failures
from groundloop.executions.watching import watch
from tests.groundloop.spec.service_samples.samples import RESPONSES, definition_text, response

REGION = "eu-west-1"
ARN = "arn:aws:sagemaker:eu-west-1:111122223333:pipeline/WearForecast/execution/m3n8b5v2c9xz"
#: By the beginning of a sample's name: the operation, and how its request names the execution or pipeline.
OPERATIONS = {
    "steps": ("list_pipeline_execution_steps", "PipelineExecutionArn"),
    "execution": ("describe_pipeline_execution", "PipelineExecutionArn"),
    "pipeline": ("describe_pipeline", "PipelineName"),
}


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Have SageMaker give (operation, sample or answer) in this order; an answer that the API can't give fails."""

    def answers(*given: tuple[str, str | dict[str, Any]]) -> Any:
        sagemaker = boto3.Session(region_name=REGION).client("sagemaker")
        stubber = Stubber(sagemaker)
        for operation, answer in given:
            stubber.add_response(operation, response(answer) if isinstance(answer, str) else answer)
        stubber.activate()
        for module in (control, jobs, listing, watching):
            monkeypatch.setattr(module, "client", lambda service, region: sagemaker)
        return sagemaker

    return answers


def transitions(sample: str) -> dict[str, Transition]:
    return {step["StepName"]: transition(step) for step in response(sample)["PipelineExecutionSteps"]}


@pytest.mark.parametrize("name", sorted(RESPONSES))
def test_each_sample_is_an_answer_of_the_api(answers: Callable[..., Any], name: str) -> None:
    operation, member = OPERATIONS[name.partition("_")[0]]
    sagemaker = answers((operation, name))
    assert getattr(sagemaker, operation)(**{member: ARN})


def test_an_empty_cache_hit_is_none() -> None:
    found = transitions("steps_empty_cache_hit")
    assert not any(step.cached for step in found.values())
    assert [step.attempt for step in found.values()] == [1] * 5
    assert found["WearTrain"].log_group == "/aws/sagemaker/TrainingJobs"
    assert found["WearMSECond"].kind == ""
    assert found["WearRegister-RegisterModel"].job == "wearmodels/1"


def test_what_a_selective_execution_reuses_counts_as_cached() -> None:
    assert {name: step.cached for name, step in transitions("steps_selective").items()} == {
        "WearEval": False,
        "WearTrain": True,
        "WearProcess": True,
    }


def test_steps_without_metadata_times_or_job() -> None:
    found = transitions("steps_starting")
    assert found["WearProcess"] == Transition("WearProcess", "Starting", None, cached=False, attempt=1)
    assert (found["Notify"].kind, found["Notify"].log_group) == ("Lambda", "")
    assert (found["Cluster"].kind, found["Cluster"].job) == ("", "")
    assert found["Bias"].seconds is None
    assert found["Stop"].reason == "mAP 0.1 is under 0.3"


def test_watch_ends_with_the_reason_of_a_step_whose_job_was_never_created(answers: Callable[..., Any]) -> None:
    answers(("describe_pipeline_execution", "execution_failed"), ("list_pipeline_execution_steps", "steps_quota"))
    changes: list[Transition] = []
    result = watch(REGION, ARN, changes.append)
    [failed] = result.failed
    assert (failed.step, failed.job, failed.log_group) == ("Preprocess", "", "")
    assert result.reason.startswith("Preprocess failed: ClientError: Failed to invoke sagemaker:CreateProcessingJob.")
    assert result.seconds == pytest.approx(3.507)
    assert [found.code for found in known_failures(failed.reason)] == ["quota"]


def test_the_list_shows_the_reason_in_one_line_and_survives_what_is_missing(answers: Callable[..., Any]) -> None:
    summary = {
        "PipelineExecutionArn": ARN,
        "StartTime": response("execution_failed")["CreationTime"],
        "PipelineExecutionStatus": "Failed",
        "PipelineExecutionDisplayName": "execution-1770110435123",
        "PipelineExecutionFailureReason": "Step failure: One or multiple steps failed.",
    }
    answers(
        ("list_pipeline_executions", {"PipelineExecutionSummaries": [summary]}),
        ("describe_pipeline_execution", "execution_failed"),
        ("describe_pipeline_definition_for_execution", {"PipelineDefinition": definition_text("sdk_v2_export")}),
        (
            "list_pipeline_parameters_for_execution",
            {
                "PipelineParameters": [
                    {"Name": "ProcessingInstanceCount", "Value": "1"},
                    {"Name": "MseThreshold", "Value": "6.0"},
                    {"Name": "Rounds", "Value": "120"},
                ]
            },
        ),
        ("list_pipeline_execution_steps", "steps_quota"),
    )
    [execution] = listing.list_executions(REGION, "WearForecast", 1)
    assert execution.id == "m3n8b5v2c9xz"
    assert execution.parameters == {"Rounds": "120"}
    assert "\n" not in execution.failure
    assert "Retry not appropriate" in execution.failure


def test_the_earlier_jobs_of_a_step_with_a_long_name_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    step = transitions("steps_long_names")["Wear-Forecasting-Model-Training"]
    prefix = "pipelines-m3n8b5v2c9xz-Wear-Forecasting-Mod-"
    sagemaker = boto3.Session(region_name=REGION).client("sagemaker")
    created = response("execution_failed")["CreationTime"]
    summaries = [
        {
            "TrainingJobName": f"{prefix}{suffix}",
            "TrainingJobArn": f"arn:aws:sagemaker:eu-west-1:111122223333:training-job/{prefix}{suffix}",
            "CreationTime": created,
            "TrainingJobStatus": "Failed",
        }
        for suffix in ("aQwErTyUiO", "2-zXcVbNmAsD", "bPVYsMzUlc")
    ]
    with Stubber(sagemaker) as stubber:
        stubber.add_response(
            "list_training_jobs",
            {"TrainingJobSummaries": summaries},
            {"NameContains": prefix, "SortBy": ANY, "SortOrder": ANY},
        )
        monkeypatch.setattr(jobs, "client", lambda *_: sagemaker)
        assert jobs.earlier_jobs(REGION, ARN, step) == [f"{prefix}aQwErTyUiO"]


@pytest.mark.parametrize(
    ("pipeline", "assignment", "parameters"),
    [
        pytest.param(response("pipeline"), "scheduled-time=now", [("scheduled-time", "now")], id="a name with a dash"),
        pytest.param(
            {"PipelineDefinition": '{"Version": "2020-12-01", "Parameters": [{"Name": "Input"}], "Steps": []}'},
            "Input=s3://b/k",
            [("Input", "s3://b/k")],
            id="a parameter without type, as in the developer guide",
        ),
        pytest.param({"PipelineDefinition": definition_text("terraform_vpc")}, None, [], id="no parameters"),
        pytest.param(
            {"PipelineDefinition": '{"Version": "2020-12-01", "Parameters": null, "Steps": []}'}, None, [], id="null"
        ),
    ],
)
def test_an_execution_of_any_pipeline_is_started(
    monkeypatch: pytest.MonkeyPatch, pipeline: dict[str, Any], assignment: str | None, parameters: list[tuple[str, str]]
) -> None:
    sagemaker = boto3.Session(region_name=REGION).client("sagemaker")
    monkeypatch.setattr(control, "client", lambda *_: sagemaker)
    sent = [{"Name": name, "Value": value} for name, value in parameters]
    with Stubber(sagemaker) as stubber:
        stubber.add_response("describe_pipeline", pipeline)
        stubber.add_response(
            "start_pipeline_execution",
            {"PipelineExecutionArn": ARN},
            {"PipelineName": "wear", "PipelineParameters": sent},
        )
        assert control.start(REGION, "wear", [assignment] if assignment else []) == ARN


@pytest.mark.parametrize("name", ["lambda_monitoring", "terraform_vpc", "sdk_v2_export"])
def test_the_steps_with_a_log_are_named(answers: Callable[..., Any], name: str) -> None:
    answers(("describe_pipeline_definition_for_execution", {"PipelineDefinition": definition_text(name)}))
    with pytest.raises(UserError, match="there is no step 'Nowhere'"):
        jobs.job_of(REGION, ARN, "Nowhere")
