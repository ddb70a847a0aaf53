"""A labelling job and a human loop made by plain boto3 offline, answered on the page in a browser, train a detector."""

from __future__ import annotations

import io
import json
import random
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page

from groundloop.labeling.loop_outputs import collect, fetch_outputs
from groundloop.labels.manifest import ManifestReader
from groundloop.local import LocalAws
from groundloop.review.queue import Queue
from groundloop.spec.labeling_jobs import TaskType, consolidation_lambda_arn, pre_lambda_arn
from pipeline.demo.synthetic_images import CLASSES, SyntheticImage, draw_image
from tests.fixtures.browser import new_context
from tests.groundloop.review.page.conftest import Reviewing, watched

BUCKET, REGION = "groundloop-local", "us-east-1"
LABELLED, DOUBTED = 2, 1
DETECTOR = "811284229777.dkr.ecr.us-east-1.amazonaws.com/object-detection:1"
TEMPLATE = """<crowd-form><crowd-bounding-box name="boundingBox" header="Parts"
  src="{{ task.input.taskObject | grant_read_access }}" labels="{{ task.input.labels | to_json | escape }}"
  initial-value="{{ task.input.initialValue | to_json | escape }}">
  <short-instructions>Draw a box around each part.</short-instructions>
  <full-instructions>Draw a box around each part.</full-instructions></crowd-bounding-box></crowd-form>"""

Truth = Mapping[str, SyntheticImage]


@pytest.fixture(scope="module")
def truth(aws: LocalAws) -> Truth:
    """The drawn pictures by their S3 URIs."""
    chance, drawn = random.Random(5), {}  # noqa: S311 - pictures, not secrets
    for number in range(LABELLED + DOUBTED):
        picture, stream = draw_image(chance), io.BytesIO()
        picture.image.save(stream, "JPEG", quality=88)
        uri = put(aws, f"photos/{number}.jpg", stream.getvalue())
        drawn[uri] = picture
    return drawn


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page in a fresh profile."""
    with new_context(browser) as context:
        yield context.new_page()


def put(aws: LocalAws, key: str, content: bytes | str) -> str:
    """Put an object into the bucket; returns its URI."""
    body = content if isinstance(content, bytes) else content.encode()
    aws.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body)
    return f"s3://{BUCKET}/{key}"


def test_work_of_people_in_the_portal_trains_a_detector(
    aws: LocalAws, truth: Truth, page: Page, tmp_path: Path
) -> None:
    sm, a2i = aws.client("sagemaker"), aws.client("sagemaker-a2i-runtime")
    to_label, (doubted,) = list(truth)[:LABELLED], list(truth)[LABELLED:]
    team = sm.create_workteam(
        WorkteamName="people",
        Description="who label",
        MemberDefinitions=[{"OidcMemberDefinition": {"Groups": ["ann"]}}],
    )["WorkteamArn"]
    start_labeling_job(aws, team, to_label)
    start_human_loop(aws, team, doubted, truth[doubted])

    portal = sm.describe_workteam(WorkteamName="people")["Workteam"]["SubDomain"]
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    job = entered(page, portal, "Mark all parts", aws.home / "portal" / "labeling-jobs" / "parts")
    assert "parts (offline AWS)" in page.inner_text("#queue-name")
    for uri in to_label:
        draw(job, [(CLASSES.index(name), *box) for name, box in truth[uri].objects])
        job.answer()
    job.saved()
    described = sm.describe_labeling_job(LabelingJobName="parts")
    assert (described["LabelingJobStatus"], described["LabelCounters"]["HumanLabeled"]) == ("Completed", LABELLED)

    loop = entered(page, portal, "Check the parts", aws.home / "portal" / "flow-definitions" / "doubts")
    draw(loop, [(CLASSES.index(name), *box) for name, box in truth[doubted].objects[-1:]])
    loop.answer()
    loop.saved()
    assert a2i.describe_human_loop(HumanLoopName="doubt-1")["HumanLoopStatus"] == "Completed"
    assert job.problems == loop.problems == []
    assert {urlsplit(url).netloc for url in requests} == {urlsplit(portal).netloc}
    for one in (job, loop):
        one.queue.close()

    manifest = read(aws, described["LabelingJobOutput"]["OutputDatasetS3Uri"])
    assert boxes_in(manifest, "boxes") == {uri: sorted(truth[uri].objects) for uri in to_label}
    assert fetch_outputs(aws.client("s3"), f"s3://{BUCKET}/loops/doubts/", tmp_path) == DOUBTED
    collected = collect(tmp_path, CLASSES).content
    assert boxes_in(collected, "bounding-box") == {doubted: sorted(truth[doubted].objects)}
    train(aws, manifest.replace(b'"boxes', b'"bounding-box') + collected)


def start_labeling_job(aws: LocalAws, team: str, uris: list[str]) -> None:
    """Create the labelling job `parts`."""
    labels = {"document-version": "2018-11-28", "labels": [{"label": name} for name in CLASSES]}
    manifest = put(aws, "in.manifest", "".join(json.dumps({"source-ref": uri}) + "\n" for uri in uris))
    consolidation = consolidation_lambda_arn(REGION, TaskType.BOUNDING_BOX)
    aws.client("sagemaker").create_labeling_job(
        LabelingJobName="parts",
        LabelAttributeName="boxes",
        InputConfig={"DataSource": {"S3DataSource": {"ManifestS3Uri": manifest}}},
        OutputConfig={"S3OutputPath": f"s3://{BUCKET}/labels"},
        RoleArn=aws.role_arn,
        LabelCategoryConfigS3Uri=put(aws, "classes.json", json.dumps(labels)),
        HumanTaskConfig={
            "WorkteamArn": team,
            "UiConfig": {"UiTemplateS3Uri": put(aws, "template.html", TEMPLATE)},
            "PreHumanTaskLambdaArn": pre_lambda_arn(REGION, TaskType.BOUNDING_BOX),
            "AnnotationConsolidationConfig": {"AnnotationConsolidationLambdaArn": consolidation},
            "TaskTitle": "Mark all parts",
            "TaskDescription": "Draw a box around each part",
            "NumberOfHumanWorkersPerDataObject": 1,
            "TaskTimeLimitInSeconds": 600,
        },
    )


def start_human_loop(aws: LocalAws, team: str, uri: str, drawn: SyntheticImage) -> None:
    """Start the human loop `doubt-1` on an image whose last object the model has missed."""
    sm = aws.client("sagemaker")
    ui = sm.create_human_task_ui(HumanTaskUiName="doubts", UiTemplate={"Content": TEMPLATE})["HumanTaskUiArn"]
    flow = sm.create_flow_definition(
        FlowDefinitionName="doubts",
        HumanLoopConfig={
            "WorkteamArn": team,
            "HumanTaskUiArn": ui,
            "TaskTitle": "Check the parts",
            "TaskDescription": "Correct the boxes",
            "TaskCount": 1,
        },
        OutputConfig={"S3OutputPath": f"s3://{BUCKET}/loops"},
        RoleArn=aws.role_arn,
    )["FlowDefinitionArn"]
    sides = ("left", "top", "width", "height")
    found = [{"label": name, **dict(zip(sides, box, strict=True))} for name, box in drawn.objects[:-1]]
    content = {"taskObject": uri, "labels": list(CLASSES), "initialValue": found}
    aws.client("sagemaker-a2i-runtime").start_human_loop(
        HumanLoopName="doubt-1", FlowDefinitionArn=flow, HumanLoopInput={"InputContent": json.dumps(content)}
    )


def entered(page: Page, portal: str, title: str, folder: Path) -> Reviewing:
    """Open a task from the workteam's page, and wait for its first image."""
    page.goto(portal)
    page.get_by_role("link", name=title).click()
    page.wait_for_selector("body[data-state=ready]")
    reviewing = watched(Reviewing(page, Queue.open(folder), page.url))
    reviewing.frame()
    return reviewing


