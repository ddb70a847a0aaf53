"""A labelling job and a human loop made by plain boto3, worked on in the browser, and labels that train.

On an offline AWS, whose worker portal is the review page. The person of this test knows the truth,
since the images are drawn.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from playwright.sync_api import Browser

from groundloop.labels.label_input import read_manifest
from groundloop.labels.manifest import ManifestReader
from groundloop.labels.records import Box
from groundloop.labels.split import HashSplit, Split
from groundloop.s3 import read_bytes
from groundloop.spec.labeling_jobs import TaskType, consolidation_lambda_arn, pre_lambda_arn
from pipeline.demo.synthetic_images import CLASSES, LABEL_ATTRIBUTE
from steps.prepare import job as prepare
from tests.e2e.conftest import BUCKET, Project
from tests.fixtures.browser import new_context
from tests.fixtures.cli import Groundloop
from tests.groundloop.review.page.conftest import Reviewing, watched

ROOT = Path(__file__).resolve().parents[2]
ROLE = "arn:aws:iam::123456789012:role/groundloop-local"
JOB, FLOW = "drawn-by-hand", "doubted"
JOB_TITLE, FLOW_TITLE = "Mark all parts", "Correct the boxes"
SPLIT = HashSplit(0.3, 0.3)
TEMPLATE = """<script src="https://assets.crowd.aws/crowd-html-elements.js"></script>
<crowd-form><crowd-bounding-box name="boundingBox" header="Mark all parts"
  src="{{ task.input.taskObject | grant_read_access }}" labels="{{ task.input.labels | to_json | escape }}"
  initial-value="{{ task.input.initialValue | to_json | escape }}">
  <full-instructions header="How">Draw tight boxes.</full-instructions>
  <short-instructions>Draw tight boxes.</short-instructions>
