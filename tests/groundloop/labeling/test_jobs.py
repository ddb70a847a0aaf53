"""Labelling jobs as AWS answers: their state, their labels so far, refusals in plain words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from groundloop.errors import UserError
from groundloop.labeling import flows, jobs
from groundloop.spec.labeling_jobs import TaskType, pre_lambda_arn
from tests.groundloop.labeling.test_job_request import JOB, TEAM

REGION = "us-west-2"
NOW = datetime(2026, 11, 21, tzinfo=timezone.utc)
Stub = Callable[[str], Stubber]


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stub]:
    """Return the stub of a service's client, which the library gets too; botocore checks what it is sent."""
    stubs: dict[str, Stubber] = {}
    session = boto3.Session("key", "secret", region_name=REGION)

    def stubbed(service: str) -> Stubber:
        if service not in stubs:
            stubs[service] = Stubber(session.client(service))
            stubs[service].activate()
        return stubs[service]

    for module in (jobs, flows):
        monkeypatch.setattr(module, "client", lambda service, _: stubbed(service).client)
    yield stubbed
    for one in stubs.values():
        one.assert_no_pending_responses()


def described(**changes: Any) -> dict[str, Any]:
    """An answer of DescribeLabelingJob."""
    return {
        "LabelingJobStatus": "InProgress",
        "LabelCounters": {
            "TotalLabeled": 5,
            "HumanLabeled": 4,
            "MachineLabeled": 1,
            "FailedNonRetryableError": 2,
            "Unlabeled": 3,
        },
        "CreationTime": NOW,
        "LastModifiedTime": NOW,
        "JobReferenceCode": "code",
        "LabelingJobName": "week-47",
        "LabelingJobArn": "arn:aws:sagemaker:us-west-2:123456789012:labeling-job/week-47",
        "LabelAttributeName": "boxes",
        "InputConfig": {"DataSource": {"S3DataSource": {"ManifestS3Uri": "s3://b/in.manifest"}}},
        "OutputConfig": {"S3OutputPath": "s3://b/out/"},
        "RoleArn": JOB.role,
        "HumanTaskConfig": {
            "WorkteamArn": TEAM,
            "UiConfig": {"UiTemplateS3Uri": "s3://b/t.html"},
            "PreHumanTaskLambdaArn": pre_lambda_arn(REGION, TaskType.ADJUSTMENT),
            "TaskTitle": "t",
            "TaskDescription": "d",
            "NumberOfHumanWorkersPerDataObject": 1,
            "TaskTimeLimitInSeconds": 60,
        },
        **changes,
    }


def state(stub: Stub, **changes: Any) -> jobs.JobState:
    stub("sagemaker").add_response("describe_labeling_job", described(**changes))
    return jobs.describe(REGION, "week-47")


def test_a_job_is_described_with_its_counters(stub: Stub) -> None:
    found = state(stub)

    assert (found.labelled, found.by_people, found.by_model, found.failed, found.objects) == (5, 4, 1, 2, 10)
    assert found.is_running
    assert found.output_prefix == "s3://b/out/week-47/"
    assert found.task_type is TaskType.ADJUSTMENT


def test_the_labels_of_a_running_job_are_in_its_newest_intermediate_manifest(stub: Stub) -> None:
    found = state(stub)
    keys = [f"out/week-47/manifests/intermediate/{number}/output.manifest" for number in (1, 2, 10)]
    stub("s3").add_response(
        "list_objects_v2",
        {"Contents": [{"Key": key} for key in keys]},
        {"Bucket": "b", "Prefix": "out/week-47/manifests/intermediate/"},
    )

    assert jobs.output_manifest_uri(REGION, found) == f"s3://b/{keys[-1]}"


def test_a_job_without_labels_says_so(stub: Stub) -> None:
    found = state(stub)
    stub("s3").add_response("list_objects_v2", {})

    with pytest.raises(UserError, match="has no labels yet: its status is InProgress"):
        jobs.output_manifest_uri(REGION, found)


