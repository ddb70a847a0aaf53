"""The outputs of a transform job: each image's own, whatever of its folders the names have kept."""

from __future__ import annotations

import json
from typing import Any

import pytest

from groundloop.batch.results import read_outputs
from groundloop.batch.selection import SelectedImage, Selection
from groundloop.errors import UserError

ARN = "arn:aws:sagemaker:us-east-1:123456789012:model-package/detectors/7"


def answer(score: float) -> bytes:
    return json.dumps({"prediction": [[0, score, 0, 0, 0.5, 1], [0, 0.1, 0, 0, 1, 1]]}).encode()


def read(s3: Any, images: list[str], outputs: dict[str, bytes], **options: Any) -> list[tuple[str, list[Any]]]:
    for name, content in outputs.items():
        s3.put_object(Bucket="bucket", Key=f"out/{name}", Body=content)
    selected = [SelectedImage(f"s3://bucket/{name}", 40, 20) for name in images]
    selection = Selection(ARN, ["bolt"], {"bolt": 0.4}, selected)
    results = read_outputs("us-east-1", selection, "s3://bucket/out", **options)
    return [(result.image, [(one.score, one.box) for one in result.detections]) for result in results]


@pytest.mark.parametrize(
    ("images", "outputs"),
    [
        pytest.param(["new/a.jpg", "new/b.jpg"], ["a.jpg.out", "b.jpg.out"], id="one folder"),
        pytest.param(["new/a.jpg", "new/x/a.jpg"], ["a.jpg.out", "x/a.jpg.out"], id="the same name in two folders"),
        pytest.param(["new/x/a.jpg", "new/y/b.jpg"], ["a.jpg.out", "b.jpg.out"], id="folders are lost"),
        pytest.param(["new/x/a.jpg", "new/y/b.jpg"], ["new/x/a.jpg.out", "new/y/b.jpg.out"], id="whole keys"),
    ],
)
def test_each_image_gets_its_own_output(s3: Any, images: list[str], outputs: list[str]) -> None:
    found = read(s3, images, {name: answer(0.5 + number / 10) for number, name in enumerate(outputs)})
    assert found == [
        (f"s3://bucket/{name}", [(pytest.approx(0.5 + number / 10), (0, 0, 20, 20))])
        for number, name in enumerate(images)
    ]


def test_another_threshold_can_be_asked_for(s3: Any) -> None:
    ((_, found),) = read(s3, ["a.jpg"], {"a.jpg.out": answer(0.5)}, thresholds={"bolt": 0.05})
    assert len(found) == 2


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        pytest.param({"a.jpg.out": answer(0.5)}, "1 of 2 images have no prediction", id="an output is missing"),
        pytest.param({"a.jpg.out": answer(0.5), "x/b.jpg.out": b"{"}, "x/b.jpg.out is not", id="a damaged one"),
    ],
)
def test_an_image_without_a_valid_output_is_an_error(s3: Any, outputs: dict[str, bytes], message: str) -> None:
    with pytest.raises(UserError) as refused:
        read(s3, ["new/a.jpg", "new/x/b.jpg"], outputs)
    assert message in str(refused.value)
