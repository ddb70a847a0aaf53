"""A labelling job and a human loop made by plain boto3, worked on in the browser, and labels that train.

On the offline AWS of the other flows, whose worker portal is the review page.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import boto3
import pytest

from groundloop.spec.labeling_jobs import TaskType, consolidation_lambda_arn, pre_lambda_arn
from steps.prepare import job as prepare
from tests.e2e.conftest import BUCKET, Project
from tests.fixtures.cli import Groundloop
from tests.groundloop.review.page.conftest import Reviewing

ROOT = Path(__file__).resolve().parents[2]
ROLE = "arn:aws:iam::123456789012:role/groundloop-local"
JOB, FLOW = "drawn-by-hand", "doubted"
JOB_TITLE, FLOW_TITLE = "Mark all parts", "Correct the boxes"
LABELLED = 5
TEMPLATE = """<script src="https://assets.crowd.aws/crowd-html-elements.js"></script>
<crowd-form><crowd-bounding-box name="boundingBox" header="Mark all parts"
  src="{{ task.input.taskObject | grant_read_access }}" labels="{{ task.input.labels | to_json | escape }}"
  initial-value="{{ task.input.initialValue | to_json | escape }}">
  <full-instructions header="How">Draw tight boxes.</full-instructions>
  <short-instructions>Draw tight boxes.</short-instructions>
</crowd-bounding-box></crowd-form>"""
BOXES = [(20, 30, 90, 110), (120, 40, 200, 90)]


@pytest.fixture(scope="module")
def images(project: Project) -> list[str]:
    """URIs of the images of the data set; its first ones are labelled here."""
    listed = boto3.client("s3").list_objects_v2(Bucket=BUCKET, Prefix="images/")["Contents"]
    return [f"s3://{BUCKET}/{item['Key']}" for item in listed]


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
    names = [{"label": "bolt"}, {"label": "nut"}]
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


def start_loop(team: dict[str, Any], image: str) -> None:
    """Create a flow definition and a human loop with plain boto3; the loop begins with a box."""
    sagemaker = boto3.client("sagemaker")
    ui = sagemaker.create_human_task_ui(HumanTaskUiName=FLOW, UiTemplate={"Content": TEMPLATE})["HumanTaskUiArn"]
    flow = sagemaker.create_flow_definition(
        FlowDefinitionName=FLOW,
        HumanLoopConfig={**human_task(team, FLOW_TITLE), "HumanTaskUiArn": ui, "TaskCount": 1},
        OutputConfig={"S3OutputPath": f"s3://{BUCKET}/by-hand/a2i"},
        RoleArn=ROLE,
    )["FlowDefinitionArn"]
    shown = {"label": "nut", "left": 10, "top": 20, "width": 60, "height": 50}
    content = {"taskObject": image, "labels": ["bolt", "nut"], "initialValue": [shown]}
    boto3.client("sagemaker-a2i-runtime").start_human_loop(
        HumanLoopName=f"{FLOW}-1", FlowDefinitionArn=flow, HumanLoopInput={"InputContent": json.dumps(content)}
    )


def train(project: Project, manifests: Path) -> str:
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
                "CompressionType": "None",
            }
        )
    samples = len((manifests / "train.manifest").read_bytes().splitlines())
    hyperparameters = {
        "num_classes": 2, "num_training_samples": samples, "epochs": 1, "mini_batch_size": 2,
        "use_pretrained_model": 0, "image_shape": 300,
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
    while (status := sagemaker.describe_training_job(TrainingJobName=JOB)["TrainingJobStatus"]) == "InProgress":
        time.sleep(0.1)
    return str(status)


def test_people_answer_in_the_browser_and_their_labels_train(
    project: Project,
    browser: Any,
    groundloop: Groundloop,
    team: dict[str, Any],
    images: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from tests.fixtures.browser import new_context

    monkeypatch.chdir(tmp_path)
    options = ("--config", str(ROOT / "configs" / "local.yaml"), "--set", f"labeling.workteam={team['WorkteamArn']}")
    create_job(project.region, team, images[:LABELLED])
    start_loop(team, images[LABELLED])
    assert groundloop("labeling", "status", JOB, *options).code == 0
    link = groundloop("labeling", "portal", JOB, *options).out.strip()

    with new_context(browser) as context:
        page = context.new_page()
        for title, count in ((JOB_TITLE, LABELLED), (FLOW_TITLE, 1)):
            page.goto(link)
            page.get_by_role("link", name=title).click()
            page.wait_for_selector("body[data-state=ready]")
            person: Any = Reviewing(page, None, link)  # type: ignore[arg-type]
            person.frame()
            for number in range(count):
                left, top, right, bottom = BOXES[number % 2]
                person.drag((left, top), (right, bottom), steps=1)
                person.press(str(number % 2 + 1), "Escape")
                person.answer()
            person.saved()

    described = groundloop("labeling", "status", JOB, "--json", *options).json
    assert (described["status"], described["labelled"]) == ("Completed", LABELLED)
    assert groundloop("a2i", "status", FLOW, "--json", *options).json["loops"] == {"Completed": 1}

    labels = groundloop("labeling", "outputs", JOB, "--json", *options).json
    reviewed = groundloop("a2i", "collect", FLOW, "--publish", "--json", *options).json
    assert (labels["labelled"], labels["boxes"], labels["classes"]) == (LABELLED, LABELLED, ["bolt", "nut"])
    assert (reviewed["labels"], reviewed["boxes"]) == (1, 2)

    folders = {}
    for kind, uri in (("manifest", labels["manifest"]), ("reviewed-manifest", reviewed["published"])):
        folders[kind] = tmp_path / kind
        folders[kind].mkdir()
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        boto3.client("s3").download_file(bucket, key, str(folders[kind] / key.rpartition("/")[2]))
    outputs = {name: str(tmp_path / name) for name in ("manifests", "report", "training-data")}
    code = prepare.main(
        [
            *(word for kind, folder in folders.items() for word in (f"--{kind}", str(folder))),
            *("--manifest-uri", labels["manifest"], "--reviewed-manifest-uri", reviewed["published"]),
            # A seed with which each split gets an image.
            *("--validation-fraction", "0.3", "--test-fraction", "0.3", "--split-seed", "6", "--processes", "1"),
            *(word for name, folder in outputs.items() for word in (f"--{name}-output", folder)),
            *("--message-file", str(tmp_path / "message")),
        ]
    )
    assert code == 0
    summary = json.loads((tmp_path / "report" / "summary.json").read_text())
    assert sum(summary[split]["images"] for split in ("train", "validation", "test")) == LABELLED + 1
    assert sum(summary[split]["boxes"] for split in ("train", "validation", "test")) == LABELLED + 2
    assert train(project, tmp_path / "manifests") == "Completed"
