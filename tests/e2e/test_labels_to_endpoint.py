"""The whole loop on the offline AWS, as plain boto3 and the command line see what the first execution left behind."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import boto3
import numpy as np
import pytest

from groundloop.metric_paths import metric_paths
from tests.e2e.conftest import EPOCHS, IMAGES, ROOT, FirstExecution, Project
from tests.e2e.plain_boto3 import package_of, read, steps_of
from tests.fixtures.cli import Groundloop
from tests.fixtures.run_record import RunRecord

STEPS = [
    "Prepare", "Train", "CreateModel", "Predict", "Evaluate",
    "QualityGate", "Register", "DeployGate", "EndpointConfig", "Endpoint",
]  # fmt: skip


@pytest.fixture(scope="module")
def execution(executed: Project, first_execution: FirstExecution) -> str:
    """ARN of the execution that plain boto3 made."""
    return first_execution.arn


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
    assert summary["lines"]["read"] == IMAGES + 4, "the images and four faulty lines"
    assert summary["lines"]["rejected"] == 3
    assert summary["lines"]["failed"] == 1
    assert len(rejected) == 4
    used = sum(summary[split]["images"] for split in ("train", "validation", "test"))
    assert used + summary["negatives_dropped"] == IMAGES


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
    assert {metric.step for metric in run.metrics if metric.name == "validation/mAP"} == set(range(1, EPOCHS + 1))
    assert run.tags["groundloop.package"] == package["ModelPackageArn"]
    assert run.tags["groundloop.gate"] == "passed"
    assert run.params["epochs"] == run.params["parameter.Epochs"] == str(EPOCHS)
    assert run.params["data.classes"] == "bolt, nut, washer"
    assert re.fullmatch("[0-9a-f]{64}", run.params["code.evaluate"])
    assert set(run.files) == {"evaluation.json", "report.html", "results.csv", "summary.json", "pipeline.json"}

    record.writes.clear()
    again = groundloop("track", execution[-12:], "--to", "sqlite:///mlflow.db", *options)
    assert again.out == f"{execution[-12:]}: up to date (run run-0)\n"
    assert record.writes == []


def test_the_endpoint_answers_a_jpeg(execution: str, executed: Project) -> None:
    assert execution
    status = boto3.client("sagemaker").describe_endpoint(EndpointName="groundloop")["EndpointStatus"]
    image = (executed.images / "image-0000.jpg").read_bytes()
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
    execution: str, executed: Project, settings: list[str], groundloop: Groundloop, tmp_path: Path
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
        image = (executed.images / f"image-{number:04}.jpg").read_bytes()
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


def test_predict_draws_what_the_endpoint_sees(
    execution: str, executed: Project, tmp_path: Path, groundloop: Groundloop
) -> None:
    from PIL import Image

    assert execution
    image = executed.images / "image-0001.jpg"
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
    execution: str, executed: Project, tmp_path: Path, groundloop: Groundloop
) -> None:
    from groundloop.detections import Detector

    assert execution
    photos, results, local = tmp_path / "photos", tmp_path / "results.jsonl", ("-c", "configs/local.yaml")
    photos.mkdir()
    for image in sorted(executed.images.glob("*.jpg"))[:6]:
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
