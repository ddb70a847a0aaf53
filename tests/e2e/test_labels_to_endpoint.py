"""The whole loop on the offline AWS: once driven by plain boto3, then by the command line on what that left behind."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pytest

from groundloop.metric_paths import metric_paths
from pipeline.doctor import container_images
from pipeline.doctor.role_policy import statements
from tests.e2e.conftest import BUCKET, ROOT, SETTINGS
from tests.fixtures.cli import Groundloop
from tests.fixtures.recorded_calls import CallRecorder, covered, covered_by_chance, recording
from tests.fixtures.run_record import RunRecord
from tests.pipeline.doctor.test_role_coverage import READS_REGISTRY

STEPS = [
    "Prepare", "Train", "CreateModel", "Predict", "Evaluate",
    "QualityGate", "Register", "DeployGate", "EndpointConfig", "Endpoint",
]  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def job_calls(project: Any) -> Iterator[CallRecorder]:
    """The calls of all jobs of this module's executions."""
    with recording(project.config.aws.role.split(":")[4], project.region) as recorder:
        yield recorder


@pytest.fixture(scope="module")
def execution(project: Any) -> str:
    """ARN of an execution that plain boto3 made: uploaded code, created pipeline, started, waited for."""
    from pipeline.compiled import compiled_definition
    from pipeline.job_archive import job_archive
    from pipeline.reviewed_manifest import NO_LABELS, no_labels_key

    config = project.config
    s3, sagemaker = boto3.client("s3"), boto3.client("sagemaker")
    for name in ("prepare", "evaluate"):
        archive = job_archive(name)
        s3.put_object(Bucket=config.aws.bucket, Key=archive.key(config.aws.prefix), Body=archive.content)
    s3.put_object(Bucket=config.aws.bucket, Key=no_labels_key(config.aws.prefix), Body=NO_LABELS)
    sagemaker.create_pipeline(
        PipelineName=config.pipeline.name,
        PipelineDefinition=compiled_definition(config, "training"),
        ClientRequestToken="a" * 32,
        RoleArn=config.aws.role,
    )
    arn = sagemaker.start_pipeline_execution(PipelineName=config.pipeline.name)["PipelineExecutionArn"]
    until = time.monotonic() + 120
    while sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)["PipelineExecutionStatus"] == "Executing":
        assert time.monotonic() < until, "the execution does not end"
        time.sleep(0.2)
    return str(arn)


def steps_of(arn: str) -> dict[str, dict[str, Any]]:
    pages = boto3.client("sagemaker").get_paginator("list_pipeline_execution_steps")
    found = [step for page in pages.paginate(PipelineExecutionArn=arn) for step in page["PipelineExecutionSteps"]]
    return {step["StepName"]: step for step in found}


def package_of(arn: str) -> dict[str, Any]:
    package = steps_of(arn)["Register"]["Metadata"]["RegisterModel"]["Arn"]
    described: dict[str, Any] = boto3.client("sagemaker").describe_model_package(ModelPackageName=package)
    return described


def read(uri: str) -> bytes:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    content: bytes = boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    return content


def test_boto3_sees_every_step_succeed(execution: str) -> None:
    described = boto3.client("sagemaker").describe_pipeline_execution(PipelineExecutionArn=execution)
    steps = steps_of(execution)
    failures = {name: step.get("FailureReason") for name, step in steps.items() if step["StepStatus"] != "Succeeded"}
    assert described["PipelineExecutionStatus"] == "Succeeded", described.get("FailureReason")
    assert failures == {}
    assert sorted(steps) == sorted(STEPS)
    assert steps["Train"]["StepDisplayName"] == "Train detector"


def test_the_package_carries_its_evaluation(execution: str) -> None:
    package = package_of(execution)
    assert package["ModelApprovalStatus"] == "Approved"
    metadata = package["CustomerMetadataProperties"]
    assert metadata["execution"] == execution
    assert package["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"] == metadata["evaluation"]
    evaluation = json.loads(read(metadata["evaluation"]))
    assert evaluation["classes"] == ["bolt", "nut", "washer"]
    assert evaluation["map_50"] >= 0.2
    assert evaluation["gate"]["thresholds_missed"] == 0
    (of_all,) = evaluation["slices"]["bounding-box-metadata.human-annotated"].values()
    assert of_all["images"] == evaluation["images"]["test"]
    assert of_all["map_50"] == evaluation["map_50"]


