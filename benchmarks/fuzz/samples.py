"""Valid files of every format, small, as bytes by name: what the damage starts from."""

from __future__ import annotations

import functools
import gzip
import io
import json
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

from PIL import Image

from groundloop.detections.evaluation import OutcomeRow
from groundloop.detections.table import write_outcomes
from groundloop.labels.formats.dataset import LabelledDataset, LabelledImage
from groundloop.labels.reading import write_labels
from groundloop.labels.records import Box
from groundloop.local.archive import pack
from groundloop.local.detector.artifact import Detector, save
from groundloop.local.detector.hyperparameters import parse
from groundloop.local.detector.network import Network

Files: TypeAlias = Mapping[str, bytes]

ROOT = Path(__file__).resolve().parents[2]
CLASSES = ("nut", "bolt", "螺母")
PREFIX = "s3://bucket/images/"
_SIZES = {"a.jpg": (64, 48), "b/c.png": (40, 50), "b/d.v2.jpg": (33, 77), "empty.png": (20, 20)}
_BOXES = {
    "a.jpg": (Box("nut", 1, 2, 30, 20), Box("bolt", 10, 10, 20, 20)),
    "b/c.png": (Box("螺母", 0, 0, 40, 50),),
    "b/d.v2.jpg": (Box("nut", 1, 1, 8, 9),) * 3,
}


@functools.cache
def images() -> Files:
    """Return the image files; one has an EXIF orientation."""
    found = {}
    for name, size in _SIZES.items():
        picture, stream = Image.new("RGB", size, (120, 90, 60)), io.BytesIO()
        exif = Image.Exif()
        exif[0x0112] = 3 if name == "b/d.v2.jpg" else 1
        picture.save(stream, "PNG" if name.endswith(".png") else "JPEG", exif=exif)
        found[name] = stream.getvalue()
    return found


def image_files() -> Files:
    """Return the image files, in a folder."""
    return {f"images/{name}": content for name, content in images().items()}


@functools.cache
def labels(label_format: str) -> Files:
    """Return labels in a format that the project writes, and the images beside them."""
    dataset = LabelledDataset(
        tuple(LabelledImage(name, *size, _BOXES.get(name, ())) for name, size in _SIZES.items()), CLASSES
    )
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write(folder, image_files())
        target = folder / "labels" / {"coco": "coco.json", "csv": "labels.csv"}.get(label_format, "")
        if label_format == "groundtruth":
            target = folder / "labels" / "output.manifest"
        write_labels(dataset, target, label_format, images=folder / "images", prefix=_prefix(label_format))
        return {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }


def _prefix(label_format: str) -> str | None:
    return PREFIX if label_format == "groundtruth" else None


