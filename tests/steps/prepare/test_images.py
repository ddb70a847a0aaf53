from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from groundloop.images.access import ImageFault
from groundloop.images.decoding import image_problem

ManifestLine = Callable[..., dict[str, Any]]
Picture = Callable[..., bytes]
Prepare = Callable[..., Any]


@pytest.fixture
def stored(s3: Any, manifest_line: ManifestLine, picture: Picture) -> list[dict[str, Any]]:
    """Thirty labelled images that are really there."""
    body = picture()
    for n in range(30):
        s3.put_object(Bucket="bucket", Key=f"images/{n:02}.png", Body=body)
    return [manifest_line(f"images/{n:02}.png", "nut") for n in range(30)]


@pytest.mark.parametrize("check", ["exists", "decode"])
def test_images_that_are_as_they_should_be_stay(prepare: Prepare, stored: list[dict[str, Any]], check: str) -> None:
    done = prepare(stored, check_images=check)
    assert done.code == 0
    assert "images: 30 checked, 0 rejected" in done.out
    assert done.summary["lines"]["labelled"] == 30
    assert done.rejected == []


@pytest.mark.parametrize("check", ["exists", "decode"])
def test_images_that_would_fail_the_transform_are_kept_out(
    prepare: Prepare, s3: Any, stored: list[dict[str, Any]], check: str
) -> None:
    s3.delete_object(Bucket="bucket", Key="images/03.png")
    s3.put_object(Bucket="bucket", Key="images/07.png", Body=b"")
    s3.put_object(Bucket="bucket", Key="images/11.png", Body=b"x" * 100_001)
    stored[12]["source-ref"] = "s3://no-such-bucket/images/12.png"
    done = prepare(stored, "--max-image-mb", "0.1", check_images=check)
    assert done.code == 0
    assert [(entry["line"], entry["code"]) for entry in done.rejected] == [
        (4, "ERROR_IMAGE_MISSING"),
        (8, "ERROR_INVALID_IMAGE"),
        (12, "ERROR_IMAGE_TOO_LARGE"),
        (13, "ERROR_IMAGE_MISSING"),
    ]
    used = [line["source-ref"] for split in ("train", "validation", "test") for line in done.lines(split)]
    assert len(used) == 26
    assert not {entry["source_ref"] for entry in done.rejected} & set(used)
    assert (done.summary["lines"]["labelled"], done.summary["lines"]["rejected"]) == (26, 4)


def test_opening_finds_what_a_look_at_the_size_cannot(
    prepare: Prepare, s3: Any, stored: list[dict[str, Any]], picture: Picture
) -> None:
    for key, body in {"01": picture(mode="L"), "02": picture(size=(48, 64)), "03": b"no image"}.items():
        s3.put_object(Bucket="bucket", Key=f"images/{key}.png", Body=body)
    assert prepare(stored, check_images="exists").rejected == []
    assert [entry["code"] for entry in prepare(stored, check_images="decode").rejected] == [
        "ERROR_IMAGE_CHANNELS",
        "ERROR_IMAGE_SIZE_DIFFERS",
        "ERROR_INVALID_IMAGE",
    ]


def test_an_image_with_a_warning_stays(
    prepare: Prepare, s3: Any, stored: list[dict[str, Any]], picture: Picture
) -> None:
    s3.put_object(Bucket="bucket", Key="images/01.png", Body=_rotated(picture, (64, 48)))
    done = prepare(stored, check_images="decode")
    assert "images: 30 checked, 0 rejected" in done.out
    assert done.summary["findings"] == {"WARNING_IMAGE_ROTATED_BY_EXIF": 1}
    assert sum(len(done.lines(split)) for split in ("train", "validation", "test")) == 30


def test_when_no_image_is_there_the_message_says_so(prepare: Prepare, s3: Any, manifest_line: ManifestLine) -> None:
    done = prepare([manifest_line(f"{n}.jpg", "nut") for n in range(20)], check_images="exists")
    assert done.code == 1
    assert "no usable labelled line: 20 lines read, ERROR_IMAGE_MISSING 20" in done.message


def test_without_credentials_one_line_says_what_to_do(
    prepare: Prepare, manifest_line: ManifestLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/nonexistent")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    done = prepare([manifest_line(f"{n}.jpg", "nut") for n in range(20)], check_images="exists")
    assert done.code == 1
    assert "Unable to locate credentials" in done.message
    assert "--check-images none" in done.message
    assert done.err == f"error: {done.message}\n"


def test_an_s3_that_is_not_there_is_one_line_too(
    prepare: Prepare, manifest_line: ManifestLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setattr("groundloop.aws.MAX_ATTEMPTS", 1)
    done = prepare([manifest_line(f"{n}.jpg", "nut") for n in range(20)], check_images="exists")
    assert done.code == 1
    assert done.message.startswith("S3 can't be reached to read s3://bucket/")


def _rotated(picture: Picture, size: tuple[int, int] = (48, 64)) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return picture(size=size, kind="JPEG", exif=exif)


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        pytest.param(lambda picture: picture(), None, "", id="a valid PNG"),
        pytest.param(lambda picture: picture(kind="JPEG"), None, "", id="a valid JPEG"),
        pytest.param(lambda picture: b"", ImageFault.INVALID, "cannot be decoded", id="nothing"),
        pytest.param(lambda picture: b"<xml/>", ImageFault.INVALID, "cannot be decoded", id="no image"),
        pytest.param(lambda picture: picture()[:-30], ImageFault.INVALID, "cannot be decoded", id="cut off"),
        pytest.param(lambda picture: picture(size=(63, 48)), ImageFault.SIZE_DIFFERS, "63 x 48", id="another size"),
        pytest.param(_rotated, ImageFault.SIZE_DIFFERS, "EXIF", id="rotated by EXIF"),
        pytest.param(
            lambda picture: _rotated(picture, (64, 48)),
            ImageFault.EXIF_ROTATED,
            "EXIF",
            id="rotated but labelled as stored",
        ),
        pytest.param(lambda picture: picture(mode="L"), ImageFault.CHANNELS, "1 channel (mode L)", id="gray"),
        pytest.param(lambda picture: picture(mode="RGBA"), ImageFault.CHANNELS, "4 channels", id="with alpha"),
        pytest.param(lambda picture: picture(mode="P"), ImageFault.CHANNELS, "mode P", id="palette"),
        pytest.param(
            lambda picture: picture(size=(20_000, 6_000), mode="1"), ImageFault.INVALID, "", id="too many pixels"
        ),
    ],
)
def test_what_is_wrong_with_an_image(
    picture: Picture, body: Callable[[Picture], bytes], code: ImageFault | None, message: str
) -> None:
    problem = image_problem(body(picture), 64, 48)
    if code is None:
        assert problem is None
    else:
        assert problem is not None
        assert problem[0] is code
        assert message in problem[1]
