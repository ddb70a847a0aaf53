"""Incremental training: what Prepare finds out about the model that training starts from, and what it refuses."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.steps.prepare.conftest import ManifestLine, Prepared

GROUP = "detectors"
ARN = f"arn:aws:sagemaker:us-east-1:123456789012:model-package/{GROUP}"
URI = "s3://models/old/model.tar.gz"
Start = Callable[..., Prepared]


def packed(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def archive(**other: str) -> bytes:
    values = {"base_network": "vgg-16", "num_classes": "2", "image_shape": "300", **other}
    return packed({"model_algo_1-0000.params": b"weights", "hyperparams.json": json.dumps(values).encode()})


class Aws:
    """S3 and a registry: objects by URI; status, artifact and classes by version."""

    def __init__(self) -> None:
        self.objects = {URI: archive()}
        self.versions: dict[int, tuple[str, str, list[str]]] = {
            3: ("Approved", URI, ["nut", "bolt"]),
            4: ("Rejected", URI, ["bolt"]),
            5: ("PendingManualApproval", URI, ["nut", "bolt"]),
        }

    def __call__(self, service: str) -> Aws:
        return self

    def download_fileobj(self, bucket: str, key: str, stream: Any) -> None:
        stream.write(self._object(bucket, key, "HeadObject", "404"))

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        return {"Body": io.BytesIO(self._object(Bucket, Key, "GetObject", "NoSuchKey"))}

    def _object(self, bucket: str, key: str, operation: str, code: str) -> bytes:
        for number, (_, _, classes) in self.versions.items():
            if key == f"{number}/summary.json":
                return json.dumps({"classes": classes}).encode()
        if f"s3://{bucket}/{key}" not in self.objects:
            raise ClientError({"Error": {"Code": code, "Message": "Not Found"}}, operation)
        return self.objects[f"s3://{bucket}/{key}"]

    def get_paginator(self, operation: str) -> Aws:
        assert operation == "list_model_packages"
        return self

    def paginate(self, **asked: str) -> Iterator[dict[str, Any]]:
        approved = [n for n, (status, _, _) in self.versions.items() if status == asked["ModelApprovalStatus"]]
        yield {"ModelPackageSummaryList": [{"ModelPackageArn": f"{ARN}/{number}"} for number in approved]}

    def describe_model_package_group(self, **asked: str) -> dict[str, str]:
        return {"ModelPackageGroupArn": ARN.replace("model-package", "model-package-group")}

    def describe_model_package(self, ModelPackageName: str) -> dict[str, Any]:  # noqa: N803
        number = int(ModelPackageName.rpartition("/")[2])
        if number not in self.versions:
            error = {"Code": "ValidationException", "Message": f"ModelPackage {ModelPackageName} does not exist."}
            raise ClientError({"Error": error}, "DescribeModelPackage")
        status, uri, classes = self.versions[number]
        return {
            "ModelPackageArn": ModelPackageName,
            "ModelApprovalStatus": status,
            "InferenceSpecification": {"Containers": [{"ModelDataUrl": uri}]},
            "CustomerMetadataProperties": {"summary": f"s3://models/{number}/summary.json"} if classes else {},
        }


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Aws:
    found = Aws()
    monkeypatch.setattr("steps.clients.transfer_client", found)
    return found


@pytest.fixture
def start(prepare: Callable[..., Prepared], manifest_line: ManifestLine) -> Start:
    """Prepare forty images of the given classes, for a training that starts from a model."""

    def run(start_from: str, *options: str, names: tuple[str, ...] = ("bolt", "nut")) -> Prepared:
        lines: list[Any] = [manifest_line(f"{n:02}.jpg", *names) for n in range(40)]
        return prepare(lines, f"--start-from={start_from}", f"--model-package-group={GROUP}", *options)

    return run


@pytest.mark.parametrize(
    ("start_from", "options", "started_from", "classes"),
    [
        pytest.param("champion", [], f"{ARN}/3", ["nut", "bolt"], id="the highest approved version"),
        pytest.param("5", [], f"{ARN}/5", ["nut", "bolt"], id="a version"),
        pytest.param("champion", ["--classes", "nut", "bolt"], f"{ARN}/3", ["nut", "bolt"], id="the same classes"),
        pytest.param(URI, ["--classes", "nut", "bolt"], URI, ["nut", "bolt"], id="an archive"),
    ],
)
def test_ids_keep_the_models_order_and_training_gets_its_archive(
    aws: Aws, start: Start, start_from: str, options: list[str], started_from: str, classes: list[str]
) -> None:
    done = start(start_from, *options)
    assert done.code == 0, done.err
    assert done.summary["classes"] == classes
    assert done.summary["training"]["started_from"] == started_from
    stored = done.manifests.parent / "training-data" / done.message
    assert (stored / "model.tar.gz").read_bytes() == aws.objects[URI]
    assert {path.name for path in stored.iterdir()} == {"model.tar.gz", "train.manifest", "validation.manifest"}


def test_a_class_that_no_label_shows_any_more_keeps_its_id(aws: Aws, start: Start) -> None:
    assert start("champion", names=("bolt",)).summary["classes"] == ["nut", "bolt"]


def test_other_weights_are_other_training_data(aws: Aws, start: Start) -> None:
    first = start("champion").message
    assert start("champion").message == first
    aws.objects[URI] = archive(note="trained longer")
    assert start("champion").message != first
    assert hashlib.sha256(aws.objects[URI]).hexdigest() != first


@pytest.mark.parametrize(
    ("start_from", "options", "names", "said"),
    [
        pytest.param(
            "champion",
            [],
            ("bolt", "washer"),
            ["not trained on: washer (40 boxes)", "rename the classes", "training.start_from: null"],
            id="a new class in the labels",
        ),
        pytest.param(
            "champion",
            ["--classes", "bolt", "nut"],
            ("bolt",),
            ["another order", "version 3", "[nut, bolt]"],
            id="another order of classes",
        ),
        pytest.param(
            "champion",
            ["--classes", "nut", "bolt", "washer"],
            ("bolt",),
            ["labels.classes names washer", "version 3"],
            id="a new class in the configuration",
        ),
        pytest.param(
            "champion", ["--classes", "nut"], ("nut",), ["lacks bolt", "version 3"], id="a class that is left out"
        ),
        pytest.param(
            "champion",
            ["--base-network=resnet-50"],
            ("bolt",),
            ["version 3 was trained with base_network vgg-16", "resnet-50"],
            id="another network",
        ),
        pytest.param("4", [], ("bolt",), ["version 4 is Rejected", "groundloop approve 4"], id="a rejected version"),
        pytest.param("9", [], ("bolt",), [f"'{GROUP}' has no version 9"], id="a version of another group"),
        pytest.param(URI, [], ("bolt",), [URI, "2 classes", "labels.classes"], id="an archive without classes"),
        pytest.param(
            URI,
            ["--classes", "nut", "bolt", "washer"],
            ("bolt",),
            ["num_classes 2", "3 classes"],
            id="an archive of fewer classes",
        ),
        pytest.param("s3://models/gone/model.tar.gz", [], ("bolt",), ["no model at s3://models/gone"], id="nothing"),
    ],
)
def test_what_training_cant_start_from_is_refused_by_name(
    aws: Aws, start: Start, start_from: str, options: list[str], names: tuple[str, ...], said: list[str]
) -> None:
    done = start(start_from, *options, names=names)
    assert done.code == 1
    assert done.err.count("\n") == 1
    assert [text for text in said if text not in done.err] == [], done.err
    assert done.message == done.err.removeprefix("error: ").rstrip("\n")


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"PK\x03\x04 a zip", id="no tar"),
        pytest.param(archive()[:100], id="cut off"),
        pytest.param(packed({"model.onnx": b"..."}), id="another kind of model"),
        pytest.param(packed({"hyperparams.json": b'{"num_layers": "18", "num_classes": "2"}'}), id="another algorithm"),
        pytest.param(packed({"hyperparams.json": b"[]"}), id="a list"),
        pytest.param(packed({"hyperparams.json": b"{"}), id="damaged"),
        pytest.param(archive(num_classes="two"), id="no number"),
    ],
)
def test_an_object_that_is_no_archive_of_the_algorithm_is_refused(aws: Aws, start: Start, content: bytes) -> None:
    aws.objects[URI] = content
    done = start(URI, "--classes", "nut", "bolt")
    assert done.code == 1
    assert f"{URI} is not a model.tar.gz of the built-in Object Detection algorithm" in done.err


def test_without_an_approved_version_there_is_no_champion(aws: Aws, start: Start) -> None:
    del aws.versions[3]
    done = start("champion")
    assert done.code == 1
    assert f"no version of '{GROUP}' is approved" in done.err
    assert "run once with training.start_from: null" in done.err


def test_a_version_that_another_pipeline_registered_has_no_class_list(aws: Aws, start: Start) -> None:
    aws.versions[3] = ("Approved", URI, [])
    done = start("champion")
    assert done.code == 1
    assert "version 3 names no summary with its class list" in done.err


def test_another_image_shape_is_warned_of(aws: Aws, start: Start) -> None:
    done = start("champion", "--image-shape=512")
    assert done.code == 0
    assert "warning: version 3 was trained with image_shape 300, this training has 512" in done.out


def test_without_a_model_to_start_from_nothing_is_said_of_one(
    prepare: Callable[..., Prepared], manifest_line: ManifestLine, tmp_path: Path
) -> None:
    done = prepare([manifest_line(f"{n:02}.jpg", "bolt") for n in range(40)])
    assert "started_from" not in done.summary["training"]
