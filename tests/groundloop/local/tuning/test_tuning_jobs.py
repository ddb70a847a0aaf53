"""Tuning jobs at the API: real training jobs with values from the search, the best of them, how the search ends."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from groundloop.local import LocalAws
from groundloop.local.jobs import tuning as tuning_module
from groundloop.spec.shapes import output_shape
from tests.groundloop.local.tuning.conftest import wait_for

Request = dict[str, Any]
Tuned = Callable[..., Request]
Trainings = Callable[..., list[Request]]


def result(summary: Request) -> float:
    value: float = summary["FinalHyperParameterTuningJobObjectiveMetric"]["Value"]
    return value


def tried(summaries: list[Request]) -> list[str]:
    return [item["TunedHyperParameters"]["x"] for item in summaries]


def log(aws: LocalAws, name: str) -> str:
    return (aws.home / "tuning-jobs" / name / "log.txt").read_text()


def test_a_search_runs_real_training_jobs(sm: Any, aws: LocalAws, tuned: Tuned, trainings: Trainings) -> None:
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
    # What is a stand-in is said in the logs of the search and of each training job.
    assert "the search is Optuna's" in log(aws, "real")
    assert "the search is Optuna's" in (aws.home / "jobs" / listed[0]["TrainingJobName"] / "log.txt").read_text()


def test_a_random_search_repeats_with_its_seed(tuned: Tuned, trainings: Trainings) -> None:
    for name in ("seed-1", "seed-2"):
        tuned(name, RandomSeed=7, MaxNumberOfTrainingJobs=2)
    assert tried(trainings("seed-1")) == tried(trainings("seed-2"))


def test_a_grid_search_tries_each_combination_once(tuned: Tuned, trainings: Trainings) -> None:
    job = tuned("grid", ["1", "2", "3"], Strategy="Grid", MaxNumberOfTrainingJobs=None, MaxParallelTrainingJobs=3)
    assert sorted(tried(trainings("grid"))) == ["1", "2", "3"]
    assert job["BestTrainingJob"]["TunedHyperParameters"] == {"x": "3"}
    assert job["TrainingJobStatusCounters"]["Completed"] == job["ObjectiveStatusCounters"]["Succeeded"] == 3


def test_a_training_job_that_is_worse_than_the_median_is_stopped(
    tuned: Tuned, trainings: Trainings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bad one prints one epoch and would never end."""
    in_order = [{"x": value} for value in ("2.5", "3", "0")]
    monkeypatch.setattr("groundloop.local.search.search._shuffled_grid", lambda *_: in_order)
    job = tuned(
        "median",
        ["3", "2.5", "0"],
        Strategy="Grid",
        TrainingJobEarlyStoppingType="Auto",
        statics={"hangs": "0"},
    )
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    statuses = {item["TunedHyperParameters"]["x"]: item["TrainingJobStatus"] for item in trainings("median")}
    assert statuses == {"3": "Completed", "2.5": "Completed", "0": "Stopped"}
    assert job["TrainingJobStatusCounters"]["Stopped"] == 1
    # Its last value counts as its result, but it can't be the best.
    assert job["ObjectiveStatusCounters"] == {"Succeeded": 3, "Pending": 0, "Failed": 0}
    assert job["BestTrainingJob"]["TunedHyperParameters"] == {"x": "3"}


def test_hyperband_stops_a_training_job_that_is_behind_the_others(tuned: Tuned, trainings: Trainings) -> None:
    """With this seed the bad one comes second; it prints one epoch and would never end."""
    hanging = {"epochs": "2", "hangs": "0"}
    job = tuned(
        "hyperband", ["3", "0"], Strategy="Hyperband", RandomSeed=10, MaxNumberOfTrainingJobs=2, statics=hanging
    )
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    ended = [(item["TunedHyperParameters"]["x"], item["TrainingJobStatus"]) for item in trainings("hyperband")]
    assert ended == [("3", "Completed"), ("0", "Stopped")]
    assert job["BestTrainingJob"]["TunedHyperParameters"] == {"x": "3"}


