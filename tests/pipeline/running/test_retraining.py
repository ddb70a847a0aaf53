"""Training runs again exactly when the data it reads have changed, however the execution is started."""

from __future__ import annotations

import gzip
import io
import json
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest

from groundloop.local import ImageStandIn, LocalAws
from groundloop.s3 import split_uri
from pipeline.config import load_config
from pipeline.job_archive import job_archive
from pipeline.reviewed_manifest import NO_LABELS, no_labels_key
from pipeline.triggers import desired_triggers
from tests.fixtures.cli import Groundloop

ROOT = Path(__file__).resolve().parents[3]
BUCKET = "groundloop-local"
TRAINER = ROOT / "tests" / "groundloop" / "local" / "stand_in.py"
IMAGES = [f"{n:02}.jpg" for n in range(12)]
REVIEWS = "[{uri: 's3://groundloop-local/reviews/', format: voc, images: 's3://groundloop-local/images/'}]"
SETTINGS = (
    "labels.manifest=s3://groundloop-local/labels/output.manifest",
    f"labels.additional_sources={REVIEWS}",
    "prepare.max_rejected=null",
    "training.hyperparameters.mini_batch_size=1",
    "training.hyperparameters.epochs=1",
    "triggers.schedules={nightly: {at: 'cron(0 3 * * ? *)', parameters: {Epochs: '1'}}}",
)


@pytest.fixture(scope="session")
def image_stand_ins() -> dict[str, ImageStandIn]:
    """A trainer that only counts what it reads."""
    return {r"/object-detection:": ImageStandIn(train=[sys.executable, str(TRAINER), "train", "{opt_ml}"], metrics={})}


Start = Callable[[Groundloop], str]


def put(key: str, content: bytes) -> None:
    boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=content)


def manifest(left: int = 4) -> bytes:
    """Labels of all images, a bolt on each."""
    box = {"class_id": 0, "left": left, "top": 6, "width": 20, "height": 20}
    metadata = {"class-map": {"0": "bolt"}, "type": "groundtruth/object-detection", "objects": [{"confidence": 0}]}
    boxes = {"image_size": [{"width": 64, "height": 48, "depth": 3}], "annotations": [box]}
    lines = (
        {"source-ref": f"s3://{BUCKET}/images/{name}", "boxes": boxes, "boxes-metadata": metadata} for name in IMAGES
    )
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def review(image: str, left: int) -> bytes:
    """Another label of one image, as a PASCAL VOC file, whose pixels count from 1."""
    box = f"<xmin>{left + 1}</xmin><ymin>7</ymin><xmax>{left + 18}</xmax><ymax>25</ymax>"
    return (
        f"<annotation><filename>{image}</filename><size><width>64</width><height>48</height><depth>3</depth></size>"
        f"<object><name>bolt</name><bndbox>{box}</bndbox></object></annotation>"
    ).encode()


def by_command(groundloop: Groundloop) -> str:
    result = groundloop("start", "--json", "--watch")
    events = [json.loads(line) for line in result.out.splitlines()]
    (labels,) = (event["labels"] for event in events if event.get("labels"))
    assert sum(source["used"] for source in labels["sources"]) > 0
    return str(events[0]["execution"])


def by_boto3(_: Groundloop) -> str:
    """Start an execution as Studio does."""
    return str(boto3.client("sagemaker").start_pipeline_execution(PipelineName="groundloop")["PipelineExecutionArn"])


def by_schedule(_: Groundloop) -> str:
    """Start an execution with what the rule gives to EventBridge."""
    (rule,) = (
        trigger
        for trigger in desired_triggers(load_config([ROOT / "configs/local.yaml"], SETTINGS, environment={}))
        if trigger.schedule
    )
    parameters = [{"Name": name, "Value": value} for name, value in rule.parameters.items()]
    started = boto3.client("sagemaker").start_pipeline_execution(
        PipelineName=rule.pipeline, PipelineParameters=parameters
    )
    return str(started["PipelineExecutionArn"])