def write(folder: Path, files: Files) -> None:
    """Write files into a folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


@functools.cache
def manifest() -> bytes:
    """Return a manifest as a labelling job writes it, with enough lines for three splits."""
    lines = []
    for number in range(24):
        classes = ["nut", "bolt"][: 1 + number % 2]
        label: dict[str, Any] = {
            "image_size": [{"width": 64, "height": 48, "depth": 3}],
            "annotations": [
                {"class_id": class_id, "left": 1, "top": 2, "width": 30, "height": 20}
                for class_id in range(len(classes) if number % 7 else 0)
            ],
        }
        metadata: dict[str, Any] = {
            "objects": [{"confidence": 0.9}] * len(label["annotations"]),
            "class-map": {str(class_id): name for class_id, name in enumerate(classes)},
            "type": "groundtruth/object-detection",
            "human-annotated": "yes",
            "creation-date": "2024-05-21T21:25:57.941008",
            "job-name": "labeling-job/parts",
        }
        line = {"source-ref": f"{PREFIX}{number}.jpg", "parts": label, "parts-metadata": metadata}
        lines.append(json.dumps(line))
    return "\n".join(lines).encode() + b"\n"


def human_loop() -> Files:
    """Return what two people answered in a human loop of Amazon A2I, and another loop."""
    box = {"label": "nut", "left": 1, "top": 2, "width": 30, "height": 20}
    answer = {
        "answerContent": {
            "annotatedResult": {"boundingBoxes": [box], "inputImageProperties": {"height": 48, "width": 64}}
        },
        "submissionTime": "2020-05-01T18:24:53.742Z",
        "workerId": "ef7294f850a3d9d1",
    }
    found = dict(image_files())
    for number in range(2):
        loop = {
            "humanLoopName": f"loop-{number}",
            "inputContent": {"taskObject": f"{PREFIX}{number}.jpg", "labels": ["nut", "bolt"]},
            "humanAnswers": [answer, answer],
        }
        found[f"labels/2020/05/01/loop-{number}/output.json"] = json.dumps(loop).encode()
    return found


def labelling_job() -> Files:
    """Return the output folder of an adjustment job, with what two people answered."""
    box = {"label": "nut", "left": 1, "top": 2, "width": 30, "height": 20}
    answers = [
        {
            "acceptanceTime": "2022-05-01T18:24:53.742Z",
            "answerContent": {
                "boundingBox": {"boundingBoxes": [box], "inputImageProperties": {"height": 48, "width": 64}},
                "comment": "rust",
            },
            "submissionTime": f"2022-05-0{number}T18:25:53.742Z",
            "timeSpentInSeconds": 6.5,
            "workerId": f"private.us-east-1.WORKER{number}",
        }
        for number in (1, 2)
    ]
    lines = []
    for line in manifest().splitlines()[:3]:
        fields = json.loads(line)
        adjusted = {**fields["parts-metadata"], "adjustment-status": "adjusted", "creation-date": "2024-06-01T00:00:00"}
        lines.append(json.dumps({**fields, "adjusted": fields["parts"], "adjusted-metadata": adjusted}))
    requests = [{"datasetObjectId": "3", "dataObject": {"s3Uri": f"{PREFIX}3.jpg"}, "annotations": []}]
    annotations = "labels/annotations"
    return {
        "labels/manifests/output/output.manifest": "\n".join(lines).encode(),
        f"{annotations}/consolidated-annotation/consolidation-request/iteration-1/x.json": json.dumps(
            requests
        ).encode(),
        **{
            f"{annotations}/worker-response/iteration-1/{number}/x.json": json.dumps({"answers": answers}).encode()
            for number in range(4)
        },
    }


def video() -> Files:
    """Return the labels of a video."""
    item = {"class-id": "0", "left": 1, "top": 2, "width": 3, "height": 4, "object-name": "nut:1"}
    frames = [{"annotations": [item], "frame-no": str(number), "frame": f"{number}.jpg"} for number in range(3)]
    pictures = {f"images/{number}.jpg": images()["a.jpg"] for number in range(3)}
    return {"labels/SeqLabel.json": json.dumps({"tracking-annotations": frames}).encode(), **pictures}


def csv_with_sizes() -> Files:
    """Return the CSV that TensorFlow's tools write, with the sizes of images."""
    rows = [f"{number}.jpg,64,48,nut,1,2,31,22" for number in range(3)]
    return {"labels/labels.csv": "\n".join(["filename,width,height,class,xmin,ymin,xmax,ymax", *rows]).encode()}


def predictions() -> Files:
    """Return ground truth, and what the detector answers on its images."""
    rows = [[0, 0.9, 0.02, 0.05, 0.5, 0.45], [1, 0.3, 0.1, 0.1, 0.2, 0.2]]
    answers = {f"predictions/{number}.jpg.out": json.dumps({"prediction": rows}).encode() for number in range(24)}
    return {"test.manifest": manifest(), **answers}


