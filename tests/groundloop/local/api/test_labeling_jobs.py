"""Labelling jobs made by plain boto3 are worked on in the portal, and their output folder is Ground Truth's."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from groundloop.labels.manifest import ManifestReader
from groundloop.labels.records import LineStatus
from groundloop.local.context import now
from groundloop.local.portal.rooms import instructions
from groundloop.spec.labeling_jobs import TaskType
from tests.groundloop.local.api.conftest import TEMPLATE, Member

Create = Callable[..., str]
Get = Callable[[str], bytes]


def lines_of(get: Get, job: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in get(f"s3://bucket/out/{job}/manifests/output/output.manifest").splitlines()]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        pytest.param(("Mark all.", "Tight boxes."), "Mark all.\n\nTight boxes.", id="paragraphs"),
        pytest.param(("Mark all.", "Mark all.", ""), "Mark all.", id="the-same-once"),
    ],
)
def test_instructions_are_shown_once(texts: tuple[str, ...], expected: str) -> None:
    assert instructions(*texts) == expected


def test_a_job_opens_as_a_queue_and_ends_with_ground_truths_folder(
    sm: Any, create_job: Create, portal: str, get: Get, keys: Callable[[str], list[str]], images: list[str]
) -> None:
    lines = [{"source-ref": uri, "camera": number} for number, uri in enumerate(images)]
    job = create_job(lines)
    assert sm.describe_labeling_job(LabelingJobName=job)["LabelingJobStatus"] == "InProgress"
    ann = Member(portal, "labeling-jobs", job, "ann")
    described = ann.get("/queue")
    assert described["name"] == f"{job} (offline AWS)"
    assert [one["name"] for one in described["classes"]] == ["bolt", "nut"]
    assert described["instructions"].count("Draw tight boxes.") == 1

    ann.submit(("nut", 4, 5, 10, 11))
    counters = sm.describe_labeling_job(LabelingJobName=job)["LabelCounters"]
    assert (counters["HumanLabeled"], counters["Unlabeled"]) == (1, 2)
    ann.submit()
    ann.submit(("bolt", 0, 0, 40, 30), ("nut", 1, 2, 3, 4))

    described = sm.describe_labeling_job(LabelingJobName=job)
    assert described["LabelingJobStatus"] == "Completed"
    assert described["LabelCounters"] == {
        "TotalLabeled": 3, "HumanLabeled": 3, "MachineLabeled": 0, "FailedNonRetryableError": 0, "Unlabeled": 0,
    }  # fmt: skip
    uri = described["LabelingJobOutput"]["OutputDatasetS3Uri"]
    assert uri == f"s3://bucket/out/{job}/manifests/output/output.manifest"
    first, second, third = lines_of(get, job)
    assert (first["source-ref"], first["camera"]) == (images[0], 0)
    assert first["boxes"] == {
        "image_size": [{"width": 40, "height": 30, "depth": 3}],
        "annotations": [{"class_id": 1, "left": 4, "top": 5, "width": 10, "height": 11}],
    }
    metadata = first["boxes-metadata"]
    created = metadata.pop("creation-date")
    assert len(created) == len("2026-11-21T16:20:31.482911")
    assert metadata == {
        "objects": [{"confidence": 0}], "class-map": {"0": "bolt", "1": "nut"}, "type": "groundtruth/object-detection",
        "human-annotated": "yes", "job-name": f"labeling-job/{job}",
    }  # fmt: skip
    assert second["boxes"]["annotations"] == []
    assert len(third["boxes"]["annotations"]) == 2
    reader = ManifestReader("boxes")
    read = [reader.read_line(number, line) for number, line in enumerate(get(uri).splitlines(), start=1)]
    assert [line.status for line in read] == [LineStatus.LABELLED, LineStatus.NEGATIVE, LineStatus.LABELLED]
    assert not [finding for line in read for finding in line.findings]

    (response,) = keys(f"out/{job}/annotations/worker-response/iteration-1/0/")
    (one,) = json.loads(get(f"s3://bucket/{response}"))["answers"]
    assert one["answerContent"]["boundingBox"]["boundingBoxes"] == [
        {"height": 11, "label": "nut", "left": 4, "top": 5, "width": 10}
    ]
    assert one["workerId"].startswith("private.us-east-1.")
    assert "ann" not in one["workerId"]
    assert one["submissionTime"] == "2026-11-21T16:20:38.001Z"
    for stage in ("request", "response"):
        batches = keys(f"out/{job}/annotations/consolidated-annotation/consolidation-{stage}/iteration-1/")
        objects = [item["datasetObjectId"] for key in batches for item in json.loads(get(f"s3://bucket/{key}"))]
        assert sorted(objects) == ["0", "1", "2"]


def test_several_workers_answer_each_object_and_their_boxes_are_consolidated(
    sm: Any, create_job: Create, portal: str, get: Get, images: list[str]
) -> None:
    job = create_job([{"source-ref": images[0]}], task={"NumberOfHumanWorkersPerDataObject": 3})
    for name, left in (("ann", 10), ("bob", 12), ("cem", 11)):
        assert sm.describe_labeling_job(LabelingJobName=job)["LabelingJobStatus"] == "InProgress"
        member = Member(portal, "labeling-jobs", job, name)
        member.submit(("bolt", left, 5, 20, 20))
        assert member.next() is None
    assert sm.describe_labeling_job(LabelingJobName=job)["LabelingJobStatus"] == "Completed"
    (line,) = lines_of(get, job)
    assert line["boxes"]["annotations"] == [{"class_id": 0, "left": 11, "top": 5, "width": 20, "height": 20}]
    assert 0.9 < line["boxes-metadata"]["objects"][0]["confidence"] <= 1


def test_a_changed_mind_counts_until_the_job_ends_and_is_refused_then(
    sm: Any, create_job: Create, portal: str, get: Get, keys: Callable[[str], list[str]], images: list[str]
) -> None:
    job = create_job([{"source-ref": uri} for uri in images[:2]])
    ann = Member(portal, "labeling-jobs", job, "ann")
    task = ann.submit(("nut", 4, 5, 10, 11))
    sm.describe_labeling_job(LabelingJobName=job)
    box = {"class_id": 0, "left": 1, "top": 1, "width": 9, "height": 9}
    sent = {"client_id": "12345678", "task": task["id"], "lease": "", "outcome": "boxes", "boxes": [box],
            "accepted_at": "2026-11-21T16:21:31Z", "submitted_at": "2026-11-21T16:21:38Z"}  # fmt: skip
    ann.post("/answers", sent)
    ann.submit()
    assert sm.describe_labeling_job(LabelingJobName=job)["LabelingJobStatus"] == "Completed"
    assert lines_of(get, job)[0]["boxes"]["annotations"] == [box]
    assert len(keys(f"out/{job}/annotations/worker-response/iteration-1/0/")) == 1
    status, body, _ = ann.send("POST", "/answers", {**sent, "client_id": "23456789"})
    assert status == 409
    assert "finished" in body["error"]


def test_declined_by_too_many_fails_the_object_and_not_the_job(
    sm: Any, create_job: Create, portal: str, get: Get, new_team: Callable[..., str], images: list[str]
) -> None:
    job = create_job([{"source-ref": uri} for uri in images], task={"WorkteamArn": new_team("ann", "bob")})
    ann, bob = (Member(portal, "labeling-jobs", job, name) for name in ("ann", "bob"))
    ann.submit(outcome="skip")
    ann.submit(outcome="bad-image")
    ann.submit(("nut", 1, 1, 5, 5))
    assert sm.describe_labeling_job(LabelingJobName=job)["LabelCounters"]["Unlabeled"] == 1
    bob.submit(outcome="skip")
    described = sm.describe_labeling_job(LabelingJobName=job)
    assert described["LabelingJobStatus"] == "Completed"
    assert described["LabelCounters"]["FailedNonRetryableError"] == 2
    first, second, third = lines_of(get, job)
    assert "declined" in first["boxes-metadata"]["failure-reason"]
    assert "can't be labelled" in second["boxes-metadata"]["failure-reason"]
    assert "boxes" not in first
    assert len(third["boxes"]["annotations"]) == 1


def test_an_image_that_is_missing_fails_its_object(sm: Any, create_job: Create, get: Get, images: list[str]) -> None:
    job = create_job([{"source-ref": "s3://bucket/nowhere.png"}])
    described = sm.describe_labeling_job(LabelingJobName=job)
    assert (described["LabelingJobStatus"], described["LabelCounters"]["FailedNonRetryableError"]) == ("Completed", 1)
    assert "not in S3" in lines_of(get, job)[0]["boxes-metadata"]["failure-reason"]


def test_tasks_expire(
    sm: Any, create_job: Create, portal: str, get: Get, monkeypatch: pytest.MonkeyPatch, images: list[str]
) -> None:
    job = create_job(task={"TaskAvailabilityLifetimeInSeconds": 60})
    Member(portal, "labeling-jobs", job, "ann").submit()
    sm.describe_labeling_job(LabelingJobName=job)
    monkeypatch.setattr("groundloop.local.portal.labeling_job.now", lambda: now() + timedelta(seconds=61))
    described = sm.describe_labeling_job(LabelingJobName=job)
    assert described["LabelingJobStatus"] == "Completed"
    assert described["LabelCounters"]["FailedNonRetryableError"] == 2
    assert "expired" in lines_of(get, job)[1]["boxes-metadata"]["failure-reason"]


def test_a_stopped_job_leaves_the_lines_without_a_label_as_they_were(
    sm: Any, create_job: Create, portal: str, get: Get, images: list[str]
) -> None:
    job = create_job()
    ann = Member(portal, "labeling-jobs", job, "ann")
    ann.submit(("nut", 4, 5, 10, 11))
    sm.stop_labeling_job(LabelingJobName=job)
    described = sm.describe_labeling_job(LabelingJobName=job)
    assert described["LabelingJobStatus"] == "Stopped"
    assert described["LabelCounters"]["Unlabeled"] == 2
    assert lines_of(get, job)[1:] == [{"source-ref": uri} for uri in images[1:]]
    with pytest.raises(ClientError, match="is in status Stopped"):
        sm.stop_labeling_job(LabelingJobName=job)


def test_the_first_stopping_condition_limits_the_tasks(sm: Any, create_job: Create, portal: str) -> None:
    job = create_job(StoppingConditions={"MaxHumanLabeledObjectCount": 2, "MaxPercentageOfInputDatasetLabeled": 50})
    ann = Member(portal, "labeling-jobs", job, "ann")
    ann.submit()
    assert ann.next() is None
    described = sm.describe_labeling_job(LabelingJobName=job)
    assert described["LabelingJobStatus"] == "Stopped"
    assert described["LabelCounters"]["HumanLabeled"] == 1


def labelled_line(uri: str, name: str = "old") -> dict[str, Any]:
    return {
        "source-ref": uri,
        name: {
            "image_size": [{"width": 40, "height": 30, "depth": 3}],
            "annotations": [{"class_id": 7, "left": 4.6, "top": 5, "width": 10, "height": 11}],
        },
        f"{name}-metadata": {
            "objects": [{"confidence": 0.6}], "class-map": {"7": "nut"}, "type": "groundtruth/object-detection",
            "human-annotated": "yes", "creation-date": "2026-01-02T03:04:05.000006", "job-name": "labeling-job/old",
        },
    }  # fmt: skip


def test_a_chained_job_labels_only_what_has_no_label(
    sm: Any, create_job: Create, portal: str, get: Get, images: list[str]
) -> None:
    done = labelled_line(images[0], "boxes")
    job = create_job([done, {"source-ref": images[1]}])
    Member(portal, "labeling-jobs", job, "ann").submit()
    assert sm.describe_labeling_job(LabelingJobName=job)["LabelingJobStatus"] == "Completed"
    first, second = lines_of(get, job)
    assert first == done
    assert second["boxes-metadata"]["job-name"] == f"labeling-job/{job}"


def test_an_adjustment_job_shows_the_earlier_labels_and_says_what_changed(
    sm: Any, create_job: Create, put: Callable[..., str], portal: str, get: Get, images: list[str]
) -> None:
    initial = '"[{% for box in task.input.manifestLine.old.annotations %}{% endfor %}]"'
    template = put("in/adjust.html", TEMPLATE.replace("labels=", f"initial-value={initial} labels="))
    lines = [labelled_line(uri) for uri in images[:2]] + [{"source-ref": images[2]}]
    job = create_job(lines, task_type=TaskType.ADJUSTMENT, template=template)
    ann = Member(portal, "labeling-jobs", job, "ann")
    task = ann.next()
    assert task is not None
    (shown,) = task["boxes"]
    assert (shown["class_id"], shown["left"], shown["width"]) == (1, 5, 10)
    ann.submit(("nut", 5, 5, 10, 11))
    ann.submit(("nut", 6, 5, 10, 11))
    assert sm.describe_labeling_job(LabelingJobName=job)["LabelingJobStatus"] == "Completed"
    first, second, third = lines_of(get, job)
    assert first["boxes-metadata"]["adjustment-status"] == "unadjusted"
    assert second["boxes-metadata"]["adjustment-status"] == "adjusted"
    assert first["boxes"]["annotations"] == [{"class_id": 1, "left": 4.6, "top": 5, "width": 10, "height": 11}]
    assert first["old"] == lines[0]["old"]
    assert "no label under old" in third["boxes-metadata"]["failure-reason"]


def verification(put: Callable[..., str], *verdicts: str) -> dict[str, Any]:
    """Return what a verification job's request has of its own."""
    overlay = (
        "{ &quot;boundingBox&quot;: { &quot;value&quot;: [{% for box in task.input.manifestLine.old.annotations %}] } }"
    )
    template = TEMPLATE.replace("crowd-bounding-box", "crowd-image-classifier").replace("labels=", "categories=")
    return {
        "task_type": TaskType.VERIFICATION,
        "template": put("in/verify.html", template.replace("src=", f'overlay="{overlay}" src=')),
        "LabelCategoryConfigS3Uri": put(
            f"in/{'-'.join(verdicts)}.json",
            {"document-version": "2018-11-28", "labels": [{"label": name} for name in verdicts]},
        ),
    }