def test_prepare_kept_every_line(execution: str) -> None:
    metadata = package_of(execution)["CustomerMetadataProperties"]
    summary = json.loads(read(metadata["summary"]))
    rejected = [
        json.loads(line) for line in read(metadata["summary"].replace("summary.json", "rejected.jsonl")).splitlines()
    ]
    assert summary["lines"]["read"] == 114, "110 synthetic images and four faulty lines"
    assert summary["lines"]["rejected"] == 3
    assert summary["lines"]["failed"] == 1
    assert len(rejected) == 4
    used = sum(summary[split]["images"] for split in ("train", "validation", "test"))
    assert used + summary["negatives_dropped"] == 110


def test_training_got_its_figures_from_prepare(execution: str) -> None:
    metadata = package_of(execution)["CustomerMetadataProperties"]
    derived = json.loads(read(metadata["summary"]))["training"]
    job = steps_of(execution)["Train"]["Metadata"]["TrainingJob"]["Arn"].rsplit("/", 1)[-1]
    training = boto3.client("sagemaker").describe_training_job(TrainingJobName=job)
    assert derived.items() <= training["HyperParameters"].items()
    metrics = {metric["MetricName"]: metric["Value"] for metric in training["FinalMetricDataList"]}
    assert metrics["validation:mAP"] > 0.2


