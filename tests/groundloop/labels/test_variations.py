"""Shapes that real manifests have and a plain bounding box job does not: each read as what it means."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from groundloop.errors import UserError
from groundloop.labels.attributes import choose_attribute, find_attributes
from groundloop.labels.manifest import ManifestReader
from groundloop.labels.records import Box, Line, LineStatus

ManifestLine = Callable[..., dict[str, Any]]

DETECTION = "groundtruth/object-detection"
REKOGNITION = {
    "source-ref": "s3://b/a.jpg",
    "boxes": {
        "image_size": [{"width": 640, "height": 480, "depth": 3}],
        "annotations": [{"class_id": 0, "top": 251, "left": 39, "width": 155, "height": 101}],
    },
    "boxes-metadata": {
        "objects": [{"confidence": 1}],
        "class-map": {"0": "Echo", "1": "Echo Dot"},
        "type": DETECTION,
        "human-annotated": "yes",
        "creation-date": "2013-11-18T02:53:27.123Z",
    },
}


def _read(line: dict[str, Any], attribute: str = "auto") -> Line:
    raw = json.dumps(line).encode()
    chosen = choose_attribute(find_attributes([raw])) if attribute == "auto" else attribute
    return ManifestReader(chosen).read_line(1, raw)


def test_rekognition_custom_labels_output() -> None:
    line = _read(REKOGNITION)
    assert (line.status, line.findings) == (LineStatus.LABELLED, ())
    assert line.record is not None
    assert line.record.boxes == (Box("Echo", 39, 251, 155, 101),)


@pytest.mark.parametrize("status", ["adjusted", "unadjusted"])
def test_an_adjustment_job_adds_an_attribute_and_one_of_the_two_must_be_chosen(
    manifest_line: ManifestLine, status: str
) -> None:
    line = manifest_line() | manifest_line(boxes=2, attribute="checked")
    line["checked-metadata"]["adjustment-status"] = status
    with pytest.raises(UserError, match=r"2 label attributes.*--label-attribute"):
        _read(line)
    for attribute, boxes in (("bb", 1), ("checked", 2)):
        read = _read(line, attribute)
        assert read.record is not None
        assert len(read.record.boxes) == boxes
        assert read.findings == ()


@pytest.mark.parametrize("feedback", [{}, {"worker-feedback": [{"comment": "too loose"}]}], ids=["none", "a comment"])
def test_a_verification_beside_the_boxes_is_no_candidate(manifest_line: ManifestLine, feedback: dict[str, Any]) -> None:
    verdict = {"class-name": "bad", "confidence": 0.9, "type": "groundtruth/label-verification", **feedback}
    line = manifest_line() | {"verified": "1", "verified-metadata": verdict}
    read = _read(line)
    assert (read.status, read.findings) == (LineStatus.LABELLED, ())
    refused = _read(line, "verified")
    assert "give the label attribute of those that were verified" in refused.findings[0].message


def test_labelled_negative_unlabelled_and_failed_are_four_different_things(manifest_line: ManifestLine) -> None:
    failed = {"source-ref": "s3://b/f.jpg", "bb-metadata": {"failure-reason": "expired", "type": DETECTION}}
    lines = [manifest_line(), manifest_line(boxes=0), {"source-ref": "s3://b/u.jpg"}, failed]
    kinds = [_read(line, "bb").status for line in lines]
    assert kinds == [LineStatus.LABELLED, LineStatus.NEGATIVE, LineStatus.UNLABELLED, LineStatus.FAILED]


def test_maps_that_contradict_each_other_between_lines(manifest_line: ManifestLine) -> None:
    one = _read(manifest_line(class_map={"0": "nut"}))
    other = _read(manifest_line(class_map={"0": "bolt", "3": "nut"}))
    assert [line.record.boxes[0].class_name for line in (one, other) if line.record] == ["nut", "bolt"]


@pytest.mark.parametrize(
    ("label", "metadata", "message"),
    [
        pytest.param(3, {"type": "groundtruth/image-classification"}, "not where", id="classification"),
        pytest.param(3, {"class-name": "cat", "confidence": 1}, "image-classification", id="classification, no type"),
        pytest.param([0], {"confidence-map": {"0": 1}}, "multilabel", id="several classes an image, no type"),
        pytest.param("s3://b/m.png", {"type": "groundtruth/semantic-segmentation"}, "masks", id="segmentation"),
        pytest.param("s3://b/m.png", {"internal-color-map": {}}, "masks", id="segmentation, no type"),
        pytest.param("s3://b/s.json", {"type": "groundtruth/video-object-detection"}, "labels convert", id="video"),
        pytest.param("s3://b/s.json", {"type": "groundtruth/video-object-tracking"}, "labels convert", id="tracking"),
        pytest.param("s3://b/s.json", {"type": "groundtruth/point-cloud"}, "only bounding boxes", id="anything else"),
    ],
)
def test_a_manifest_of_other_labels_is_refused_by_name_with_what_to_do(
    label: Any, metadata: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=message) as raised:
        _read({"source-ref": "s3://b/a.jpg", "job-ref": label, "job-ref-metadata": metadata})
    assert "job-ref (groundtruth/" in str(raised.value)