def test_a_verification_job_takes_accepted_boxes_for_right_and_changed_ones_for_wrong(
    sm: Any, create_job: Create, put: Callable[..., str], portal: str, get: Get, images: list[str]
) -> None:
    lines = [labelled_line(uri) for uri in images[:2]]
    job = create_job(lines, **verification(put, "good", "bad"))
    ann = Member(portal, "labeling-jobs", job, "ann")
    described = ann.get("/queue")
    assert [one["name"] for one in described["classes"]] == ["nut"]
    assert "Accept the boxes as they are for 'good'" in described["instructions"]
    box = {"class_id": 0, "left": 5, "top": 5, "width": 10, "height": 11}
    ann.submit(boxes=[box])
    ann.submit(boxes=[], comment="no nut")
    assert sm.describe_labeling_job(LabelingJobName=job)["LabelingJobStatus"] == "Completed"
    first, second = lines_of(get, job)
    assert (first["boxes"], first["boxes-metadata"]["class-name"]) == ("0", "good")
    assert (second["boxes"], second["boxes-metadata"]["class-name"]) == ("1", "bad")
    assert second["boxes-metadata"]["worker-feedback"] == [{"comment": "no nut"}]
    assert second["boxes-metadata"]["type"] == "groundtruth/label-verification"
    assert second["old"] == lines[1]["old"]


