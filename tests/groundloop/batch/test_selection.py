"""The images of a transform job: found, checked one by one, and listed for it."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from PIL import Image

from groundloop.batch.selection import Selection, SkippedImage, decode_selection, select_images
from groundloop.errors import UserError
from groundloop.models.packages import Package

PACKAGE = Package(
    arn="arn:aws:sagemaker:us-east-1:123456789012:model-package/detectors/7",
    version=7,
    approval_status="Approved",
    test_manifest_uri="s3://bucket/test.manifest",
    summary={"classes": ["bolt", "nut"]},
    evaluation={"threshold": 0.4, "class_thresholds": {"nut": 0.6}},
)


def encoded(kind: str = "JPEG", mode: str = "RGB", orientation: int = 1) -> bytes:
    stream, exif = io.BytesIO(), Image.Exif()
    if orientation != 1:
        exif[0x0112] = orientation
    Image.new(mode, (40, 20)).save(stream, kind, exif=exif)
    return stream.getvalue()


def put(s3: Any, objects: dict[str, bytes]) -> None:
    for key, content in objects.items():
        s3.put_object(Bucket="bucket", Key=key, Body=content)


def select(source: str) -> Selection:
    return select_images(source, PACKAGE, "us-east-1", max_payload_mb=1)


def test_images_below_a_prefix_are_listed_with_their_stored_size(s3: Any) -> None:
    put(s3, {"new/b.png": encoded("PNG"), "new/x/a.jpg": encoded(), "newer/c.jpg": encoded(), "new/t.jpg": encoded()})
    put(s3, {"new/t.jpg": encoded(orientation=6)})
    for source in ("s3://bucket/new", "s3://bucket/new/"):
        found = select(source)
        assert [image.source_ref for image in found.images] == [
            "s3://bucket/new/b.png",
            "s3://bucket/new/t.jpg",
            "s3://bucket/new/x/a.jpg",
        ], "the sibling prefix newer/ is another folder"
    assert [(image.width, image.height, image.orientation) for image in found.images] == [
        (40, 20, 1),
        (40, 20, 6),
        (40, 20, 1),
    ]
    assert (found.model_package, found.classes, found.thresholds) == (
        PACKAGE.arn,
        ["bolt", "nut"],
        {"bolt": 0.4, "nut": 0.6},
    )
    assert json.loads(found.manifest()) == [{"prefix": "s3://bucket/new/"}, "b.png", "t.jpg", "x/a.jpg"]
    assert decode_selection(found.encoded(), "selection.json") == found


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(encoded()[:200], "not an image that can be read", id="header cut off"),
        pytest.param(encoded("PNG")[:-30], "the image cannot be decoded", id="pixels cut off"),
        pytest.param(b"\xff\xd8\xff" + bytes(1_000_001), "over the 1 MB", id="over the payload limit"),
        pytest.param(encoded("WEBP"), "neither a JPEG nor a PNG", id="another format by the name of JPEG"),
        pytest.param(encoded(mode="L"), "1 channel", id="grey"),
        pytest.param(None, "the image is not in S3", id="missing"),
    ],
)
def test_an_image_that_would_fail_the_job_is_skipped(s3: Any, content: bytes | None, reason: str) -> None:
    put(s3, {"good.jpg": encoded(), **({"bad.jpg": content} if content else {})})
    lines = b'{"source-ref": "s3://bucket/good.jpg"}\n\n{"source-ref": "s3://bucket/bad.jpg", "x": 1}\n'
    put(s3, {"in.manifest": lines + lines})
    found = select("s3://bucket/in.manifest")
    assert [image.source_ref for image in found.images] == ["s3://bucket/good.jpg"]
    (skipped,) = found.skipped
    assert isinstance(skipped, SkippedImage)
    assert skipped.source_ref == "s3://bucket/bad.jpg"
    assert reason in skipped.reason


@pytest.mark.parametrize(
    ("objects", "source", "message"),
    [
        pytest.param({"a.txt": b"x"}, "s3://bucket/", "holds no image that can be predicted; 1 files", id="no image"),
        pytest.param({"a.jpg": b"x"}, "s3://bucket/a", "holds no image that can be predicted", id="no prefix"),
        pytest.param(
            {"a/b.jpg": b"x"}, "s3://bucket/a", "s3://bucket/a/b.jpg: the object is neither", id="no good one"
        ),
        pytest.param({"m.jsonl": b'{"source": 1}'}, "s3://bucket/m.jsonl", "m.jsonl, line 1: a man", id="other lines"),
        pytest.param({"m.json": b'{"source-ref": "a.jpg"}'}, "s3://bucket/m.json", "is the S3 URI", id="no URI"),
        pytest.param({}, "s3://bucket/m.manifest", "s3://bucket/m.manifest does not exist", id="no manifest"),
        pytest.param({}, "photos/", "'photos/' is not an S3 URI", id="a folder"),
    ],
)
def test_without_images_the_reason_is_given(s3: Any, objects: dict[str, bytes], source: str, message: str) -> None:
    put(s3, objects)
    with pytest.raises(UserError) as refused:
        select(source)
    assert message in str(refused.value)


def test_images_of_two_buckets_are_no_manifest(s3: Any) -> None:
    s3.create_bucket(Bucket="other")
    put(
        s3, {"a.jpg": encoded(), "m.manifest": b'{"source-ref":"s3://bucket/a.jpg"}\n{"source-ref":"s3://other/a.jpg"}'}
    )
    s3.put_object(Bucket="other", Key="a.jpg", Body=encoded())
    with pytest.raises(UserError, match="in 2 buckets \\(bucket, other\\), but a transform job reads one"):
        select("s3://bucket/m.manifest").manifest()


def test_another_file_is_no_selection() -> None:
    with pytest.raises(UserError, match=r"input/selection\.json is not the list of images of a batch prediction"):
        decode_selection(b"[]", "s3://bucket/input/selection.json")