@functools.cache
def outcomes() -> bytes:
    """Return a table of detections."""
    box = (0.1, 0.2, 0.5, 0.6)
    rows = [
        OutcomeRow("test", f"{PREFIX}{number}.jpg", outcome, "nut", score, found, 0.7, truth)
        for number in range(3)
        for outcome, score, found, truth in (("TP", 0.9, box, box), ("FP", 0.4, box, None), ("FN", None, None, box))
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "detections.csv.gz"
        write_outcomes(path, rows)
        return path.read_bytes()


def captures() -> Files:
    """Return a file of data capture: answers as text, in base64, as CSV, and none."""
    from groundloop.spec import data_capture

    types = data_capture.ContentTypes.of(csv=["text/csv"], json=["application/json"])
    nothing = data_capture.ContentTypes()
    answer = b'{"prediction": [[1, 0.9, 0.1, 0.1, 0.5, 0.5], [0, 0.2, 0.0, 0.0, 1.0, 1.0]]}'
    answers = (
        (answer, "application/json", types),
        (answer, "application/json", nothing),
        (b"1,0.9,0.1,0.1,0.5,0.5\n", "text/csv", types),
        None,
    )
    lines = [
        data_capture.CaptureRecord(
            data_capture.CaptureData(
                data_capture.CapturedData.of(image, "application/x-image", data_capture.INPUT, types),
                captured and data_capture.CapturedData.of(captured[0], captured[1], data_capture.OUTPUT, captured[2]),
            ),
            data_capture.EventMetadata("event", "2026-11-21T09:05:02Z", "inference", ("line 3",)),
        ).line()
        for image in images().values()
        for captured in answers
    ]
    return {"captured/bolts/AllTraffic/2026/11/21/09/05-02-340-0f.jsonl": b"".join(lines)}


def evaluation() -> bytes:
    """Return an evaluation.json."""
    scores = {"boxes": 12, "ap_50": 0.7, "precision": 0.9, "recall": 0.8, "threshold": 0.4}
    content = {
        "map": 0.51,
        "map_50": 0.71,
        "map_75": 0.5,
        "voc_map": 0.72,
        "ar_100": 0.6,
        "threshold": 0.45,
        "threshold_rule": "best_f1",
        "class_thresholds": {"nut": 0.4, "bolt": 0.5},
        "at_threshold": {"precision": 0.9, "recall": 0.8, "f1": None},
        "count": {"mae": 0.25, "rmse": 0.5, "bias": -0.125, "exact_share": 0.8},
        "images": {"validation": 38, "test": 40},
        "per_class": {"nut": scores, "bolt": scores},
        "intervals": {"level": 0.95, "resamples": 1000, "metrics": {"map_50": [0.61, 0.78]}},
        "gate": {
            "message": "all thresholds met",
            "thresholds_missed": 1,
            "requirements": [{"metric": "map_50", "threshold": 0.6, "met": False}],
        },
        "champion": {"package": None, "message": "no champion yet"},
    }
    return json.dumps(content).encode()


def summary() -> bytes:
    """Return Prepare's summary.json."""
    split = {"images": 40, "boxes": 120, "negatives": 2}
    lines = {"read": 120, "rejected": 0, "failed": 0, "unlabelled": 0}
    splits = {"train": split, "validation": split, "test": split}
    return json.dumps({"classes": ["nut", "bolt"], "lines": lines, "fingerprint": "ab" * 32, **splits}).encode()


def definitions() -> Files:
    """Return pipeline definitions as other tools made them."""
    folder = ROOT / "tests" / "groundloop" / "spec" / "service_samples" / "definitions"
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.json"))}


def configuration() -> Files:
    """Return the project's own configuration."""
    return {"settings.yaml": (ROOT / "configs" / "base.yaml").read_bytes()}


@functools.cache
def model_archive() -> Files:
    """Return a model.tar.gz."""
    hyperparameters = parse({"num_classes": "2", "num_training_samples": "10", "epochs": "1"})
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        save(folder / "model", Detector(hyperparameters, Network(2, seed=0)))
        pack(folder / "model", folder / "model.tar.gz")
        return {"model.tar.gz": (folder / "model.tar.gz").read_bytes()}


def code_archive() -> Files:
    """Return a job's code."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(zipfile.ZipInfo("__main__.py"), b"print()")
    return {"code.zip": stream.getvalue()}


def packed(content: bytes) -> bytes:
    """Return the content as a gzip file, the same bytes each time."""
    return gzip.compress(content, mtime=0)
