"""Real manifests of public repositories, where they are at hand; the counts stand in the samples' README."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from groundloop.errors import UserError
from groundloop.labels.attributes import choose_attribute, find_attributes
from groundloop.labels.canonical import Canonicaliser
from groundloop.labels.classes import ClassList
from groundloop.labels.manifest import ManifestReader, open_manifest, raw_lines
from groundloop.labels.records import Line, LineStatus

SAMPLES = Path(__file__).parents[4] / "shared" / "samples" / "manifests"
pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the folder of real samples is not beside the repository")
GREENGRASS = "aws-samples__amazon-sagemaker-aws-greengrass-custom-object-detection-model"


def _read(path: Path) -> tuple[str, list[Line]]:
    with open_manifest(path) as stream:
        attribute = choose_attribute(find_attributes(raw_lines(stream)))
    with open_manifest(path) as stream:
        return attribute, list(ManifestReader(attribute).read(stream))


@pytest.mark.parametrize(
    ("name", "attribute", "labelled", "negative", "boxes", "most", "classes"),
    [
        pytest.param(f"{GREENGRASS}__1", "bb", 183, 17, 184, 2, 1, id="blue boxes, large job"),
        pytest.param(f"{GREENGRASS}__2", "bb", 19, 2, 19, 1, 1, id="blue boxes, small job"),
        pytest.param(f"{GREENGRASS}__3", "bb", 192, 8, 192, 1, 1, id="yellow boxes, large job"),
        pytest.param(f"{GREENGRASS}__4", "bb", 31, 1, 33, 2, 1, id="yellow boxes, small job"),
        pytest.param(
            "aws__amazon-sagemaker-examples__1", "category", 100, 0, 192, 33, 1, id="floats from five workers"
        ),
        pytest.param(
            "aws-samples__amazon-sagemaker-mxnet-dice-aim403-workshop-reinvent2019__1",
            "dice-labeling",
            *(200, 0, 1302, 84, 7),
            id="dice, a chained job",
        ),
        pytest.param(
            "aws-samples__amazon-a2i-sample-jupyter-notebooks__1",
            "pepperoni_pizza_BB",
            *(12, 0, 23, 7, 1),
            id="Rekognition's output",
        ),
        pytest.param(
            "zeeshan3945__Data-Prepocessing-and-Object-detection__1",
            "zegar-labeling-test",
            *(23, 9, 54, 7, 2),
            id="maps that list present classes only",
        ),
        pytest.param("strickvl__panlabel__1", "bounding-box", 1, 1, 2, 2, 2, id="a converter's fixture"),
    ],
)
def test_counts(name: str, attribute: str, labelled: int, negative: int, boxes: int, most: int, classes: int) -> None:
    found, lines = _read(SAMPLES / f"{name}.manifest")
    assert found == attribute
    assert Counter(line.status for line in lines) == Counter(
        {LineStatus.LABELLED: labelled, LineStatus.NEGATIVE: negative}
    )
    assert [line.findings for line in lines if line.findings] == []
    records = [line.record for line in lines if line.record]
    assert sum(len(record.boxes) for record in records) == boxes
    assert max(len(record.boxes) for record in records) == most
    union = ClassList.from_union(name for record in records for name in record.class_names)
    assert len(union) == classes
    written = [Canonicaliser(found, union)(line.raw) for line in lines]
    again = [line.record for line in ManifestReader("bounding-box", union.names).read(written)]
    assert [record and record.boxes for record in again] == [record.boxes for record in records]


def test_a_classification_manifest_is_refused_by_name() -> None:
    with pytest.raises(UserError, match=r"lab#-labeling-job \(groundtruth/image-classification\)"):
        _read(SAMPLES / "linuxus__ground-truth__2.manifest")
