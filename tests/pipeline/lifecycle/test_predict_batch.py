"""Batch predictions on the offline AWS: by the command, and by the pipeline that a schedule starts."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from PIL import Image

from groundloop.batch.transform import JOB_PREFIX
from pipeline.cli import predict_batch
from tests.fixtures.cli import Groundloop

pytestmark = pytest.mark.usefixtures("models_here")

ANSWER = json.dumps({"prediction": [[0, 0.9, 0.25, 0.5, 0.75, 1.0], [0, 0.2, 0, 0, 1, 1]]})


def jpeg(width: int = 40, height: int = 20) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (width, height), "grey").save(stream, "JPEG")
    return stream.getvalue()


@pytest.fixture
def photos(project: Any) -> str:
    """S3 prefix of two images, in different folders."""
    project.put("photos/a.jpg", jpeg())
    project.put("photos/sub/b.jpg", jpeg(80, 40))
    return f"s3://groundloop-local/{project.name}/photos"


def models(name: str) -> list[str]:
    return [item["ModelName"] for item in boto3.client("sagemaker").list_models(NameContains=name)["Models"]]


def jobs() -> set[str]:
    listed = boto3.client("sagemaker").list_transform_jobs(NameContains=JOB_PREFIX, MaxResults=100)
    return {item["TransformJobName"] for item in listed["TransformJobSummaries"]}


def test_the_champion_predicts_a_prefix_and_the_job_can_be_picked_up_again(
    project: Any, groundloop: Groundloop, photos: str, tmp_path: Path
) -> None:
    arn = project.register(status="Approved", answer=ANSWER)
    project.register(answer=ANSWER)
    project.put("photos/notes.txt", b"x")
    before, output = jobs(), tmp_path / "found.jsonl"
    ran = groundloop("predict", "--batch", photos, "-o", str(output))
    assert ran.code == 0, ran.err
    (name,) = jobs() - before
    assert f"groundloop predict --batch --job {name}" in ran.err, "how to continue is said at the start"
    assert "1 files are left out" in ran.err
    assert "2 objects on 2 images" in ran.out
    lines = [json.loads(line) for line in output.read_text().splitlines()]
    assert [(line["image"], line["width"], line["height"], line["model"]) for line in lines] == [
        (f"{photos}/a.jpg", 40, 20, arn),
        (f"{photos}/sub/b.jpg", 80, 40, arn),
    ]
    assert lines[1]["detections"] == [{"class": "bolt", "score": 0.9, "box": [20, 20, 60, 40]}]
    assert models(JOB_PREFIX) == []
    again = groundloop(
        "predict", "--batch", "--job", name, "--format", "coco", "-o", str(tmp_path / "c.json"), "--json"
    )
    assert again.json == {
        "job": name,
        "version": 1,
        "images": 2,
        "counts": {"bolt": 2},
        "skipped": [],
        "output": [str(tmp_path / "c.json"), str(tmp_path / "c.images.json")],
    }
    assert jobs() - before == {name}


def test_outputs_of_the_job_are_read_as_captured_requests(
    project: Any, groundloop: Groundloop, photos: str, tmp_path: Path
) -> None:
    from groundloop.detections.captures.files import capture_files
    from groundloop.detections.captures.requests import CaptureReader

    project.register(status="Approved", answer=ANSWER)
    before = jobs()
    assert groundloop("predict", "--batch", photos, "-o", str(tmp_path / "found.jsonl")).code == 0
    (name,) = jobs() - before
    place = f"s3://{project.config.aws.bucket}/{project.config.aws.prefix}/batch/{name}"
    reader = CaptureReader(capture_files(place, project.config.aws.region))
    requests = {Path(request.file).name: request for request in reader.requests()}
    assert reader.findings == []
    found = {file: request.detections(["bolt"]) for file, request in requests.items()}
    assert {file: len(detections or ()) for file, detections in found.items()} == {"a.jpg.out": 2, "b.jpg.out": 2}
    assert requests["a.jpg.out"].image == jpeg(40, 20)
    (group,) = groundloop("captures", "list", "--captured", place, "--json").json["groups"]
    assert (group["requests"], group["responses"], group["sizes"]) == (2, 2, {"40x20": 1, "80x40": 1})


def test_an_image_that_would_fail_the_job_is_skipped_and_the_exit_code_says_so(
    project: Any, groundloop: Groundloop, photos: str, tmp_path: Path
) -> None:
    project.register(answer=ANSWER)
    project.put("photos/cut.jpg", jpeg(400, 400)[:-400])
    ran = groundloop("predict", "--batch", photos, "--version", "1", "--threshold", "0.1", "-o", str(tmp_path / "o"))
    assert ran.code == 1
    assert f"{photos}/cut.jpg is skipped: the image cannot be decoded" in ran.err
    assert "4 objects on 2 images; 1 skipped" in ran.out


def test_an_interrupted_wait_says_how_to_continue(
    project: Any, groundloop: Groundloop, photos: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    project.register(status="Approved", answer=ANSWER)
    output, before = tmp_path / "found.csv", jobs()
    with monkeypatch.context() as patch:
        patch.setattr(predict_batch, "wait_for", interrupted)
        ran = groundloop("predict", "--batch", photos, "-o", str(output), "--format", "csv")
    (name,) = jobs() - before
    assert ran.code == 130
    assert ran.err.splitlines()[-1].startswith(
        f"warning: the transform job goes on; continue with: groundloop predict --batch --job {name} --output {output}"
    )
    assert not output.exists()
    assert groundloop("predict", "--batch", "--job", name, "--output", str(output), "--format", "csv").code == 0
    assert len(output.read_text().splitlines()) == 3


def test_a_job_that_fails_says_why(project: Any, groundloop: Groundloop, photos: str) -> None:
    project.register(status="Approved", broken=True)
    ran = groundloop("predict", "--batch", photos)
    assert ran.code == 1
    assert "failed: " in ran.error
    assert models(JOB_PREFIX) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["--batch", "--job", "y"], "there is no transform job 'y'", id="unknown job"),
        pytest.param(["--batch", "s3://groundloop-local/x"], "is approved: approve one", id="no champion"),
        pytest.param(["--batch", "photos"], "'photos' is not an S3 URI", id="a folder"),
    ],
)
def test_what_cannot_be_predicted_is_refused(
    project: Any, groundloop: Groundloop, arguments: list[str], message: str
) -> None:
    if "photos" in arguments:
        project.register(status="Approved")
    ran = groundloop("predict", *arguments)
    assert (ran.code, message in ran.error) == (1, True), ran.err


def test_the_pipeline_writes_every_format(
    project: Any, groundloop: Groundloop, photos: str, tmp_path: Path, run_here: Callable[..., None]
) -> None:
    from pipeline.compiled import compiled_definition
    from pipeline.job_archive import job_archive
    from steps.collect import job as collect
    from steps.select import job as select

    run_here(select=select.main, collect=collect.main)

    arn = project.register(status="Approved", answer=ANSWER)
    project.put("photos/empty.png", b"")
    project.put("photos/broken.png", b"x")
    given = project.changed(f"predict.input={photos}", f"predict.output=s3://groundloop-local/{project.name}/results")
    sagemaker, name = boto3.client("sagemaker"), given.config.pipeline.predict_name
    for archive in (job_archive("select"), job_archive("collect")):
        key = archive.key(given.config.aws.prefix)
        boto3.client("s3").put_object(Bucket="groundloop-local", Key=key, Body=archive.content)
    definition = compiled_definition(given.config, "predict")
    sagemaker.create_pipeline(PipelineName=name, PipelineDefinition=definition, RoleArn=given.config.aws.role)
    execution = sagemaker.start_pipeline_execution(PipelineName=name)["PipelineExecutionArn"]
    until = time.monotonic() + 60
    while (
        sagemaker.describe_pipeline_execution(PipelineExecutionArn=execution)["PipelineExecutionStatus"] == "Executing"
    ):
        assert time.monotonic() < until, "the execution does not end"
        time.sleep(0.1)
    steps = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=execution)["PipelineExecutionSteps"]
    assert {step["StepName"]: step.get("FailureReason") for step in steps} == dict.fromkeys(
        ["Select", "CreateModel", "Predict", "Collect"]
    )
    s3, prefix = boto3.client("s3"), f"{project.name}/results/{execution.rsplit('/', 1)[-1]}/"
    written = {
        item["Key"].removeprefix(prefix): s3.get_object(Bucket="groundloop-local", Key=item["Key"])["Body"].read()
        for item in s3.list_objects_v2(Bucket="groundloop-local", Prefix=prefix)["Contents"]
    }
    assert sorted(written) == [
        "predictions.coco.images.json",
        "predictions.coco.json",
        "predictions.csv",
        "predictions.jsonl",
        "predictions.manifest",
        "summary.json",
    ]
    summary = json.loads(written["summary.json"])
    assert (summary["model_package"], summary["images"], summary["objects"]) == (arn, 2, {"bolt": 2})
    assert [image["image"] for image in summary["skipped"]] == [f"{photos}/broken.png"]
    assert [json.loads(line)["image"] for line in written["predictions.jsonl"].splitlines()] == [
        f"{photos}/a.jpg",
        f"{photos}/sub/b.jpg",
    ]
    (job,) = (step["Metadata"]["TransformJob"]["Arn"] for step in steps if step["StepName"] == "Predict")
    picked = groundloop("predict", "--batch", "--job", job.rpartition("/")[2], "-o", str(tmp_path / "again.jsonl"))
    assert picked.code == 1, "an image is skipped"
    assert (tmp_path / "again.jsonl").read_bytes() == written["predictions.jsonl"]
    assert len(models(execution.rpartition("/")[2])) == 1, "the model of an execution stays"
