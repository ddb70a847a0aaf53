"""Executions at the API: order, branches, properties, names."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from groundloop.local import LocalAws
from groundloop.local.executor.runner import resource_name
from tests.groundloop.local.executor.conftest import Make, fail, gate, metric, statuses


@pytest.fixture
def whole(
    aws: LocalAws, process: Make, training: Make, pipe_channel: Make, put: Make, image: str
) -> list[dict[str, Any]]:
    """From metrics to an endpoint, one step of each type."""
    for name in ("a", "b"):
        put(f"images/{name}.jpg", f"image {name}")
    lines = [{"source-ref": f"s3://bucket/images/{name}.jpg", "bounding-box": {}} for name in ("a", "b")]
    manifest = put("whole.manifest", "\n".join(map(json.dumps, lines)))
    listed = put("whole.json", [{"prefix": "s3://bucket/images/"}, "a.jpg", "b.jpg"])
    channels = [pipe_channel("train", manifest), pipe_channel("validation", manifest)]
    artifact = {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}
    model = {"Get": "Steps.CreateModel.ModelName"}
    train = training(None, *channels, HyperParameters={"samples": metric("samples", "Prepare")})
    variant = {"VariantName": "main", "ModelName": model, "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    container = {"Image": image, "ModelDataUrl": artifact}
    package = {
        "ModelPackageGroupName": {"Get": "Parameters.Group"},
        "ModelApprovalStatus": {"Get": "Parameters.Approval"},
        "InferenceSpecification": {"Containers": [container], "SupportedContentTypes": ["image/jpeg"]},
    }
    transform = {
        "ModelName": model,
        "TransformInput": {"DataSource": {"S3DataSource": {"S3DataType": "ManifestFile", "S3Uri": listed}}},
        "TransformOutput": {"S3OutputPath": "s3://bucket/whole"},
        "TransformResources": {"InstanceCount": 1, "InstanceType": "ml.m5.large"},
    }
    deployed = {"EndpointName": "whole", "EndpointConfigName": {"Get": "Steps.Config.EndpointConfigName"}}
    passed = [
        {"Name": "Register", "Type": "RegisterModel", "Arguments": package},
        {"Name": "Config", "Type": "EndpointConfig", "Arguments": {"ProductionVariants": [variant]}},
        {"Name": "Deploy", "Type": "Endpoint", "Arguments": deployed},
    ]
    missed = fail("Missed", {"Std:Join": {"On": ": ", "Values": ["the gate", metric("message")]}})
    return [
        process("Prepare", metrics={"samples": "2"}),
        {"Name": "Train", "Type": "Training", "Arguments": train, "DisplayName": "Train it", "Description": "really"},
        {
            "Name": "CreateModel",
            "Type": "Model",
            "Arguments": {"ExecutionRoleArn": aws.role_arn, "PrimaryContainer": container},
        },
        {"Name": "Predict", "Type": "Transform", "Arguments": transform},
        process("Evaluate", metrics={"missed": 1, "message": "map is 0.1 too low"}, DependsOn=["Predict"]),
        gate(passed, [missed], metric("missed"), {"Get": "Parameters.Allowed"}),
    ]


PARAMETERS = [
    {"Name": "Allowed", "Type": "Integer", "DefaultValue": 0},
    {"Name": "Group", "Type": "String", "DefaultValue": "whole"},
    {"Name": "Approval", "Type": "String", "DefaultValue": "Approved", "EnumValues": ["Approved", "Rejected"]},
]


def test_a_whole_pipeline_ends_in_an_endpoint(
    sm: Any, aws: LocalAws, whole: Any, make_pipeline: Make, start: Make, ended: Make, keys: Make
) -> None:
    pipeline = make_pipeline(*whole, parameters=PARAMETERS)
    done = ended(start(pipeline, Allowed="1"))
    assert done["PipelineExecutionStatus"] == "Succeeded"
    assert list(done["Steps"]) == [
        "Prepare", "Train", "CreateModel", "Predict", "Evaluate", "Gate", "Register", "Config", "Deploy",
    ]  # fmt: skip
    assert set(statuses(done).values()) == {"Succeeded"}
    steps = done["Steps"]
    assert (steps["Train"]["StepDisplayName"], steps["Train"]["StepDescription"]) == ("Train it", "really")
    job = steps["Train"]["Metadata"]["TrainingJob"]["Arn"].rsplit("/", 1)[1]
    assert job.startswith(f"pipelines-{done['PipelineExecutionArn'].rsplit('/', 1)[1]}-Train-")
    assert sm.describe_training_job(TrainingJobName=job)["HyperParameters"] == {"samples": "2"}
    assert steps["Gate"]["Metadata"] == {"Condition": {"Outcome": "True"}}
    package = sm.describe_model_package(ModelPackageName=steps["Register"]["Metadata"]["RegisterModel"]["Arn"])
    assert (package["ModelPackageGroupName"], package["ModelApprovalStatus"]) == ("whole", "Approved")
    assert keys("whole/") == ["whole/a.jpg.out", "whole/b.jpg.out"]
    for step in steps.values():
        assert step["StartTime"] <= step["EndTime"]
        assert step["AttemptCount"] == 1
    answer = aws.client("sagemaker-runtime").invoke_endpoint(EndpointName="whole", Body=b"\xff\xd8")
    assert json.loads(answer["Body"].read())["bytes"] == 2
    # A second run updates the endpoint and registers the next version.
    again = ended(start(pipeline, Allowed="1"))
    assert again["PipelineExecutionStatus"] == "Succeeded"
    assert again["Steps"]["Register"]["Metadata"]["RegisterModel"]["Arn"].endswith("/whole/2")
    config = again["Steps"]["Config"]["Metadata"]["EndpointConfig"]["Arn"].rsplit("/", 1)[1]
    assert sm.describe_endpoint(EndpointName="whole")["EndpointConfigName"] == config


def test_the_fail_branch_ends_with_its_message(whole: Any, make_pipeline: Make, start: Make, ended: Make) -> None:
    done = ended(start(make_pipeline(*whole, parameters=PARAMETERS)))
    assert done["PipelineExecutionStatus"] == "Failed"
    assert done["FailureReason"] == "the gate: map is 0.1 too low"
    assert done["Steps"]["Gate"]["Metadata"] == {"Condition": {"Outcome": "False"}}
    assert done["Steps"]["Missed"]["Metadata"] == {"Fail": {"ErrorMessage": "the gate: map is 0.1 too low"}}
    assert statuses(done)["Missed"] == "Failed"
    assert {"Register", "Config", "Deploy"} & set(done["Steps"]) == set()


def test_what_depends_on_a_branch_not_taken_is_left_out(
    process: Make, make_pipeline: Make, start: Make, ended: Make
) -> None:
    after_not = {**gate([process("Deep")], [process("Deeper")], 0, DependsOn=["Not"]), "Name": "GateAfterNot"}
    after_taken = {**gate([process("Passed")], [], 0, DependsOn=["Taken"]), "Name": "GateAfterTaken"}
    pipeline = make_pipeline(
        gate([process("Taken")], [process("Not")], 0),
        process("After", DependsOn=["Gate"]),
        process("AfterNot", DependsOn=["Not"]),
        after_not,
        after_taken,
    )
    done = ended(start(pipeline))
    assert done["PipelineExecutionStatus"] == "Succeeded"
    assert set(done["Steps"]) == {"Gate", "Taken", "After", "GateAfterTaken", "Passed"}


def test_steps_that_need_nothing_of_each_other_run_together(
    process: Make, make_pipeline: Make, start: Make, ended: Make
) -> None:
    nap = "import time; time.sleep(0.7)"
    together = ended(start(make_pipeline(process("A", nap), process("B", nap))))["Steps"]
    assert together["B"]["StartTime"] < together["A"]["EndTime"]
    one = make_pipeline(process("A", nap), process("B", nap), ParallelismConfiguration={"MaxParallelExecutionSteps": 1})
    one_by_one = ended(start(one))["Steps"]
    assert one_by_one["B"]["StartTime"] >= one_by_one["A"]["EndTime"]


def test_a_step_that_fails_fails_the_execution_and_what_runs_is_finished(
    process: Make, make_pipeline: Make, start: Make, ended: Make
) -> None:
    bad, slow = "import sys; print('no class list'); sys.exit(1)", "import time; time.sleep(0.7)"
    pipeline = make_pipeline(process("Bad", bad), process("Slow", slow), process("Never", DependsOn=["Slow"]))
    done = ended(start(pipeline))
    assert (done["PipelineExecutionStatus"], statuses(done)) == ("Failed", {"Bad": "Failed", "Slow": "Succeeded"})
    assert done["FailureReason"] == "Step failure: One or multiple steps failed."
    assert done["Steps"]["Bad"]["FailureReason"].startswith("AlgorithmError: no class list, exit code: 1 (log: ")


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        pytest.param(
            lambda process: [process("Evaluate", metrics={"a": 1}), gate([], [], metric("gate.missed"))],
            "ClientError: JsonGet: gate.missed: there is no 'gate' in s3://bucket/runs/",
            id="a metric that is not there",
        ),
        pytest.param(
            lambda process: [process("Evaluate"), gate([], [], {"Get": "Steps.Evaluate.Nope"})],
            "ClientError: Steps.Evaluate.Nope: there is no 'Nope'",
            id="a property that is not there",
        ),
        pytest.param(
            lambda process: [process("Evaluate", metrics={"n": 3}), {
                "Name": "Gate", "Type": "Model", "Arguments": {"ModelName": metric("n"), "ExecutionRoleArn": "r" * 20},
            }],
            "Invalid type for parameter ModelName, value: 3",
            id="a number in a slot for text",
        ),
        pytest.param(
            lambda process: [{"Name": "Gate", "Type": "Lambda", "Arguments": {}, "FunctionArn": "f"}],
            "ClientError: the offline AWS does not run steps of type Lambda",
            id="a type that is not run here",
        ),
    ],
)  # fmt: skip
def test_a_step_that_cannot_be_resolved_says_why(
    process: Make, make_pipeline: Make, start: Make, ended: Make, steps: Any, message: str
) -> None:
    done = ended(start(make_pipeline(*steps(process))))
    assert done["PipelineExecutionStatus"] == "Failed"
    assert message in done["Steps"]["Gate"]["FailureReason"]


def test_two_executions_run_at_the_same_time(process: Make, make_pipeline: Make, start: Make, ended: Make) -> None:
    pipeline = make_pipeline(process("Nap", "import time; time.sleep(0.5)"))
    first, second = start(pipeline), start(pipeline)
    assert first != second
    one, two = ended(first)["Steps"]["Nap"], ended(second)["Steps"]["Nap"]
    assert two["StartTime"] < one["EndTime"]


@pytest.mark.parametrize("step", ["Train", "A_very-long_" * 8, "-_-", "x" * 64])
def test_names_fit_the_service(step: str) -> None:
    name = resource_name("abcdefghijkl", step)
    assert name.startswith("pipelines-abcdefghijkl-")
    assert re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}", name)
    assert resource_name("abcdefghijkl", step) != name
