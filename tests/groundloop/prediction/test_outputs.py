"""The same detections in every format, read back as other tools read them."""

from __future__ import annotations

import contextlib
import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from groundloop.detections import Detections
from groundloop.labels.formats.csv import from_csv
from groundloop.labels.manifest import ManifestReader
from groundloop.prediction.journal import ImageResult, read_results
from groundloop.prediction.outputs import Format, coco_images_path, write_results

THRESHOLDS = {"bolt, long": 0.25, "nut": 0.5}
CLASSES = tuple(THRESHOLDS)

#: By image: class, score and corners.
Found = dict[str, list[tuple[str, float, tuple[float, ...]]]]


def results() -> list[ImageResult]:
    rng = np.random.default_rng(3)
    made = []
    for name, number, size in (("s3://bucket/a.jpg", 5, (641, 479)), ("s3://bucket/b é.jpg", 0, (30, 20))):
        low, high = rng.random((number, 2)) / 2, 0.5 + rng.random((number, 2)) / 2
        ids, scores = rng.integers(0, 2, number), 0.5 + rng.random(number) / 2
        found = Detections(CLASSES, ids.astype(np.int64), scores, np.hstack([low, high]), size)
        made.append(ImageResult.of(name, found, "model", THRESHOLDS))
    return made


def expected() -> Found:
    return {one.image: [(two.class_name, two.score, two.box) for two in one.detections] for one in results()}


def from_jsonl(path: Path) -> Found:
    found: Found = {}
    for result in read_results(path):
        arrays = result.as_detections()
        rows = zip(arrays.names, arrays.confidence.tolist(), arrays.xyxy.tolist(), strict=True)
        found[result.image] = [(name, score, tuple(box)) for name, score, box in rows]
    return found


def from_table(path: Path) -> Found:
    assert [image.name for image in from_csv(path).images] == list(expected()), "the reader of labels takes it too"
    found: Found = {}
    for row in csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))):
        boxes = found.setdefault(row["filename"], [])
        if row["class"]:
            corners = tuple(float(row[name]) for name in ("xmin", "ymin", "xmax", "ymax"))
            boxes.append((row["class"], float(row["score"]), corners))
    return found


def from_coco(path: Path) -> Found:
    from pycocotools.coco import COCO

    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(coco_images_path(path)))
        loaded = truth.loadRes(str(path))
    found: Found = {image["file_name"]: [] for image in truth.dataset["images"]}
    for one in loaded.dataset["annotations"]:
        left, top, width, height = one["bbox"]
        name = truth.cats[one["category_id"]]["name"]
        corners = (left, top, left + width, top + height)
        found[truth.imgs[one["image_id"]]["file_name"]].append((name, one["score"], corners))
    return found


def from_manifest(path: Path) -> Found:
    reader = ManifestReader("detections")
    found: Found = {}
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        record = reader.read_line(number, line).record
        assert record is not None
        scores = [one["confidence"] for one in json.loads(line)["detections-metadata"]["objects"]]
        found[record.source_ref] = [
            (box.class_name, score, (box.left, box.top, box.left + box.width, box.top + box.height))
            for box, score in zip(record.boxes, scores, strict=True)
        ]
    return found


@pytest.mark.parametrize(
    ("how", "read"),
    [
        pytest.param(Format.JSONL, from_jsonl, id="JSON Lines"),
        pytest.param(Format.CSV, from_table, id="CSV"),
        pytest.param(Format.COCO, from_coco, id="COCO results"),
        pytest.param(Format.MANIFEST, from_manifest, id="manifest"),
    ],
)
def test_round_trip(tmp_path: Path, how: Format, read: Callable[[Path], Found]) -> None:
    path = tmp_path / "results"
    written = write_results(results(), how, path)
    assert sorted(tmp_path.iterdir()) == sorted(written)
    found = read(path)
    assert list(found) == list(expected())
    for image, objects in expected().items():
        assert [one[:2] for one in found[image]] == [one[:2] for one in objects]
        read_back, written_boxes = (np.array([one[2] for one in rows]) for rows in (found[image], objects))
        np.testing.assert_allclose(read_back, written_boxes, rtol=0, atol=1e-9)