def test_a_training_job_that_fails_counts_and_the_search_goes_on(tuned: Tuned, trainings: Trainings) -> None:
    job = tuned("some-fail", ["1", "3", "5"], Strategy="Grid", statics={"broken": "1,5"})
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    counters = job["TrainingJobStatusCounters"]
    assert (counters["Completed"], counters["NonRetryableError"]) == (1, 2)
    assert job["ObjectiveStatusCounters"] == {"Succeeded": 1, "Pending": 0, "Failed": 2}
    assert job["BestTrainingJob"]["TunedHyperParameters"] == {"x": "3"}
    assert all("is broken" in item["FailureReason"] for item in trainings("some-fail", StatusEquals="Failed"))
    # Sorted by the result, those without one are left out.
    assert tried(trainings("some-fail", SortBy="FinalObjectiveMetricValue")) == ["3"]


def test_a_search_without_a_success_fails_with_the_first_reason(tuned: Tuned, trainings: Trainings) -> None:
    values = [str(value) for value in range(8)]
    job = tuned("all-fail", values, Strategy="Grid", MaxNumberOfTrainingJobs=8, statics={"broken": ",".join(values)})
    assert job["HyperParameterTuningJobStatus"] == "Failed"
    listed = trainings("all-fail")
    assert len(listed) == 5
    assert job["FailureReason"].startswith(
        "No training job succeeded after 5 attempts. Please take a look at the training job failures to get more "
        f"details. The first, {listed[0]['TrainingJobName']}: AlgorithmError: x="
    )
    assert "BestTrainingJob" not in job


def test_a_search_without_an_objective_metric_fails(tuned: Tuned) -> None:
    job = tuned("silent", MaxNumberOfTrainingJobs=1, statics={"silent": "1"})
    assert job["HyperParameterTuningJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("No objective metrics found after running 1 training jobs.")
    assert job["ObjectiveStatusCounters"] == {"Succeeded": 0, "Pending": 0, "Failed": 1}


@pytest.mark.parametrize(
    ("criteria", "jobs"),
    [
        pytest.param({"TargetObjectiveMetricValue": 0.1}, 1, id="the target is reached"),
        pytest.param({"BestObjectiveNotImproving": {"MaxNumberOfTrainingJobsNotImproving": 3}}, 4, id="no improvement"),
    ],
)
def test_completion_criteria_end_the_search(
    tuned: Tuned, trainings: Trainings, criteria: Request, jobs: int, unique: Callable[[str], str]
) -> None:
    name = unique("stop")[:32]
    job = tuned(name, (2.999, 3.001), MaxNumberOfTrainingJobs=6, TuningJobCompletionCriteria=criteria)
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    assert len(trainings(name)) == jobs
    details = job["TuningJobCompletionDetails"]
    assert details["NumberOfTrainingJobsObjectiveNotImproving"] == jobs - 1


@pytest.mark.parametrize(
    ("hanging", "status", "reason"),
    [
        pytest.param("5", "Completed", None, id="after a result"),
        pytest.param(
            "3,5",
            "Failed",
            "MaxRuntimeInSeconds (120) is over, and no training job has completed with an objective metric",
            id="without a result",
        ),
    ],
)
def test_the_time_limit_ends_the_search(
    sm: Any,
    tuning: Tuned,
    described: Tuned,
    trainings: Trainings,
    monkeypatch: pytest.MonkeyPatch,
    hanging: str,
    status: str,
    reason: str | None,
) -> None:
    in_order = [{"x": value} for value in ("3", "5")]
    monkeypatch.setattr("groundloop.local.search.search._shuffled_grid", lambda *_: in_order)
    name = f"late-{status}"
    members = {"Strategy": "Grid", "MaxNumberOfTrainingJobs": 2, "MaxRuntimeInSeconds": 120}
    sm.create_hyper_parameter_tuning_job(**tuning(name, ["3", "5"], statics={"hangs": hanging}, **members))
    first_hanging = ["3", "5"].index(hanging[0]) + 1
    wait_for(lambda: len(trainings(name)) == first_hanging and trainings(name)[-1]["TrainingJobStatus"] == "InProgress")
    clock = time.monotonic
    monkeypatch.setattr(tuning_module, "monotonic", lambda: clock() + 121)
    job = described(name)
    assert [item["TrainingJobStatus"] for item in trainings(name)][-1] == "Stopped"
    assert (job["HyperParameterTuningJobStatus"], job.get("FailureReason")) == (status, reason)


def test_a_stop_leaves_no_training_job_running(
    sm: Any, aws: LocalAws, tuning: Tuned, described: Tuned, trainings: Trainings
) -> None:
    sm.create_hyper_parameter_tuning_job(
        **tuning("stopped", ["1", "2", "3"], Strategy="Grid", MaxParallelTrainingJobs=2, statics={"hangs": "1,2,3"})
    )
    wait_for(lambda: len(trainings("stopped", StatusEquals="InProgress")) == 2)
    with pytest.raises(ClientError, match="is in status InProgress"):
        sm.delete_hyper_parameter_tuning_job(HyperParameterTuningJobName="stopped")
    sm.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName="stopped")
    job = described("stopped")
    assert job["HyperParameterTuningJobStatus"] == "Stopped"
    assert {item["TrainingJobStatus"] for item in trainings("stopped")} == {"Stopped"}
    assert job["TrainingJobStatusCounters"]["Stopped"] == 2
    with pytest.raises(ClientError, match="is in status Stopped"):
        sm.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName="stopped")
    name = trainings("stopped")[0]["TrainingJobName"]
    sm.delete_hyper_parameter_tuning_job(HyperParameterTuningJobName="stopped")
    with pytest.raises(ClientError, match="can't find a tuning job with the name stopped"):
        sm.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName="stopped")
    assert sm.describe_training_job(TrainingJobName=name)["TrainingJobStatus"] == "Stopped"