def test_a_completed_job_names_its_output_manifest(stub: Stub) -> None:
    uri = "s3://b/out/week-47/manifests/output/output.manifest"
    found = state(stub, LabelingJobStatus="Completed", LabelingJobOutput={"OutputDatasetS3Uri": uri})

    assert jobs.output_manifest_uri(REGION, found) == uri


def test_a_job_that_has_ended_is_not_stopped(stub: Stub) -> None:
    stub("sagemaker").add_response("describe_labeling_job", described(LabelingJobStatus="Completed"))

    with pytest.raises(UserError, match="is not running: its status is Completed"):
        jobs.stop(REGION, "week-47")


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("ResourceInUse", "there is a labelling job 'week-47' already"),
        ("AccessDeniedException", "takes no new customers.*groundloop label and groundloop review do the same"),
        ("ValidationException", "AWS refused CreateLabelingJob: ValidationException: because"),
    ],
)
def test_a_refusal_is_explained(stub: Stub, code: str, message: str) -> None:
    from groundloop.labeling.job_request import create_labeling_job_request

    stub("sagemaker").add_client_error("create_labeling_job", code, "because")

    with pytest.raises(UserError, match=message):
        jobs.create(REGION, create_labeling_job_request(JOB))


@pytest.mark.parametrize(
    ("sub_domain", "link"),
    [
        ("abc.labeling.us-west-2.sagemaker.aws", "https://abc.labeling.us-west-2.sagemaker.aws"),
        ("http://127.0.0.1:8000/workteams/team/", "http://127.0.0.1:8000/workteams/team/"),
    ],
    ids=["AWS", "offline"],
)
def test_the_portal_is_that_of_the_workteam(stub: Stub, sub_domain: str, link: str) -> None:
    team = {"WorkteamName": "team", "MemberDefinitions": [{}], "WorkteamArn": TEAM, "Description": "d"}
    stub("sagemaker").add_response("describe_workteam", {"Workteam": {**team, "SubDomain": sub_domain}})

    assert jobs.portal_link(REGION, TEAM) == link


@pytest.mark.parametrize(
    ("reason", "meaning"),
    [
        ("ClientError: Access denied when accessing s3://b/in.manifest", "the job's role may not read the input"),
        ("CORS is not configured", "no CORS rule"),
        ("No annotations could be consolidated", "no worker answered"),
        ("The manifest is not valid JSON", "can't read the input manifest"),
        ("InternalServerError", "a fault of the service"),
        ("something else", None),
    ],
)
def test_a_failure_reason_is_explained(reason: str, meaning: str | None) -> None:
    found = jobs.explain_failure(reason)

    assert found is None if meaning is None else meaning in (found or "")


class TestLoops:
    FLOW = "arn:aws:sagemaker:us-west-2:123456789012:flow-definition/week-47"

    def request(self, name: str) -> dict[str, Any]:
        return {"HumanLoopName": name, "FlowDefinitionArn": self.FLOW, "HumanLoopInput": {"InputContent": "{}"}}

    def test_known_loops_are_not_started_again(self, stub: Stub) -> None:
        stub("sagemaker-a2i-runtime").add_response("start_human_loop", {"HumanLoopArn": "arn"}, self.request("new"))
        requests = [self.request("deleted"), self.request("new")]

        assert flows.start_loops(REGION, requests, {"deleted"}) == (1, 1)

    def test_a_loop_that_somebody_started_at_this_moment_counts_as_known(self, stub: Stub) -> None:
        stub("sagemaker-a2i-runtime").add_client_error("start_human_loop", "ConflictException")

        assert flows.start_loops(REGION, [self.request("new")], set()) == (0, 1)

    def test_loops_that_have_ended_by_themselves_are_not_counted_as_stopped(self, stub: Stub) -> None:
        runtime = stub("sagemaker-a2i-runtime")
        runtime.add_client_error("stop_human_loop", "ResourceNotFoundException")
        runtime.add_response("stop_human_loop", {})

        assert flows.stop_loops(REGION, ["ended", "running"]) == 1