def ended(arn: str) -> dict[str, dict[str, Any]]:
    """Wait for the end of an execution, which succeeds; returns its steps by name."""
    sagemaker, until = boto3.client("sagemaker"), time.monotonic() + 60
    while sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)["PipelineExecutionStatus"] == "Executing":
        assert time.monotonic() < until, "the execution does not end"
        time.sleep(0.1)
    steps = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn)["PipelineExecutionSteps"]
    assert {step["StepStatus"] for step in steps} == {"Succeeded"}, [step.get("FailureReason") for step in steps]
    return {step["StepName"]: step for step in steps}


def trained_lines(steps: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """The lines that the training job of an execution read."""
    job = steps["Train"]["Metadata"]["TrainingJob"]["Arn"].rpartition("/")[2]
    channel = boto3.client("sagemaker").describe_training_job(TrainingJobName=job)["InputDataConfig"][0]
    bucket, _, key = channel["DataSource"]["S3DataSource"]["S3Uri"].removeprefix("s3://").partition("/")
    return list(map(json.loads, boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read().splitlines()))


def lefts(steps: dict[str, dict[str, Any]]) -> dict[str, int]:
    """The left edge of the box on each image that was trained on."""
    return {
        line["source-ref"].rpartition("/")[2]: line["bounding-box"]["annotations"][0]["left"]
        for line in trained_lines(steps)
    }


def stored() -> dict[str, str]:
    """The training data in S3: ETags by key."""
    listed = boto3.client("s3").list_objects_v2(Bucket=BUCKET, Prefix="groundloop/training-data/")
    return {item["Key"]: item["ETag"] for item in listed["Contents"]}


@pytest.fixture(scope="module")
def first(aws: LocalAws, define: Callable[..., dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The steps of an execution of the first two steps of the pipeline; one image is not uploaded yet."""
    put("labels/output.manifest", manifest())
    put("reviews/00.xml", review("00.jpg", 10))
    for name in IMAGES[:-1]:
        put(f"images/{name}", f"image {name}".encode())
    archive = job_archive("prepare")
    put(archive.key("groundloop"), archive.content)
    put(no_labels_key("groundloop"), NO_LABELS)
    definition = define(*SETTINGS)
    boto3.client("sagemaker").create_pipeline(
        PipelineName="groundloop",
        PipelineDefinition=json.dumps({**definition, "Steps": definition["Steps"][:2]}),
        ClientRequestToken="a" * 32,
        RoleArn=aws.role_arn,
    )
    arn = boto3.client("sagemaker").start_pipeline_execution(PipelineName="groundloop")["PipelineExecutionArn"]
    return ended(arn)


@pytest.mark.parametrize(
    ("key", "content", "start", "expected"),
    [
        pytest.param("reviews/04.xml", review("04.jpg", 12), by_command, ("04.jpg", 12), id="another file"),
        pytest.param("labels/output.manifest", manifest(left=5), by_boto3, ("02.jpg", 5), id="overwritten labels"),
        pytest.param(f"images/{IMAGES[-1]}", b"image", by_schedule, (IMAGES[-1], 5), id="an image uploaded later"),
    ],
)
def test_training_reads_what_changed_behind_a_uri(
    first: Any, groundloop: Groundloop, key: str, content: bytes, start: Start, expected: tuple[str, int]
) -> None:
    put(key, content)
    steps = ended(start(groundloop))
    assert "CacheHitResult" not in steps["Train"]
    assert expected in lefts(steps).items()


@pytest.mark.parametrize("start", [by_command, by_schedule])  # by_boto3: in the champion's test below
def test_training_comes_from_the_cache_when_nothing_changed_that_it_reads(
    first: Any, groundloop: Groundloop, start: Start
) -> None:
    before = stored()
    put(f"reviews/{start.__name__}.xml", review(f"no-such-image-{start.__name__}.jpg", 3))
    steps = ended(start(groundloop))
    assert "CacheHitResult" in steps["Train"]
    assert "CacheHitResult" not in steps["Prepare"]
    assert stored() == before


def test_a_person_gives_reviewed_labels_to_the_next_execution(first: Any) -> None:
    put("images/doubtful.jpg", b"image")
    (line,) = (json.loads(line) for line in manifest().splitlines() if b"/02.jpg" in line)
    reviewed = [
        {**line, "boxes": {**line["boxes"], "annotations": [{**line["boxes"]["annotations"][0], "left": 33}]}},
        {**line, "source-ref": f"s3://{BUCKET}/images/doubtful.jpg", "groundloop-review": {"split": "train"}},
    ]
    put("groundloop/reviews/1f.manifest", "\n".join(map(json.dumps, reviewed)).encode())
    arn = boto3.client("sagemaker").start_pipeline_execution(
        PipelineName="groundloop",
        PipelineParameters=[
            {"Name": "ReviewedManifest", "Value": "s3://groundloop-local/groundloop/reviews/1f.manifest"}
        ],
    )["PipelineExecutionArn"]
    trained = lefts(ended(arn))
    assert trained["doubtful.jpg"] == line["boxes"]["annotations"][0]["left"]
    assert trained["02.jpg"] == 33


def test_training_starts_from_the_champion_of_the_day(first: Any, aws: LocalAws, define: Callable[..., Any]) -> None:
    sagemaker = boto3.client("sagemaker")
    sagemaker.create_model_package_group(ModelPackageGroupName="bolts")
    definition = define(*SETTINGS, "training.start_from=champion", "registry.group=bolts")
    sagemaker.create_pipeline(
        PipelineName="incremental",
        PipelineDefinition=json.dumps({**definition, "Steps": definition["Steps"][:2]}),
        ClientRequestToken="b" * 32,
        RoleArn=aws.role_arn,
    )

    def run() -> dict[str, dict[str, Any]]:
        return ended(sagemaker.start_pipeline_execution(PipelineName="incremental")["PipelineExecutionArn"])

    approve(1)
    steps = run()
    job = steps["Train"]["Metadata"]["TrainingJob"]["Arn"].rpartition("/")[2]
    described = sagemaker.describe_training_job(TrainingJobName=job)
    (model,) = (item for item in described["InputDataConfig"] if item["ChannelName"] == "model")
    bucket, key = split_uri(model["DataSource"]["S3DataSource"]["S3Uri"])
    assert boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read() == packed_model(1)
    bucket, key = split_uri(described["ModelArtifacts"]["S3ModelArtifacts"])
    artifact = io.BytesIO(boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())
    with tarfile.open(fileobj=artifact, mode="r:gz") as tar:
        files = {item.name.rpartition("/")[2]: tar.extractfile(item) for item in tar if item.isfile()}
        content = files["seen.json"]
        assert content is not None
        assert json.load(content)["seen"]["model"][0][0].startswith("model.tar.gz=")
    assert "CacheHitResult" in run()["Train"]
    approve(2)
    assert "CacheHitResult" not in run()["Train"]


def approve(number: int) -> None:
    """Register an approved version, trained on bolts."""
    put(f"models/{number}.tar.gz", packed_model(number))
    put("models/summary.json", b'{"classes": ["bolt"]}')
    boto3.client("sagemaker").create_model_package(
        ModelPackageGroupName="bolts",
        ModelApprovalStatus="Approved",
        InferenceSpecification={
            "Containers": [
                {
                    "Image": "811284229777.dkr.ecr.us-east-1.amazonaws.com/object-detection:1",
                    "ModelDataUrl": f"s3://{BUCKET}/models/{number}.tar.gz",
                }
            ],
            "SupportedContentTypes": ["image/jpeg"],
        },
        CustomerMetadataProperties={"summary": f"s3://{BUCKET}/models/summary.json"},
    )


def packed_model(number: int) -> bytes:
    """The archive of a model."""
    content = json.dumps({"base_network": "vgg-16", "num_classes": "1", "number": str(number)}).encode()
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:") as tar:
        member = tarfile.TarInfo("hyperparams.json")
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    return gzip.compress(stream.getvalue(), mtime=0)