def test_other_verdicts_than_right_and_wrong_are_not_played(
    sm: Any, job_request: Callable[..., dict[str, Any]], put: Callable[..., str]
) -> None:
    with pytest.raises(ClientError, match="with 3 categories are not played offline"):
        sm.create_labeling_job(**job_request(**verification(put, "good", "poor", "bad")))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"LabelAttributeName": "boxes-metadata"}, "ends with -metadata", id="attribute"),
        pytest.param({"LabelAttributeName": "a b"}, "regular expression pattern", id="attribute pattern"),
        pytest.param({"LabelingJobName": "a_b"}, "regular expression pattern", id="name"),
        pytest.param({"LabelCategoryConfigS3Uri": None}, "LabelCategoryConfigS3Uri is missing", id="no categories"),
        pytest.param({"LabelCategoryConfigS3Uri": "s3://bucket/no.json"}, "does not exist", id="categories missing"),
        pytest.param({"OutputConfig": {"S3OutputPath": "s3://none/out"}}, "there is no bucket none", id="output"),
        pytest.param(
            {"InputConfig": {"DataSource": {"S3DataSource": {"ManifestS3Uri": "s3://bucket/no.manifest"}}}},
            "ManifestS3Uri: the S3 object s3://bucket/no.manifest does not exist",
            id="manifest",
        ),
        pytest.param({"task": {"NumberOfHumanWorkersPerDataObject": 10}}, "less than or equal to 9", id="workers"),
        pytest.param({"task": {"TaskTimeLimitInSeconds": 29_000}}, "TaskTimeLimitInSeconds", id="time limit"),
        pytest.param(
            {"task": {"WorkteamArn": "arn:aws:sagemaker:us-east-1:123456789012:workteam/private-crowd/none"}},
            "Could not find workteam",
            id="workteam",
        ),
        pytest.param(
            {"task": {"WorkteamArn": "arn:aws:sagemaker:us-east-1:394669845002:workteam/public-crowd/default"}},
            "not played offline",
            id="public workforce",
        ),
        pytest.param(
            {"task": {"PreHumanTaskLambdaArn": ("arn:aws:lambda:us-east-1:432418664414:function:PRE-ImageMultiClass")}},
            "PRE-ImageMultiClass are not played offline",
            id="other task type",
        ),
        pytest.param({"task_type": TaskType.VERIFICATION}, "no crowd-image-classifier", id="verification template"),
        pytest.param({"template": "s3://bucket/in/categories.json"}, "no crowd-bounding-box", id="template"),
        pytest.param(
            {
                "LabelingJobAlgorithmsConfig": {
                    "LabelingJobAlgorithmSpecificationArn": (
                        "arn:aws:sagemaker:us-east-1:027400017018:labeling-job-algorithm-specification/object-detection"
                    )
                }
            },
            "Automated data labeling .* is not played offline",
            id="auto-labelling",
        ),
    ],
)
def test_what_aws_refuses_or_is_not_played_is_refused(
    sm: Any, job_request: Callable[..., dict[str, Any]], changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ClientError, match=message) as raised:
        sm.create_labeling_job(**job_request(**changes))
    assert raised.value.response["Error"]["Code"] == "ValidationException"


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        pytest.param('{"source-ref": "s3://bucket/a.png"}\nnot json\n', "line 2 .* is not a JSON object", id="JSON"),
        pytest.param('{"source": "text"}\n', "line 1 .* no source-ref", id="text"),
        pytest.param("", "has 0 lines", id="empty"),
    ],
)
def test_a_manifest_that_cant_be_used_fails_the_job(
    sm: Any, put: Callable[..., str], job_request: Callable[..., dict[str, Any]], manifest: str, message: str
) -> None:
    request = job_request()
    uri = put("in/odd.manifest", manifest)
    request["InputConfig"]["DataSource"]["S3DataSource"]["ManifestS3Uri"] = uri
    sm.create_labeling_job(**request)
    described = sm.describe_labeling_job(LabelingJobName=request["LabelingJobName"])
    assert described["LabelingJobStatus"] == "Failed"

    assert re.search(message, described["FailureReason"])


