"""Metrics before and after label corrections, so that nobody takes corrected labels for a better model."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from groundloop.labels.records import Box, Record
from steps.evaluate.champion import TABLE
from steps.evaluate.label_corrections import ScoredModel, label_corrections, labels_by_image
from tests.steps.evaluate.conftest import Case, Evaluated
from tests.steps.evaluate.test_champion import (
    BOX,
    CLASSES,
    ELSEWHERE,
    FOLDER,
    GROUP,
    METADATA,
    Comparison,
    FakeS3,
    FakeSageMaker,
    image,
    score,
)

THRESHOLDS = dict.fromkeys(CLASSES, 0.5)
RIGHT, SHIFTED = Box("nut", 10, 10, 20, 20), Box("nut", 60, 60, 20, 20)


def record(key: str, *boxes: Box) -> Record:
    """The labels of an image before they were corrected."""
    return Record(f"s3://data/{key}", 100, 100, boxes, ())


def corrections(old: Sequence[Record], *, shown: Sequence[str] = (), classes: Sequence[str] = CLASSES) -> Any:
    """What is said of two images on which the model finds the nut where the labels have it now."""
    images = [image(key, [("nut", 0.9, BOX)]) for key in ("1.jpg", "2.jpg")]
    return label_corrections(
        {"candidate": ScoredModel(images, THRESHOLDS)},
        {one.source_ref: one for one in old},
        classes,
        score,
        since="since version 3 was tested",
        shown=shown,
    )


def test_the_same_detections_are_scored_on_both() -> None:
    found = corrections([record("1.jpg", SHIFTED), record("2.jpg", RIGHT)])
    assert (found["images"], found["changed_images"], found["changed_in_view"]) == (2, 1, 0)
    assert found["before"]["candidate"]["map_50"] < found["after"]["candidate"]["map_50"] == pytest.approx(1)
    assert found["message"] == "the labels of 1 of 2 test images were corrected since version 3 was tested"


def test_labels_that_are_the_same_are_no_corrections() -> None:
    assert corrections([record("1.jpg", RIGHT), record("2.jpg", RIGHT)]) is None


def test_labels_of_a_class_that_is_gone_are_no_corrections() -> None:
    assert corrections([record("1.jpg", Box("washer", 1, 1, 9, 9), RIGHT), record("2.jpg", RIGHT)]) is None


def test_images_without_old_labels_are_left_out() -> None:
    assert corrections([record("1.jpg", SHIFTED)])["images"] == 1
    assert corrections([]) is None


def test_corrections_in_view_of_labels_are_told() -> None:
    found = corrections(
        [record("1.jpg", SHIFTED), record("2.jpg", RIGHT)], shown=["s3://data/1.jpg", "s3://data/2.jpg"]
    )
    assert found["changed_in_view"] == 1
    assert "on 1 of them reviewers saw labels or detections" in found["message"]


def manifest_line(key: str, *boxes: tuple[float, float, float, float]) -> bytes:
    """A line of the champion's test manifest; all boxes are nuts."""
    annotations = [
        {"class_id": 1, "left": x0, "top": y0, "width": x1 - x0, "height": y1 - y0} for x0, y0, x1, y1 in boxes
    ]
    line: Mapping[str, Any] = {
        "source-ref": f"s3://data/{key}",
        "bounding-box": {"image_size": [{"width": 100, "height": 100}], "annotations": annotations},
        "bounding-box-metadata": {"class-map": {"0": "bolt", "1": "nut"}},
    }
    return json.dumps(line).encode() + b"\n"


def test_the_champion_is_scored_again_on_the_labels_of_its_own_test() -> None:
    case = Comparison()
    # It was right about 2.jpg by the labels of that time.
    case.objects["manifests/test.manifest"] = manifest_line("1.jpg", BOX) + manifest_line("2.jpg", ELSEWHERE)
    found = case.compare()
    changes = found["label_corrections"]
    assert (changes["images"], changes["changed_images"]) == (2, 1)
    assert changes["after"]["champion"] == found["metrics"]
    assert changes["after"]["candidate"] == found["candidate"]
    ours, theirs = (changes["before"][model]["map_50"] for model in ("candidate", "champion"))
    assert theirs == pytest.approx(1)
    assert ours < changes["after"]["candidate"]["map_50"]


def test_a_champion_with_todays_labels_has_no_corrections() -> None:
    case = Comparison()
    case.objects["manifests/test.manifest"] = manifest_line("1.jpg", BOX) + manifest_line("2.jpg", BOX)
    assert "label_corrections" not in case.compare()


def test_lines_that_cannot_be_read_have_no_old_labels() -> None:
    assert list(labels_by_image(b'{"source-ref": "s3://data/0.jpg"}\n' + manifest_line("1.jpg", BOX))) == [
        "s3://data/1.jpg"
    ]


def test_the_job_says_what_the_corrections_of_its_labels_change(
    evaluate: Callable[..., Evaluated], case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    champion = evaluate(case)
    objects = {f"{FOLDER}/{name}": (champion.output / name).read_bytes() for name in ("evaluation.json", TABLE)}
    objects["manifests/test.manifest"] = (case.folder / "manifests" / "test.manifest").read_bytes()
    services = {"sagemaker": FakeSageMaker({3: METADATA}), "s3": FakeS3(objects)}
    monkeypatch.setattr("steps.evaluate.champion.job_client", services.__getitem__)
    assert "label_corrections" not in evaluate(case, more=["--champion-group", GROUP]).metrics
    # A reviewer who saw the labels of an image took one away.
    corrected = case.lines["test"][0]
    del corrected["bounding-box"]["annotations"][0]
    corrected["groundloop-review"] = {"selected-by": "label-error", "shown": "labels"}
    done = evaluate(case, more=["--champion-group", GROUP])
    changes = done.metrics["label_corrections"]
    assert (changes["images"], changes["changed_images"], changes["changed_in_view"]) == (2, 1, 1)
    for model in ("candidate", "champion"):
        precision = [changes[labels][model]["at_threshold.precision"] for labels in ("before", "after")]
        assert precision == [1, pytest.approx(2 / 3)]
    assert "label_corrections" not in done.metrics["champion"]
    assert "label corrections: the labels of 1 of 2 test images were corrected since version 3" in done.out
    assert 'id="label-corrections"' in (done.output / "report.html").read_text()