</crowd-bounding-box></crowd-form>"""

Truth = Mapping[str, tuple[Box, ...]]


@pytest.fixture(scope="module")
def truth(project: Project) -> Truth:
    """The drawn objects of four images, of which each split gets one; the last image is for the human loop."""
    lines = read_manifest(str(project.manifest), project.region, LABEL_ATTRIBUTE).lines
    images = {line.record.source_ref: line.record.boxes for line in lines if line.record and len(line.record.boxes) > 1}
    ones = {split: [image for image in images if SPLIT(image) is split] for split in Split}
    chosen = [*ones[Split.TRAIN][:1], *ones[Split.VALIDATION][:1], *ones[Split.TEST][:1], *ones[Split.TRAIN][1:2]]
    return {image: images[image] for image in chosen}


@pytest.fixture(scope="module")
def team(project: Project) -> dict[str, Any]:
    """A workteam of one person."""
    sagemaker = boto3.client("sagemaker")
    sagemaker.create_workteam(
        WorkteamName="labellers",
        Description="one person",
        MemberDefinitions=[{"OidcMemberDefinition": {"Groups": ["ann"]}}],
    )
    found: dict[str, Any] = sagemaker.describe_workteam(WorkteamName="labellers")["Workteam"]
    return found


def test_people_answer_in_the_browser_and_their_labels_train(
    project: Project,
    truth: Truth,
    browser: Browser,
    groundloop: Groundloop,
    team: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    options = ("--config", str(ROOT / "configs" / "local.yaml"), "--set", f"labeling.workteam={team['WorkteamArn']}")
    *labelled, doubted = truth
    create_job(project.region, team, labelled)
    start_loop(team, doubted, truth[doubted][:-1])
    assert groundloop("labeling", "status", JOB, *options).code == 0
    link = groundloop("labeling", "portal", JOB, *options).out.strip()

    answer_in_the_browser(browser, link, [(JOB_TITLE, [truth[image] for image in labelled])])
    answer_in_the_browser(browser, link, [(FLOW_TITLE, [truth[doubted][-1:]])])

    described = groundloop("labeling", "status", JOB, "--json", *options).json
    assert (described["status"], described["by_people"]) == ("Completed", len(labelled))
    assert groundloop("a2i", "status", FLOW, "--json", *options).json["loops"] == {"Completed": 1}
    labels = groundloop("labeling", "outputs", JOB, "--json", *options).json["manifest"]
    reviewed = groundloop("a2i", "collect", FLOW, "--publish", "--json", *options).json["published"]
    assert boxes_in(labels, JOB) == {image: set(truth[image]) for image in labelled}
    assert boxes_in(reviewed, "bounding-box") == {doubted: set(truth[doubted])}

    prepared = prepare_splits(tmp_path, labels, reviewed)
    assert sum(prepared[split.value]["images"] for split in Split) == len(truth)
    assert sum(prepared[split.value]["boxes"] for split in Split) == sum(map(len, truth.values()))
    assert train(tmp_path / "manifests") == "Completed"


def human_task(team: dict[str, Any], title: str) -> dict[str, Any]:
    return {
        "WorkteamArn": team["WorkteamArn"],
        "TaskTitle": title,
        "TaskDescription": "Draw a box around each part",
        "TaskTimeLimitInSeconds": 600,
    }


def create_job(region: str, team: dict[str, Any], images: list[str]) -> None:
    """Create a labelling job with plain boto3."""
    s3 = boto3.client("s3")
    names = [{"label": name} for name in CLASSES]
    files = {
        "in.manifest": "".join(json.dumps({"source-ref": image}) + "\n" for image in images),
        "categories.json": json.dumps({"document-version": "2018-11-28", "labels": names}),
        "template.liquid.html": TEMPLATE,
    }
    for name, content in files.items():
        s3.put_object(Bucket=BUCKET, Key=f"by-hand/{name}", Body=content.encode())
    consolidation = consolidation_lambda_arn(region, TaskType.BOUNDING_BOX)
    boto3.client("sagemaker").create_labeling_job(
        LabelingJobName=JOB,
        LabelAttributeName=JOB,
        InputConfig={"DataSource": {"S3DataSource": {"ManifestS3Uri": f"s3://{BUCKET}/by-hand/in.manifest"}}},
        OutputConfig={"S3OutputPath": f"s3://{BUCKET}/by-hand/out"},
        RoleArn=ROLE,
        LabelCategoryConfigS3Uri=f"s3://{BUCKET}/by-hand/categories.json",
        HumanTaskConfig={
            **human_task(team, JOB_TITLE),
            "UiConfig": {"UiTemplateS3Uri": f"s3://{BUCKET}/by-hand/template.liquid.html"},
            "PreHumanTaskLambdaArn": pre_lambda_arn(region, TaskType.BOUNDING_BOX),
            "NumberOfHumanWorkersPerDataObject": 1,
            "AnnotationConsolidationConfig": {"AnnotationConsolidationLambdaArn": consolidation},
        },
    )


def start_loop(team: dict[str, Any], image: str, found: tuple[Box, ...]) -> None:
    """Create a flow definition and a human loop with plain boto3; the loop begins with what a model has found."""
    sagemaker = boto3.client("sagemaker")
    ui = sagemaker.create_human_task_ui(HumanTaskUiName=FLOW, UiTemplate={"Content": TEMPLATE})["HumanTaskUiArn"]
    flow = sagemaker.create_flow_definition(
        FlowDefinitionName=FLOW,
        HumanLoopConfig={**human_task(team, FLOW_TITLE), "HumanTaskUiArn": ui, "TaskCount": 1},
        OutputConfig={"S3OutputPath": f"s3://{BUCKET}/by-hand/a2i"},
        RoleArn=ROLE,
    )["FlowDefinitionArn"]
    shown = [
        {"label": box.class_name, "left": box.left, "top": box.top, "width": box.width, "height": box.height}
        for box in found
    ]
    content = {"taskObject": image, "labels": CLASSES, "initialValue": shown}
    boto3.client("sagemaker-a2i-runtime").start_human_loop(
        HumanLoopName=f"{FLOW}-1", FlowDefinitionArn=flow, HumanLoopInput={"InputContent": json.dumps(content)}
    )


def answer_in_the_browser(browser: Browser, link: str, work: list[tuple[str, list[tuple[Box, ...]]]]) -> None:
    """Open tasks by the workteam's page, and draw these boxes with mouse and keys, image by image."""
    with new_context(browser) as context:
        for title, images in work:
            page = context.new_page()
            page.goto(link)
            page.get_by_role("link", name=title).click()
            page.wait_for_selector("body[data-state=ready]")
            person = watched(Reviewing(page, None, link))  # type: ignore[arg-type]
            person.frame()
            for boxes in images:
                for box in boxes:
                    end = box.left + box.width, box.top + box.height
                    person.drag((box.left, box.top), end, steps=1)
                    person.press(str(CLASSES.index(box.class_name) + 1), "Escape")
                person.answer()
            person.saved()
            assert person.problems == []
            assert {urlsplit(url).netloc for url in person.requests} <= {urlsplit(link).netloc}


