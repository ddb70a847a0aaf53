"""Executions at the API: order, branches, properties, caching, retries, stops."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from groundloop.local import LocalAws
from groundloop.local.executor import policies
from groundloop.local.executor.steps import JobRunner, StepError, resource_name

Make = Callable[..., Any]

WRITE = """
import json, pathlib, sys
pathlib.Path(sys.argv[1], "metrics.json").write_text(sys.argv[2])
"""
SLEEP = "import time\nprint('asleep', flush=True)\ntime.sleep(60)"
OUTPUT = {"Std:Join": {"On": "/", "Values": ["s3://bucket/runs", {"Get": "Execution.PipelineExecutionId"}]}}


@pytest.fixture
def process(processing: Make) -> Make:
    """A Processing step that runs a script; with metrics, one that writes them into a property file."""

    def process(name: str, script: str = "", metrics: Any = None, **members: Any) -> dict[str, Any]:
        if metrics is not None:
            text = metrics if isinstance(metrics, dict) and "Get" in metrics else json.dumps(metrics)
            arguments = processing(None, WRITE, "/opt/ml/processing/output", text, output=OUTPUT)
            files = [{"PropertyFileName": "Metrics", "OutputName": "out", "FilePath": "metrics.json"}]
            members = {"PropertyFiles": files, **members}
        else:
            arguments = processing(None, script or "pass", output=OUTPUT)
        return {"Name": name, "Type": "Processing", "Arguments": arguments, **members}

    return process


def fail(name: str, message: Any) -> dict[str, Any]:
    return {"Name": name, "Type": "Fail", "Arguments": {"ErrorMessage": message}}


def metric(path: str, step: str = "Evaluate") -> dict[str, Any]:
    return {"Std:JsonGet": {"PropertyFile": {"Get": f"Steps.{step}.PropertyFiles.Metrics"}, "Path": path}}


def gate(then: list[Any], otherwise: list[Any], left: Any, right: Any = 0, **members: Any) -> dict[str, Any]:
    condition = {"Type": "LessThanOrEqualTo", "LeftValue": left, "RightValue": right}
    arguments = {"Conditions": [condition], "IfSteps": then, "ElseSteps": otherwise}
    return {"Name": "Gate", "Type": "Condition", "Arguments": arguments, **members}


def statuses(done: dict[str, Any]) -> dict[str, str]:
    return {name: step["StepStatus"] for name, step in done["Steps"].items()}


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


class TestCaching:
    CACHE = {"Enabled": True, "ExpireAfter": "PT1H"}  # noqa: RUF012

    def test_the_same_request_takes_the_outputs_of_the_earlier_run(
        self, process: Make, make_pipeline: Make, start: Make, ended: Make
    ) -> None:
        said = {"Get": "Parameters.Metrics"}
        pipeline = make_pipeline(
            process("Evaluate", metrics=said, CacheConfig=self.CACHE),
            fail("Say", metric("message")),
            parameters=[{"Name": "Metrics", "Type": "String", "DefaultValue": '{"message": "first"}'}],
        )
        first, second, third = (
            ended(start(pipeline, **given)) for given in ({}, {}, {"Metrics": '{"message": "other"}'})
        )
        assert "CacheHitResult" not in first["Steps"]["Evaluate"]
        hit = second["Steps"]["Evaluate"]
        assert hit["CacheHitResult"] == {"SourcePipelineExecutionArn": first["PipelineExecutionArn"]}
        assert hit["Metadata"] == first["Steps"]["Evaluate"]["Metadata"]
        assert (hit["StepStatus"], second["FailureReason"]) == ("Succeeded", "first")
        assert "CacheHitResult" not in third["Steps"]["Evaluate"]
        assert third["FailureReason"] == "other"

    def test_outputs_do_not_count_and_failures_are_not_kept(
        self, process: Make, make_pipeline: Make, start: Make, ended: Make
    ) -> None:
        broken = process("Evaluate", "import sys; sys.exit(1)", CacheConfig=self.CACHE)
        pipeline = make_pipeline(broken)
        assert [statuses(ended(start(pipeline))) for _ in range(2)] == [{"Evaluate": "Failed"}] * 2

    def test_an_old_run_is_not_used(self, process: Make, make_pipeline: Make, start: Make, ended: Make) -> None:
        pipeline = make_pipeline(process("Evaluate", CacheConfig={"Enabled": True, "ExpireAfter": "PT1S"}))
        ended(start(pipeline))
        time.sleep(1.1)
        assert "CacheHitResult" not in ended(start(pipeline))["Steps"]["Evaluate"]

    def test_a_run_with_the_cache_off_replaces_an_older_one(
        self, sm: Any, process: Make, make_pipeline: Make, start: Make, ended: Make
    ) -> None:
        def define(cache: dict[str, Any]) -> str:
            step = process("Evaluate", CacheConfig=cache)
            return json.dumps({"Version": "2020-12-01", "Metadata": {}, "Parameters": [], "Steps": [step]})

        pipeline = make_pipeline(process("Evaluate", CacheConfig=self.CACHE))
        ended(start(pipeline))
        sm.update_pipeline(PipelineName=pipeline, PipelineDefinition=define({"Enabled": False}))
        latest = ended(start(pipeline))
        assert "CacheHitResult" not in latest["Steps"]["Evaluate"]
        sm.update_pipeline(PipelineName=pipeline, PipelineDefinition=define(self.CACHE))
        hit = ended(start(pipeline))["Steps"]["Evaluate"]
        assert hit["CacheHitResult"] == {"SourcePipelineExecutionArn": latest["PipelineExecutionArn"]}

    def test_another_pipeline_has_its_own_runs(
        self, process: Make, make_pipeline: Make, start: Make, ended: Make
    ) -> None:
        step = process("Evaluate", CacheConfig=self.CACHE)
        ended(start(make_pipeline(step)))
        assert "CacheHitResult" not in ended(start(make_pipeline(step)))["Steps"]["Evaluate"]


class TestRetries:
    @pytest.fixture
    def flaky(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, int], list[float]]:
        """Have the first attempts of every job fail in a given way; returns the times of all attempts."""

        def flaky(kind: str, failures: int) -> list[float]:
            attempts: list[float] = []
            real = JobRunner.run

            def run(self: JobRunner, *arguments: Any) -> Any:
                attempts.append(time.monotonic())
                if len(attempts) <= failures:
                    raise StepError("CapacityError: none left", kind)
                return real(self, *arguments)

            monkeypatch.setattr(JobRunner, "run", run)
            return attempts

        return flaky

    @staticmethod
    def policy(kind: str, **members: Any) -> dict[str, Any]:
        return {"RetryPolicies": [{"ExceptionType": [kind], "IntervalSeconds": 0.1, "BackoffRate": 3.0, **members}]}

    def test_a_step_is_tried_again_with_growing_pauses(
        self, process: Make, make_pipeline: Make, start: Make, ended: Make, flaky: Any
    ) -> None:
        attempts = flaky("SageMaker.CAPACITY_ERROR", 2)
        step = process("Train", **self.policy("SageMaker.CAPACITY_ERROR", MaxAttempts=3))
        done = ended(start(make_pipeline(step)))
        assert statuses(done) == {"Train": "Succeeded"}
        assert done["Steps"]["Train"]["AttemptCount"] == 3
        assert attempts[1] - attempts[0] >= 0.1
        assert attempts[2] - attempts[1] >= 0.3

    @pytest.mark.parametrize(
        ("kind", "members", "count"),
        [
            pytest.param("SageMaker.CAPACITY_ERROR", {"MaxAttempts": 2}, 3, id="attempts used up"),
            pytest.param("SageMaker.CAPACITY_ERROR", {"ExpireAfterMin": 0.005}, 2, id="time used up"),
            pytest.param("SageMaker.RESOURCE_LIMIT", {"MaxAttempts": 2}, 1, id="another failure"),
        ],
    )
    def test_policies_end(
        self,
        process: Make,
        make_pipeline: Make,
        start: Make,
        ended: Make,
        flaky: Any,
        kind: str,
        members: Any,
        count: int,
    ) -> None:
        attempts = flaky(kind, 99)
        done = ended(start(make_pipeline(process("Train", **self.policy("SageMaker.CAPACITY_ERROR", **members)))))
        assert statuses(done) == {"Train": "Failed"}
        assert len(attempts) == done["Steps"]["Train"]["AttemptCount"] == count

    def test_throttling_is_retried_without_being_asked(
        self, process: Make, make_pipeline: Make, start: Make, ended: Make, flaky: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from dataclasses import replace

        quick = replace(policies.DEFAULT_RETRY, interval=0.01)
        monkeypatch.setattr(policies, "DEFAULT_RETRY", quick)
        flaky("Step.THROTTLING", 2)
        assert statuses(ended(start(make_pipeline(process("Train"))))) == {"Train": "Succeeded"}


class TestStopping:
    def test_a_stop_reaches_the_jobs(
        self, sm: Any, aws: LocalAws, process: Make, make_pipeline: Make, start: Make, ended: Make
    ) -> None:
        arn = start(make_pipeline(process("Long", SLEEP), process("Never", DependsOn=["Long"])))
        deadline = time.monotonic() + 10
        while not any("asleep" in log.read_text() for log in aws.home.glob("jobs/*-Long-*/log.txt")):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        sm.stop_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken="t" * 32)
        seen = sm.describe_pipeline_execution(PipelineExecutionArn=arn)["PipelineExecutionStatus"]
        assert seen in ("Stopping", "Stopped")
        done = ended(arn)
        assert (done["PipelineExecutionStatus"], statuses(done)) == ("Stopped", {"Long": "Stopped"})
        job = done["Steps"]["Long"]["Metadata"]["ProcessingJob"]["Arn"].rsplit("/", 1)[1]
        assert sm.describe_processing_job(ProcessingJobName=job)["ProcessingJobStatus"] == "Stopped"
        with pytest.raises(ClientError, match="has status Stopped: it can't be stopped"):
            sm.stop_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken="t" * 32)

    def test_a_fail_step_stops_what_still_runs(
        self, process: Make, make_pipeline: Make, start: Make, ended: Make
    ) -> None:
        late = {**fail("Stop", "enough"), "DependsOn": ["Short"]}
        done = ended(start(make_pipeline(process("Long", SLEEP), process("Short"), late)))
        assert done["FailureReason"] == "enough"
        assert statuses(done) == {"Long": "Stopped", "Short": "Succeeded", "Stop": "Failed"}

    def test_a_job_stopped_from_outside_fails_its_step(
        self, sm: Any, process: Make, make_pipeline: Make, start: Make, ended: Make
    ) -> None:
        arn = start(make_pipeline(process("Long", SLEEP)))
        deadline = time.monotonic() + 10
        while True:
            steps = sm.list_pipeline_execution_steps(PipelineExecutionArn=arn)["PipelineExecutionSteps"]
            if steps and steps[0]["Metadata"]:
                break
            assert time.monotonic() < deadline
        sm.stop_processing_job(ProcessingJobName=steps[0]["Metadata"]["ProcessingJob"]["Arn"].rsplit("/", 1)[1])
        done = ended(arn)
        assert done["PipelineExecutionStatus"] == "Failed"
        assert "was stopped" in done["Steps"]["Long"]["FailureReason"]


def test_a_retry_keeps_what_succeeded(
    sm: Any, process: Make, make_pipeline: Make, start: Make, ended: Make, put: Make
) -> None:
    needs = {
        "InputName": "late",
        "S3Input": {"S3Uri": "s3://bucket/late.txt", "LocalPath": "/opt/ml/processing/late", "S3DataType": "S3Prefix"},
    }
    second = process("Second", DependsOn=["First"])
    second["Arguments"]["ProcessingInputs"].append(needs)
    arn = start(make_pipeline(process("First"), second))
    before = ended(arn)
    assert statuses(before) == {"First": "Succeeded", "Second": "Failed"}
    put("late.txt", "now it is here")
    sm.retry_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken="r" * 32)
    after = ended(arn)
    assert (after["PipelineExecutionStatus"], statuses(after)) == (
        "Succeeded",
        {"First": "Succeeded", "Second": "Succeeded"},
    )
    assert after["Steps"]["First"] == before["Steps"]["First"]


def test_two_executions_run_at_the_same_time(process: Make, make_pipeline: Make, start: Make, ended: Make) -> None:
    pipeline = make_pipeline(process("Nap", "import time; time.sleep(0.5)"))
    first, second = start(pipeline), start(pipeline)
    assert first != second
    one, two = ended(first)["Steps"]["Nap"], ended(second)["Steps"]["Nap"]
    assert two["StartTime"] < one["EndTime"]


@pytest.mark.parametrize("step", ["Train", "A_very-long_" * 8, "-_-", "x" * 64])
def test_names_fit_the_service(step: str) -> None:
    import re

    name = resource_name("abcdefghijkl", step)
    assert name.startswith("pipelines-abcdefghijkl-")
    assert re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}", name)
    assert resource_name("abcdefghijkl", step) != name
