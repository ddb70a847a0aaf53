"""A decision on a version, taken in Studio or here, and what the endpoint serves after it."""

from __future__ import annotations

import json
import threading
from typing import Any

import boto3
import pytest


def test_an_approval_deploys_and_a_rejection_goes_back(triggered: Any) -> None:
    first, second = triggered.register(), triggered.register()
    triggered.decide(first, "Approved")
    assert triggered.statuses() == ["Succeeded"]
    one = triggered.answers()
    triggered.decide(second, "Approved")
    assert triggered.statuses() == ["Succeeded"] * 2
    two = triggered.answers()
    assert one != two
    triggered.decide(second, "Rejected")
    assert triggered.statuses() == ["Succeeded"] * 3
    assert triggered.answers() == one


@pytest.mark.usefixtures("quick")
def test_two_events_for_one_approval_deploy_once(triggered: Any) -> None:
    package = triggered.register()
    threads = [threading.Thread(target=triggered.decide, args=(package, "Approved")) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert triggered.statuses() == ["Succeeded"] * 2
    created = triggered.endpoint()["CreationTime"]
    assert len(triggered.made()[0]) == 1
    triggered.decide(package, "Approved")
    assert triggered.statuses() == ["Succeeded"] * 3
    assert triggered.endpoint()["LastModifiedTime"] >= created
    assert len(triggered.made()[0]) == len(triggered.made()[1]) == 1


@pytest.mark.usefixtures("quick")
def test_a_deployment_that_fails_leaves_the_old_one_serving_and_nothing_behind(triggered: Any) -> None:
    triggered.decide(triggered.register(), "Approved")
    triggered.executions()
    before, made, answered = triggered.endpoint()["EndpointConfigName"], triggered.made(), triggered.answers()
    triggered.decide(triggered.register(broken=True), "Approved")
    assert triggered.statuses() == ["Succeeded", "Failed"]
    endpoint = triggered.endpoint()
    assert (endpoint["EndpointStatus"], endpoint["EndpointConfigName"]) == ("InService", before)
    assert "this model is broken" in endpoint["FailureReason"]
    assert "could not be updated to version 2" in triggered.failure()
    assert "it still serves version 1" in triggered.failure()
    assert triggered.answers() == answered
    assert triggered.made() == made, "the new config and model are gone"


def test_a_first_deployment_that_fails_leaves_nothing(triggered: Any) -> None:
    triggered.decide(triggered.register(broken=True), "Approved")
    assert triggered.statuses() == ["Failed"]
    assert triggered.made() == ([], [])
    assert boto3.client("sagemaker").list_endpoints(NameContains=triggered.name)["Endpoints"] == []
    assert "there is no endpoint now" in triggered.failure()


@pytest.mark.usefixtures("quick")
def test_a_late_event_of_an_older_version_changes_nothing(triggered: Any) -> None:
    """EventBridge gives no order: what counts is what the registry says when the job runs."""
    old, new = triggered.register(), triggered.register()
    triggered.decide(new, "Approved")
    triggered.executions()
    serving = triggered.answers()
    triggered.decide(old, "Approved")
    assert triggered.statuses() == ["Succeeded"] * 2
    assert triggered.answers() == serving


@pytest.mark.usefixtures("quick")
def test_a_rejection_of_what_is_not_served_changes_nothing(triggered: Any, groundloop: Any) -> None:
    first, second, third = triggered.register(), triggered.register(), triggered.register()
    triggered.decide(first, "Approved")
    triggered.executions()
    triggered.decide(second, "Approved")
    triggered.executions()
    assert groundloop("deploy", "1").code == 0, "an older version on purpose"
    serving = triggered.answers()
    triggered.decide(third, "Rejected")
    assert triggered.statuses() == ["Succeeded"] * 4
    assert triggered.answers() == serving


@pytest.mark.usefixtures("quick")
def test_the_only_version_rejected_is_told_and_still_serves(triggered: Any) -> None:
    package = triggered.register()
    triggered.decide(package, "Approved")
    triggered.executions()
    triggered.decide(package, "Rejected")
    assert triggered.statuses() == ["Succeeded", "Failed"]
    assert "no other version" in triggered.failure()
    assert triggered.answers()


@pytest.mark.usefixtures("quick")
def test_without_rollback_on_rejection_a_rejection_does_nothing(project: Any) -> None:
    from pipeline.triggers import apply_triggers

    apply_triggers(project.changed("triggers.rollback_on_rejection=false").config)
    package = project.register()
    project.decide(package, "Approved")
    project.executions()
    project.decide(package, "Rejected")
    assert project.statuses() == ["Succeeded"]


def test_an_event_that_cannot_be_delivered_lands_in_the_queue(triggered: Any) -> None:
    from pipeline.dead_letter_queue import undelivered

    boto3.client("sagemaker").delete_pipeline(PipelineName=f"{triggered.name}-deploy")
    assert undelivered(triggered.config) == 0
    package = triggered.register(status="Approved")
    assert undelivered(triggered.config) == 1
    sqs = boto3.client("sqs")
    url = sqs.get_queue_url(QueueName=f"{triggered.name}-undelivered")["QueueUrl"]
    (message,) = sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"])["Messages"]
    assert json.loads(message["Body"])["detail"]["ModelPackageArn"] == package
    assert "does not exist" in message["MessageAttributes"]["ERROR_MESSAGE"]["StringValue"]


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("status", ["PendingManualApproval", "Rejected"])
def test_a_version_that_is_not_approved_is_never_deployed(project: Any, groundloop: Any, status: str) -> None:
    package = project.register(status=status)
    ran = groundloop("deploy", "1")
    assert (ran.code, status in ran.error) == (1, True)
    boto3.client("sagemaker").start_pipeline_execution(
        PipelineName=f"{project.name}-deploy",
        PipelineParameters=[{"Name": "ModelPackageArn", "Value": package}],
        ClientRequestToken="t" * 32,
    )
    assert project.statuses() == ["Failed"]
    assert f"is {status}, not Approved" in project.failure()


@pytest.mark.usefixtures("jobs_here")
def test_requests_are_answered_all_through_an_update(project: Any, groundloop: Any) -> None:
    for _ in range(2):
        project.register(status="Approved")
    groundloop("deploy", "1")
    seen, stop = set(), threading.Event()

    def ask() -> None:
        while not stop.wait(0.01):
            seen.add(project.answers())

    asking = threading.Thread(target=ask)
    asking.start()
    groundloop("deploy", "2")
    last = project.answers()
    stop.set()
    asking.join()
    assert len(seen) == 2
    assert last in seen