def test_the_execution_is_logged_as_one_run_however_often(
    execution: str, settings: list[str], groundloop: Groundloop, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = RunRecord()
    monkeypatch.setattr("groundloop.tracking.mlflow_store.MlflowStore", lambda uri: record)
    options = ["-c", str(ROOT / "configs" / "local.yaml"), *(text for item in settings for text in ("-s", item))]
    first = groundloop("track", "--all", "--to", "sqlite:///mlflow.db", "--json", *options)
    assert first.code == 0, first.err
    assert [(logged["execution"], logged["created"]) for logged in first.json["runs"]] == [(execution, True)]
    (run,) = record.runs.values()
    assert (run.name, run.status, list(record.experiments)) == (execution[-12:], "FINISHED", ["groundloop"])
    package = package_of(execution)
    evaluation = json.loads(read(package["CustomerMetadataProperties"]["evaluation"]))
    logged = {metric.name: metric.value for metric in run.metrics if metric.step == 0}
    expected = {"/".join(path): value for path, value in metric_paths(evaluation) if value is not None}
    assert logged == {path if "/" in path else f"test/{path}": value for path, value in expected.items()}
    assert {metric.step for metric in run.metrics if metric.name == "validation/mAP"} == set(range(1, 9))
    assert run.tags["groundloop.package"] == package["ModelPackageArn"]
    assert run.tags["groundloop.gate"] == "passed"
    assert run.params["epochs"] == run.params["parameter.Epochs"] == "8"
    assert run.params["data.classes"] == "bolt, nut, washer"
    assert re.fullmatch("[0-9a-f]{64}", run.params["code.evaluate"])
    assert set(run.files) == {"evaluation.json", "report.html", "results.csv", "summary.json", "pipeline.json"}

    record.writes.clear()
    again = groundloop("track", execution[-12:], "--to", "sqlite:///mlflow.db", *options)
    assert again.out == f"{execution[-12:]}: up to date (run run-0)\n"
    assert record.writes == []


def test_the_endpoint_answers_a_jpeg(execution: str, project: Any) -> None:
    assert execution
    status = boto3.client("sagemaker").describe_endpoint(EndpointName="groundloop")["EndpointStatus"]
    image = (project.data / "images" / "image-0000.jpg").read_bytes()
    answer = boto3.client("sagemaker-runtime").invoke_endpoint(
        EndpointName="groundloop", ContentType="image/jpeg", Body=image
    )
    rows = json.loads(answer["Body"].read())["prediction"]
    assert status == "InService"
    assert rows
    for class_id, score, xmin, ymin, xmax, ymax in rows:
        assert class_id in {0.0, 1.0, 2.0}
        assert 0 <= score <= 1
        assert 0 <= xmin <= xmax <= 1
        assert 0 <= ymin <= ymax <= 1


def test_the_endpoint_is_tested_under_load(
    execution: str, settings: list[str], groundloop: Groundloop, tmp_path: Path
) -> None:
    version = package_of(execution)["ModelPackageVersion"]
    options = ["-c", str(ROOT / "configs" / "local.yaml"), *(text for item in settings for text in ("-s", item))]
    result = groundloop("endpoint", "test", "--concurrency", "1,3", "--requests", "4", "--json", *options)
    assert result.code == 0, result.err
    assert re.match(r"9 requests of \d+ KiB go to groundloop, real-time: its instances are billed by", result.err)
    assert (result.json["kind"], result.json["version"]) == ("real-time", version)
    assert [(level["requests"], level["failed"]) for level in result.json["levels"]] == [(4, 0), (4, 0)]
    table = groundloop("endpoint", "test", "--concurrency", "2", "--requests", "2", *options).out.splitlines()
    assert table[0].startswith("3 requests of ")
    assert re.match(r"2 +2 +\d+\.\d +\d+\.\d +\d+\.\d +\d+\.\d +0 +0$", table[-1].strip())
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no image")
    refused = groundloop("endpoint", "test", "--image", str(broken), *options)
    assert (refused.code, len(refused.error.splitlines())) == (1, 1)
    wrong = groundloop("endpoint", "test", "--concurrency", "0", *options)
    assert "numbers from 1 to 200 are needed" in wrong.error


def test_the_exported_model_answers_as_the_endpoint(
    execution: str, project: Any, settings: list[str], groundloop: Groundloop, tmp_path: Path
) -> None:
    pytest.importorskip("onnx", reason="the export extra is not installed")
    from groundloop.detections.endpoint import EndpointClient
    from groundloop.portable.onnx_detector import OnnxDetector

    package, path = package_of(execution), tmp_path / "detector.onnx"
    options = ["-c", str(ROOT / "configs" / "local.yaml"), *(text for item in settings for text in ("-s", item))]
    exported = groundloop("export-model", str(package["ModelPackageVersion"]), "-o", str(path), "--json", *options).json
    assert exported["model_package"] == package["ModelPackageArn"]
    assert exported["classes"] == ["bolt", "nut", "washer"]
    assert exported["thresholds"].keys() == {"bolt", "nut", "washer"}
    detector = OnnxDetector(path, threads=1)
    endpoint = EndpointClient(boto3.client("sagemaker-runtime"), "groundloop", detector.classes)
    for number in range(3):
        image = (project.data / "images" / f"image-{number:04}.jpg").read_bytes()
        expected, found = endpoint.detect(image), detector.detect(image)
        assert len(expected) > 0
        assert found.names == expected.names
        np.testing.assert_allclose(found.confidence, expected.confidence, atol=1e-4)
        np.testing.assert_allclose(found.xyxyn, expected.xyxyn, atol=1e-4)


def test_the_quantized_model_is_nearly_as_good(
    execution: str, settings: list[str], groundloop: Groundloop, tmp_path: Path
) -> None:
    pytest.importorskip("onnx", reason="the export extra is not installed")
    version, path = str(package_of(execution)["ModelPackageVersion"]), tmp_path / "int8.onnx"
    options = ["-c", str(ROOT / "configs" / "local.yaml"), *(text for item in settings for text in ("-s", item))]
    result = groundloop("export-model", version, "-o", str(path), "--quantize", "int8", "--json", *options)
    assert result.code == 0, result.err
    measured = result.json["quantized"]
    assert measured["before"]["map"] > 0.1, "the comparison must not be about nothing"
    assert measured["after"]["map"] >= measured["before"]["map"] - 0.02


def test_the_model_finds_the_objects_of_images_it_never_saw(execution: str) -> None:
    """Scores the endpoint itself, apart from the pipeline's own evaluation."""
    from groundloop.detections.endpoint import EndpointClient

    metadata = package_of(execution)["CustomerMetadataProperties"]
    evaluation = json.loads(read(metadata["evaluation"]))
    lines = [json.loads(line) for line in read(metadata["test_manifest"]).splitlines()]
    client = EndpointClient(boto3.client("sagemaker-runtime"), "groundloop", evaluation["classes"])
    true = [len(line["bounding-box"]["annotations"]) for line in lines]
    counted = [len(client.detect(read(line["source-ref"])).filter(evaluation["threshold"])) for line in lines]
    off = sum(abs(a - b) for a, b in zip(true, counted, strict=True)) / len(lines)
    assert off < sum(true) / len(lines), "better than seeing nothing anywhere"


def test_upsert_takes_over_the_pipeline(
    execution: str, project: Any, settings: list[str], groundloop: Callable[..., Any]
) -> None:
    assert execution
    ran = groundloop("upsert", "-v", "-c", "configs/local.yaml", *(f"--set={setting}" for setting in settings))
    assert ran.code == 0, ran.err
    assert "updated groundloop\n" in ran.out
    assert "created groundloop-deploy\n" in ran.out
    assert "arn:aws:sagemaker:us-east-1:123456789012:pipeline/groundloop" in ran.out
    assert re.search(r"MinMap50 +Float +0\.2\b", ran.out)
    again = groundloop("upsert", "-c", "configs/local.yaml", *(f"--set={setting}" for setting in settings))
    assert "created" not in again.out, "the second time nothing is new"


def test_a_gate_that_is_missed_fails_with_the_figures(
    execution: str, project: Any, groundloop: Callable[..., Any]
) -> None:
    """What did not change comes from the cache, so the training isn't paid for twice."""
    assert execution
    ran = groundloop("start", "-c", "configs/local.yaml", "-p", "MinMap50=0.9999", "--watch")
    assert ran.code == 1
    lines = {line.split()[1]: line for line in ran.out.splitlines() if line[2:3] == ":" and "Executing" not in line}
    assert "from cache" not in lines["Prepare"], "labels may have changed behind their URI"
    assert "from cache" in lines["Train"]
    assert "from cache" not in lines["Evaluate"], "the threshold is an argument of it"
    assert "Failed" in lines["GateMissed"]
    assert "Register" not in lines
    assert "error: GateMissed failed: The quality gate was missed: " in ran.err
    assert "map_50 is 0." in ran.err
    assert "under its threshold 0.9999" in ran.err


def test_the_package_carries_figures_and_a_card_for_who_approves_it(execution: str) -> None:
    package = package_of(execution)
    metadata = package["CustomerMetadataProperties"]
    evaluation = json.loads(read(metadata["evaluation"]))
    assert metadata["map_50"] == f"{evaluation['map_50']:.4f}"
    assert metadata["classes"] == "bolt/nut/washer"
    assert metadata["data_fingerprint"] == json.loads(read(metadata["summary"]))["fingerprint"]
    card = json.loads(package["ModelCard"]["ModelCardContent"])
    assert {"intended_uses", "training_details", "evaluation_details"} <= card.keys()
    assert evaluation["champion"] == {
        "package": None,
        "message": "no champion yet: groundloop has no approved version to compare with",
    }


def test_the_report_lies_beside_the_figures(execution: str) -> None:
    folder = package_of(execution)["CustomerMetadataProperties"]["evaluation"].rpartition("/")[0]
    report = read(f"{folder}/report.html").decode()
    assert "Made on an offline AWS" in report
    assert report.count("data:image/jpeg") > 0, "the worst images are in it"


@pytest.mark.parametrize(
    ("gain", "code", "message"),
    [
        pytest.param("0", 0, "compared with version", id="as good as the champion"),
        pytest.param("0.5", 1, "under the required improvement of 0.5", id="not better by what was asked"),
    ],
)
def test_a_second_execution_is_compared_with_the_champion(
    execution: str,
    project: Any,
    settings: list[str],
    groundloop: Callable[..., Any],
    gain: str,
    code: int,
    message: str,
) -> None:
    """The same model again, trained by nobody: its training comes from the cache, the comparison does not."""
    champion = package_of(execution)["ModelPackageArn"]
    sets = [f"--set={setting}" for setting in (*settings, f"gate.min_improvement_over_champion={{map_50: {gain}}}")]
    assert groundloop("upsert", "-c", "configs/local.yaml", *sets).code == 0
    ran = groundloop("start", "-c", "configs/local.yaml", "--watch")
    assert ran.code == code, ran.err
    assert "from cache" in next(line for line in ran.out.splitlines() if "Train " in line and "Succeeded" in line)
    newest = boto3.client("sagemaker").list_pipeline_executions(PipelineName="groundloop")
    arn = newest["PipelineExecutionSummaries"][0]["PipelineExecutionArn"]
    job = boto3.client("sagemaker").describe_processing_job(
        ProcessingJobName=steps_of(arn)["Evaluate"]["Metadata"]["ProcessingJob"]["Arn"].rpartition("/")[2]
    )
    (output,) = job["ProcessingOutputConfig"]["Outputs"]
    evaluation = json.loads(read(f"{output['S3Output']['S3Uri']}/evaluation.json"))
    compared = evaluation["champion"]
    assert compared["package"].rpartition("/")[0] == champion.rpartition("/")[0]
    assert compared["images_shared"] == evaluation["images"]["test"]
    assert compared["metrics"]["map_50"] == pytest.approx(compared["candidate"]["map_50"])
    assert message in compared["message"] + ran.err


def test_the_deploy_pipeline_moves_the_endpoint_to_a_package(
    execution: str, project: Any, groundloop: Callable[..., Any]
) -> None:
    sagemaker = boto3.client("sagemaker")
    before = sagemaker.describe_endpoint(EndpointName="groundloop")["EndpointConfigName"]
    package = package_of(execution)["ModelPackageArn"]
    arguments = ["--name", "groundloop-deploy", "-p", f"ModelPackageArn={package}", "--watch"]
    ran = groundloop("start", "-c", "configs/local.yaml", *arguments)
    assert ran.code == 0, ran.err
    assert sagemaker.describe_endpoint(EndpointName="groundloop")["EndpointConfigName"] != before


def test_the_predict_pipeline_finds_what_the_endpoint_finds(
    execution: str, project: Any, groundloop: Callable[..., Any]
) -> None:
    """Its jobs run as they do on AWS, each from its own archive; two images share a name, and a third is damaged."""
    from groundloop.detections.predictions import Detections
    from pipeline.compiled import compiled_definition
    from pipeline.config import load_config
    from pipeline.job_archive import job_archive

    s3, image = boto3.client("s3"), (project.data / "images" / "image-0001.jpg").read_bytes()
    for name, content in (("a.jpg", image), ("b/a.jpg", image), ("cut.jpg", image[:-500])):
        s3.put_object(Bucket=BUCKET, Key=f"new/{name}", Body=content)
    given = [*SETTINGS, f"predict.input=s3://{BUCKET}/new"]
    config = load_config([ROOT / "configs" / "local.yaml"], given, environment={})
    for archive in (job_archive("select"), job_archive("collect")):
        s3.put_object(Bucket=config.aws.bucket, Key=archive.key(config.aws.prefix), Body=archive.content)
    boto3.client("sagemaker").create_pipeline(
        PipelineName="groundloop-predict",
        PipelineDefinition=compiled_definition(config, "predict"),
        RoleArn=config.aws.role,
    )
    package = package_of(execution)
    arguments = ["--name", "groundloop-predict", "-p", f"ModelPackageArn={package['ModelPackageArn']}", "--watch"]
    ran = groundloop("start", "-c", "configs/local.yaml", *arguments)
    assert ran.code == 0, ran.err
    folder = f"s3://{config.aws.bucket}/{config.aws.prefix}/predictions/{ran.out.split()[1].rpartition('/')[2]}"
    summary = json.loads(read(f"{folder}/summary.json"))
    assert (summary["images"], [item["image"] for item in summary["skipped"]]) == (2, [f"s3://{BUCKET}/new/cut.jpg"])
    lines = [json.loads(line) for line in read(f"{folder}/predictions.jsonl").splitlines()]
    assert [line["image"] for line in lines] == [f"s3://{BUCKET}/new/{name}" for name in ("a.jpg", "b/a.jpg")]
    response = (
        boto3.client("sagemaker-runtime")
        .invoke_endpoint(EndpointName="groundloop", ContentType="image/jpeg", Body=image)["Body"]
        .read()
    )
    size = lines[0]["width"], lines[0]["height"]
    found = Detections.from_sagemaker(response, summary["objects"], image_size=size).filter(lines[0]["thresholds"])
    assert len(found)
    for line in lines:
        assert [one["class"] for one in line["detections"]] == found.names
        assert np.allclose([one["box"] for one in line["detections"]], found.xyxy, atol=1e-4)


def test_the_printed_role_allows_what_the_jobs_called(project: Any, job_calls: CallRecorder) -> None:
    """The first and the later executions: with and without a champion, deployed by steps and by the Deploy job."""
    policy = [statement.json() for statement in statements(project.config, container_images(project.config))]
    calls = job_calls.calls
    actions = {call.action for call in calls}
    assert {"s3:GetObject", "sagemaker:UpdateEndpoint"} <= actions, "of Prepare and Deploy"
    registry = {action for action in actions if "ModelPackage" in action}
    assert registry == {f"sagemaker:{name}" for name in READS_REGISTRY}, "so they are checked in every configuration"
    assert [call for call in calls if not covered(call, policy)] == []
    assert [call for call in calls if covered_by_chance(call, policy)] == [], "a removed action would go unnoticed"


def test_predict_draws_what_the_endpoint_sees(
    execution: str, project: Any, tmp_path: Path, groundloop: Callable[..., Any]
) -> None:
    from PIL import Image

    assert execution
    image = project.data / "images" / "image-0001.jpg"
    ran = groundloop("predict", str(image), "--draw", str(tmp_path), "-c", "configs/local.yaml")
    assert ran.code == 0, ran.err
    assert [line.split()[0] for line in ran.out.splitlines()] == ["bolt", "nut", "washer", "written:"]
    found = groundloop("predict", str(image), "--json", "-c", "configs/local.yaml").json
    (result,) = found["results"]
    assert sum(found["counts"].values()) == len(result["detections"])
    assert all(set(detection) == {"class", "score", "box"} for detection in result["detections"])
    with Image.open(tmp_path / image.name) as drawn:
        assert max(drawn.size) >= 480


def test_predict_and_count_a_folder_with_eight_workers(
    execution: str, project: Any, tmp_path: Path, groundloop: Callable[..., Any]
) -> None:
    from groundloop.detections import Detector

    assert execution
    photos, results, local = tmp_path / "photos", tmp_path / "results.jsonl", ("-c", "configs/local.yaml")
    photos.mkdir()
    for image in sorted((project.data / "images").glob("*.jpg"))[:6]:
        shutil.copy(image, photos)
    predicting = ("predict", str(photos), "-o", str(results), "--workers", "8", *local)
    ran = groundloop(*predicting)
    assert ran.code == 0, ran.err
    before = results.read_bytes()
    assert "6 of 6 images are done already" in groundloop(*predicting).err
    assert results.read_bytes() == before
    asked, kept = (groundloop("count", str(source), "--json", *local).json for source in (photos, results))
    assert asked["totals"] == kept["totals"]
    assert asked["totals"][0]["objects"] > 0
    assert asked["count_error"]["mae_per_image"] >= 0
    line = json.loads(before.splitlines()[0])
    here = Detector.from_package(line["model"])
    assert here.thresholds == line["thresholds"]
    found = here.detect(line["image"]).filter(here.thresholds)
    np.testing.assert_allclose(found.xyxy, [one["box"] for one in line["detections"]], atol=0.1)
    np.testing.assert_allclose(found.confidence, [one["score"] for one in line["detections"]], atol=1e-4)