class TestWarmStart:
    def test_the_search_goes_on_where_its_parent_ended(self, aws: LocalAws, tuned: Tuned) -> None:
        parent = tuned("parent", (2.9, 3.1))
        warm = {
            "WarmStartType": "IdenticalDataAndAlgorithm",
            "ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": "parent"}],
        }
        child = tuned("child", (3, 6), WarmStartConfig=warm, MaxNumberOfTrainingJobs=1, Strategy="Bayesian")
        assert re.search(r"warm start: [012] of 3 results of parent lie in the ranges", log(aws, "child"))
        overall, best = child["OverallBestTrainingJob"], child["BestTrainingJob"]
        assert overall["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] == max(
            result(best), result(parent["BestTrainingJob"])
        )
        assert overall["TuningJobName"] in ("parent", "child")
        assert "OverallBestTrainingJob" not in parent

    def test_transfer_learning_has_no_overall_best(self, tuned: Tuned) -> None:
        tuned("first", MaxNumberOfTrainingJobs=1)
        warm = {
            "WarmStartType": "TransferLearning",
            "ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": "first"}],
        }
        assert "OverallBestTrainingJob" not in tuned("second", WarmStartConfig=warm, MaxNumberOfTrainingJobs=1)


def test_lists_are_sorted_filtered_and_in_pages(sm: Any, tuned: Tuned, trainings: Trainings) -> None:
    tuned("listed-b", ["1", "2", "3"], Strategy="Grid")
    tuned("listed-a", MaxNumberOfTrainingJobs=1)
    listed = sm.list_hyper_parameter_tuning_jobs(NameContains="LISTED")["HyperParameterTuningJobSummaries"]
    assert [item["HyperParameterTuningJobName"] for item in listed] == ["listed-a", "listed-b"]
    assert [item["Strategy"] for item in listed] == ["Random", "Grid"]
    by_time = sm.list_hyper_parameter_tuning_jobs(NameContains="listed", SortBy="CreationTime", MaxResults=1)
    assert [item["HyperParameterTuningJobName"] for item in by_time["HyperParameterTuningJobSummaries"]] == ["listed-b"]
    assert by_time["NextToken"]
    assert sm.list_hyper_parameter_tuning_jobs(StatusEquals="InProgress")["HyperParameterTuningJobSummaries"] == []
    best_first = trainings("listed-b", SortBy="FinalObjectiveMetricValue", SortOrder="Descending", MaxResults=2)
    assert tried(best_first) == ["3", "2"]


