"""The examples of docs/orchestrators.md: the requests of the state machine, and the DAG where Airflow is installed."""

from __future__ import annotations

import importlib.util
import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import botocore.loaders
import botocore.model
import botocore.validate
import pytest

from groundloop.local import LocalAws
from pipeline.parameter_values import PARAMETER_KEYS
from tests.fixtures.cli import Groundloop

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
MACHINE = json.loads((EXAMPLES / "step_functions.json").read_text(encoding="utf-8"))
STATES: dict[str, dict[str, Any]] = MACHINE["States"]
TASKS = {name: state for name, state in STATES.items() if state["Type"] == "Task"}
PIPELINE = "groundloop"


@pytest.fixture(scope="module")
def sagemaker_model() -> botocore.model.ServiceModel:
    return botocore.model.ServiceModel(botocore.loaders.Loader().load_service_model("sagemaker", "service-2"))


def operation_of(state: dict[str, Any], model: botocore.model.ServiceModel) -> Any:
    match = re.fullmatch(r"arn:aws:states:::aws-sdk:sagemaker:(\w+)", state["Resource"])
    assert match
    return model.operation_model(match[1][0].upper() + match[1][1:])


class TestStepFunctions:
    @pytest.mark.parametrize("name", TASKS)
    def test_each_request_fits_the_operation(self, name: str, sagemaker_model: botocore.model.ServiceModel) -> None:
        # What is taken from the state's input, or made, is a string of 36 characters at least.
        request = {
            key.removesuffix(".$"): "x" * 36 if key.endswith(".$") else value
            for key, value in TASKS[name]["Parameters"].items()
        }
        if "PipelineExecutionArn" in request:
            request["PipelineExecutionArn"] = (
                f"arn:aws:sagemaker:us-east-1:123456789012:pipeline/{PIPELINE}/execution/abc"
            )
        shape = operation_of(TASKS[name], sagemaker_model).input_shape
        assert not botocore.validate.ParamValidator().validate(request, shape).has_errors()

    def test_every_path_reads_a_member_of_an_answer(self, sagemaker_model: botocore.model.ServiceModel) -> None:
        answers = {
            state["ResultPath"]: set(operation_of(state, sagemaker_model).output_shape.members)
            for state in TASKS.values()
        }
        paths = set(re.findall(r'"(\$\.\w+)\.(\w+)"', json.dumps(STATES)))
        assert paths
        assert {(place, member) for place, member in paths if member not in answers[place]} == set()

    def test_every_state_is_reached_and_exists(self) -> None:
        named = set(re.findall(r'"(?:Next|Default|StartAt)": "(\w+)"', json.dumps(MACHINE)))
        assert named == STATES.keys()

    def test_it_waits_for_the_statuses_of_an_execution_that_has_not_ended(
        self, sagemaker_model: botocore.model.ServiceModel
    ) -> None:
        waiting, succeeded, _ = STATES["Status"]["Choices"]
        known = sagemaker_model.shape_for("PipelineExecutionStatus").enum
        assert {rule["StringEquals"] for rule in waiting["Or"]} == {"Executing", "Stopping"}
        assert {succeeded["StringEquals"], "Executing", "Stopping"} < set(known)

    def test_its_parameters_are_the_pipelines(self) -> None:
        assert {item["Name"] for item in STATES["Start"]["Parameters"]["PipelineParameters"]} <= PARAMETER_KEYS.keys()