def test_names_are_unique_whatever_their_case(
    sm: Any, create_job: Create, job_request: Callable[..., dict[str, Any]]
) -> None:
    job = create_job()
    with pytest.raises(ClientError, match="already exists") as raised:
        sm.create_labeling_job(**job_request(LabelingJobName=job.upper()))
    assert raised.value.response["Error"]["Code"] == "ResourceInUse"
    with pytest.raises(ClientError) as raised:
        sm.describe_labeling_job(LabelingJobName="none")
    assert raised.value.response["Error"]["Code"] == "ResourceNotFound"


def test_jobs_are_listed_by_name_status_and_workteam(
    sm: Any, create_job: Create, new_team: Callable[..., str], portal: str, images: Sequence[str]
) -> None:
    team = new_team("ann")
    first = create_job(task={"WorkteamArn": team})
    second = create_job([{"source-ref": images[0]}], task={"WorkteamArn": team})
    Member(portal, "labeling-jobs", second, "ann").submit()
    listed = sm.list_labeling_jobs(NameContains=second, StatusEquals="Completed")["LabelingJobSummaryList"]
    assert [job["LabelingJobName"] for job in listed] == [second]
    assert listed[0]["WorkteamArn"] == team
    of_team = sm.list_labeling_jobs_for_workteam(WorkteamArn=team)["LabelingJobSummaryList"]
    assert [job["LabelingJobName"] for job in of_team] == [second, first]
    assert of_team[1]["LabelCounters"] == {"HumanLabeled": 0, "PendingHuman": 3, "Total": 3}
    tags = [{"Key": "project", "Value": "groundloop"}]
    sm.add_tags(ResourceArn=sm.describe_labeling_job(LabelingJobName=first)["LabelingJobArn"], Tags=tags)
    assert sm.describe_labeling_job(LabelingJobName=first)["Tags"] == tags