def test_jobs_can_be_listed_while_others_start(aws: LocalAws, tuned: Tuned) -> None:
    tuned("listing", MaxNumberOfTrainingJobs=1)
    assert aws._services is not None
    services = aws._services

    class StartsOneMeanwhile(dict[str, Any]):
        """A request in whose reading another thread starts a job."""

        def get(self, key: str, default: Any = None) -> Any:
            if key == "NameContains":
                for jobs in (services.jobs._jobs["TrainingJob"], services.tuning_jobs._jobs):
                    jobs["meanwhile"] = jobs[next(iter(jobs))]  # type: ignore[assignment]
            return super().get(key, default)

    try:
        for kind in ("TrainingJobs", "HyperParameterTuningJobs"):
            assert services.call(f"List{kind}", StartsOneMeanwhile())
    finally:
        for jobs in (services.jobs._jobs["TrainingJob"], services.tuning_jobs._jobs):
            jobs.pop("meanwhile", None)


def test_a_search_whose_log_can_not_be_written_fails(aws: LocalAws, tuned: Tuned) -> None:
    place = aws.home / "tuning-jobs" / "unwritable"
    place.parent.mkdir(exist_ok=True)
    place.write_text("a file where the folder should be")
    job = tuned("unwritable")
    assert job["HyperParameterTuningJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("InternalServerError: the offline AWS failed: FileExistsError")


def test_every_answer_has_the_shape_of_the_api(aws: LocalAws, tuned: Tuned) -> None:
    """The client drops members that the API doesn't have; these are the answers as they are sent."""
    tuned("shaped", ["1", "3"], Strategy="Grid", MaxNumberOfTrainingJobs=2, statics={"broken": "1"})
    one = {"HyperParameterTuningJobName": "shaped"}
    for operation, request in {
        "DescribeHyperParameterTuningJob": one,
        "ListTrainingJobsForHyperParameterTuningJob": one,
        "ListHyperParameterTuningJobs": {},
    }.items():
        assert aws._services is not None
        answer = aws._services.call(operation, request)
        assert problems(output_shape(operation), answer) == []


def problems(shape: Any, value: Any, path: str = "") -> list[str]:
    """Where a value is not of a shape: unknown or missing members, other types, values out of an enumeration."""
    kinds = {
        "string": str,
        "integer": int,
        "float": float,
        "list": list,
        "map": dict,
        "structure": dict,
        "boolean": bool,
    }
    if shape.type_name in kinds and not isinstance(value, kinds[shape.type_name]):
        return [f"{path}: {value!r} is not {shape.type_name}"]
    if getattr(shape, "enum", None) and value not in shape.enum:
        return [f"{path}: {value!r}"]
    if shape.type_name == "structure":
        unknown = [f"{path}.{name}: unknown" for name in value.keys() - shape.members.keys()]
        missing = [f"{path}.{name}: missing" for name in set(shape.required_members) - value.keys()]
        inner = [
            problems(shape.members[name], value[name], f"{path}.{name}") for name in value if name in shape.members
        ]
        return unknown + missing + [item for found in inner for item in found]
    if shape.type_name == "list":
        return [item for index, one in enumerate(value) for item in problems(shape.member, one, f"{path}[{index}]")]
    if shape.type_name == "map":
        return [item for key, one in value.items() for item in problems(shape.value, one, f"{path}.{key}")]
    return []


def test_tuning_what_the_stand_in_ignores_is_said(aws: LocalAws, tuned: Tuned) -> None:
    definition = {"StaticHyperParameters": {"x": "3"}}
    ranges = {"CategoricalParameterRanges": [{"Name": "momentum", "Values": ["0.9"]}]}
    tuned("ignored", Strategy="Grid", MaxNumberOfTrainingJobs=1, ParameterRanges=ranges, definition=definition)
    note = "tuning momentum changes nothing offline: the stand-in for the training image ignores it"
    assert note in log(aws, "ignored")