def boxes_in(manifest: str, attribute: str) -> dict[str, set[Box]]:
    """Return the boxes of a manifest in S3 by image; there is no finding."""
    reader, found = ManifestReader(attribute), {}
    for number, raw in enumerate(read_bytes(boto3.client("s3"), manifest).splitlines(), start=1):
        line = reader.read_line(number, raw)
        assert line.record is not None
        assert line.findings == ()
        found[line.record.source_ref] = set(line.record.boxes)
    return found


def prepare_splits(folder: Path, labels: str, reviewed: str) -> dict[str, Any]:
    """Run Prepare on a manifest and on reviewed labels; return its summary."""
    for kind, uri in (("manifest", labels), ("reviewed-manifest", reviewed)):
        (folder / kind).mkdir()
        (folder / kind / uri.rpartition("/")[2]).write_bytes(read_bytes(boto3.client("s3"), uri))
    places = {"manifest": "manifest", "reviewed-manifest": "reviewed-manifest", "message-file": "message"}
    places |= {f"{name}-output": name for name in ("manifests", "report", "training-data")}
    code = prepare.main(
        [
            *(word for option, name in places.items() for word in (f"--{option}", str(folder / name))),
            *("--manifest-uri", labels, "--reviewed-manifest-uri", reviewed, "--processes", "1"),
            *("--validation-fraction", str(SPLIT.validation_fraction), "--test-fraction", str(SPLIT.test_fraction)),
        ]
    )
    assert code == 0
    found: dict[str, Any] = json.loads((folder / "report" / "summary.json").read_text())
    return found


def train(manifests: Path) -> str:
    """Train on prepared manifests with the built-in algorithm's image for one epoch; return the job's status."""
    s3, sagemaker = boto3.client("s3"), boto3.client("sagemaker")
    channels = []
    for split in ("train", "validation"):
        content = (manifests / f"{split}.manifest").read_bytes()
        s3.put_object(Bucket=BUCKET, Key=f"by-hand/prepared/{split}.manifest", Body=content)
        source = {
            "S3DataType": "AugmentedManifestFile",
            "S3Uri": f"s3://{BUCKET}/by-hand/prepared/{split}.manifest",
            "S3DataDistributionType": "FullyReplicated",
            "AttributeNames": ["source-ref", "bounding-box"],
        }
        channels.append(
            {
                "ChannelName": split,
                "DataSource": {"S3DataSource": source},
                "ContentType": "application/x-recordio",
                "RecordWrapperType": "RecordIO",
            }
        )
    samples = len((manifests / "train.manifest").read_bytes().splitlines())
    hyperparameters = {
        "num_classes": len(CLASSES), "num_training_samples": samples, "mini_batch_size": samples, "epochs": 1,
        "use_pretrained_model": 0,
    }  # fmt: skip
    sagemaker.create_training_job(
        TrainingJobName=JOB,
        AlgorithmSpecification={
            "TrainingImage": "811284229777.dkr.ecr.us-east-1.amazonaws.com/object-detection:1",
            "TrainingInputMode": "Pipe",
        },
        RoleArn=ROLE,
        InputDataConfig=channels,
        OutputDataConfig={"S3OutputPath": f"s3://{BUCKET}/by-hand/models"},
        ResourceConfig={"InstanceType": "ml.g4dn.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 10},
        StoppingCondition={"MaxRuntimeInSeconds": 600},
        HyperParameters={name: str(value) for name, value in hyperparameters.items()},
    )
    until = time.monotonic() + 60
    while (status := sagemaker.describe_training_job(TrainingJobName=JOB)["TrainingJobStatus"]) == "InProgress":
        assert time.monotonic() < until
        time.sleep(0.05)
    return str(status)