def draw(page: Reviewing, boxes: list[tuple[int, int, int, int, int]]) -> None:
    """Draw boxes with the mouse, and give them their classes by the keys."""
    for class_id, left, top, width, height in boxes:
        page.drag((left, top), (left + width, top + height), steps=1)
        page.press(str(class_id + 1), "Escape")


def read(aws: LocalAws, uri: str) -> bytes:
    """Return the content of an object of the bucket."""
    key = uri.removeprefix(f"s3://{BUCKET}/")
    return bytes(aws.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read())


def boxes_in(manifest: bytes, attribute: str) -> dict[str, list[tuple[str, tuple[float, float, float, float]]]]:
    """Return the boxes of a manifest's images, without any finding."""
    found = {}
    for number, raw in enumerate(manifest.splitlines(), start=1):
        line = ManifestReader(attribute).read_line(number, raw)
        assert line.record is not None
        assert line.findings == ()
        found[line.record.source_ref] = sorted(
            (box.class_name, (box.left, box.top, box.width, box.height)) for box in line.record.boxes
        )
    return found


def train(aws: LocalAws, manifest: bytes) -> None:
    """Train the built-in algorithm's stand-in on a manifest, without Prepare between."""
    sm, uri = aws.client("sagemaker"), put(aws, "train.manifest", manifest)
    source = {
        "S3DataType": "AugmentedManifestFile",
        "S3Uri": uri,
        "S3DataDistributionType": "FullyReplicated",
        "AttributeNames": ["source-ref", "bounding-box"],
    }
    lines = str(LABELLED + DOUBTED)
    sm.create_training_job(
        TrainingJobName="parts",
        AlgorithmSpecification={"TrainingImage": DETECTOR, "TrainingInputMode": "Pipe"},
        RoleArn=aws.role_arn,
        InputDataConfig=[
            {
                "ChannelName": channel,
                "ContentType": "application/x-recordio",
                "RecordWrapperType": "RecordIO",
                "DataSource": {"S3DataSource": source},
            }
            for channel in ("train", "validation")
        ],
        OutputDataConfig={"S3OutputPath": f"s3://{BUCKET}/models"},
        ResourceConfig={"InstanceType": "ml.p3.2xlarge", "InstanceCount": 1, "VolumeSizeInGB": 10},
        StoppingCondition={"MaxRuntimeInSeconds": 600},
        HyperParameters={
            "num_classes": str(len(CLASSES)),
            "num_training_samples": lines,
            "mini_batch_size": lines,
            "epochs": "1",
        },
    )
    until = time.monotonic() + 60
    while (job := described_job(sm))["TrainingJobStatus"] == "InProgress":
        assert time.monotonic() < until
        time.sleep(0.05)
    assert job["TrainingJobStatus"] == "Completed", job
    assert "validation:mAP" in {metric["MetricName"] for metric in job["FinalMetricDataList"]}


def described_job(sm: Any) -> dict[str, Any]:
    """Return the training job's description."""
    found: dict[str, Any] = sm.describe_training_job(TrainingJobName="parts")
    return found