@pytest.fixture
def pipeline(aws: LocalAws) -> Iterator[Callable[[str], None]]:
    """Creates the pipeline: with a message it fails with it, without one it succeeds."""
    sagemaker = boto3.client("sagemaker")

    def create(message: str) -> None:
        fail = {"Name": "GateMissed", "Type": "Fail", "Arguments": {"ErrorMessage": message}}
        epochs = {"LeftValue": {"Get": "Parameters.Epochs"}, "RightValue": 1}
        never = {"Type": "Equals", **epochs}
        condition = {"Conditions": [never], "IfSteps": [], "ElseSteps": [fail] if message else []}
        definition = {
            "Version": "2020-12-01",
            "Parameters": [{"Name": "Epochs", "Type": "Integer", "DefaultValue": 30}],
            "Steps": [{"Name": "QualityGate", "Type": "Condition", "Arguments": condition}],
        }
        sagemaker.create_pipeline(
            PipelineName=PIPELINE,
            PipelineDefinition=json.dumps(definition),
            ClientRequestToken="a" * 32,
            RoleArn=aws.role_arn,
        )

    yield create
    sagemaker.delete_pipeline(PipelineName=PIPELINE, ClientRequestToken="b" * 32)


RUN = {
    "arn": str, "started": str, "status": str, "seconds": float, "parameters": dict, "failure": str, "id": str,
}  # fmt: skip


@pytest.mark.parametrize(
    ("message", "status"),
    [
        pytest.param("", "Succeeded", id="succeeded"),
        pytest.param("map_50 0.31 is below MinMap50 0.5", "Failed", id="failed"),
    ],
)
def test_runs_as_json_says_how_an_execution_ended(
    message: str, status: str, pipeline: Callable[[str], None], groundloop: Groundloop
) -> None:
    pipeline(message)
    sagemaker = boto3.client("sagemaker")
    given = [{"Name": "Epochs", "Value": "12"}]
    arn = sagemaker.start_pipeline_execution(PipelineName=PIPELINE, PipelineParameters=given)["PipelineExecutionArn"]
    until = time.monotonic() + 20
    while sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)["PipelineExecutionStatus"] == "Executing":
        assert time.monotonic() < until
        time.sleep(0.05)
    listed = groundloop("runs", "--limit", "1", "--json", "-c", str(EXAMPLES.parent / "configs" / "local.yaml")).json
    (run,) = listed["executions"]
    assert listed.keys() == {"pipeline", "executions"}
    assert {name: type(value) for name, value in run.items()} == RUN
    assert (run["arn"], run["status"], run["parameters"]) == (arn, status, {"Epochs": "12"})
    assert message in run["failure"]


class TestAirflow:
    """Airflow is a hundred packages, none of which the project needs: run where it is installed."""

    @pytest.fixture
    def dag(self, monkeypatch: pytest.MonkeyPatch) -> Any:
        pytest.importorskip("airflow.providers.amazon", reason="Airflow and its Amazon provider are not installed")
        monkeypatch.setenv("DETECTOR_CHECK_SECONDS", "1")
        specification = importlib.util.spec_from_file_location("airflow_dag", EXAMPLES / "airflow_dag.py")
        assert specification
        assert specification.loader
        module = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(module)
        return module.train_detector()

    def test_the_outcome_is_read_whatever_it_is(self, dag: Any) -> None:
        assert set(dag.task_ids) == {"execution", "outcome", "metrics"}
        assert dag.get_task("outcome").trigger_rule == "all_done"
        assert dag.get_task("metrics").trigger_rule == "all_success"

    def test_the_operator_waits_for_success(self, dag: Any, pipeline: Callable[[str], None]) -> None:
        pipeline("")
        task = dag.get_task("execution")
        task.display_name, task.pipeline_params = "test", {"Epochs": "12"}
        arn = task.execute({})
        described = boto3.client("sagemaker").describe_pipeline_execution(PipelineExecutionArn=arn)
        assert described["PipelineExecutionStatus"] == "Succeeded"

    def test_the_operator_fails_with_the_gates_message(self, dag: Any, pipeline: Callable[[str], None]) -> None:
        message = "map_50 0.31 is below MinMap50 0.5"
        pipeline(message)
        task = dag.get_task("execution")
        task.display_name, task.pipeline_params = "test", {}
        with pytest.raises(Exception, match=re.escape(message)):
            task.execute({})
