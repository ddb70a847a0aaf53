"""Only images that changed since an earlier execution are decoded, and training data change with their images."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from groundloop.errors import UserError
from groundloop.images.access import ImageFault, UnusableImageError
from groundloop.images.listing import ListedS3Images
from steps.prepare.image_checks import ImageChecks, decode_checks

ManifestLine = Callable[..., dict[str, Any]]
Picture = Callable[..., bytes]
Prepare = Callable[..., Any]
URI = "s3://bucket/groundloop/image-checks/checks.msgpack"
#: More than are asked for one by one before their folder is listed.
IMAGES = 14


@pytest.fixture
def stored(s3: Any, manifest_line: ManifestLine, picture: Picture) -> list[dict[str, Any]]:
    """Labelled images, the first of them damaged."""
    for n in range(IMAGES):
        body = picture() if n else b"damaged"
        s3.put_object(Bucket="bucket", Key=f"images/{n:02}.png", Body=body)
    return [manifest_line(f"images/{n:02}.png", "nut") for n in range(IMAGES)]


@pytest.fixture
def again(prepare: Prepare, s3: Any, tmp_path: Path) -> Prepare:
    """Run the job with the checks of the run before, and keep its own for the next."""

    def run(lines: list[dict[str, Any]], check: str = "decode") -> Any:
        folder = tmp_path / "image-checks"
        done = prepare(lines, f"--image-checks-uri={URI}", f"--image-checks-output={folder}", check_images=check)
        content = (folder / "checks.msgpack").read_bytes()
        s3.put_object(Bucket="bucket", Key=URI.removeprefix("s3://bucket/"), Body=content)
        return done

    return run


def test_the_first_run_decodes_all_and_the_next_none(again: Prepare, stored: list[dict[str, Any]]) -> None:
    first, second = again(stored), again(stored)
    assert f"images: {IMAGES} checked, 1 rejected; {IMAGES} decoded" in first.out
    assert f"images: {IMAGES} checked, 1 rejected; 0 decoded" in second.out
    assert first.rejected == second.rejected != []
    assert first.summary == second.summary


def test_what_changed_is_decoded_again(
    again: Prepare, s3: Any, stored: list[dict[str, Any]], picture: Picture, manifest_line: ManifestLine
) -> None:
    again(stored)
    s3.put_object(Bucket="bucket", Key="images/00.png", Body=picture())
    s3.put_object(Bucket="bucket", Key="images/05.png", Body=picture(mode="L"))
    s3.put_object(Bucket="bucket", Key="images/new.png", Body=picture())
    stored[9]["bb"]["image_size"][0]["width"] = 65
    done = again([*stored, manifest_line("images/new.png", "nut")])
    assert f"images: {IMAGES + 1} checked, 2 rejected; 4 decoded" in done.out
    assert [(entry["line"], entry["code"]) for entry in done.rejected] == [
        (6, "ERROR_IMAGE_CHANNELS"),
        (10, "ERROR_IMAGE_SIZE_DIFFERS"),
    ]


def test_damaged_checks_are_not_used(again: Prepare, s3: Any, stored: list[dict[str, Any]]) -> None:
    s3.put_object(Bucket="bucket", Key=URI.removeprefix("s3://bucket/"), Body=b"\xff{")
    done = again(stored)
    assert done.code == 0
    assert f"warning: the image checks of earlier executions, {URI}, are damaged" in done.out
    assert f"{IMAGES} decoded" in done.out


@pytest.mark.parametrize("check", ["exists", "decode"])
def test_training_data_change_with_the_images_that_are_trained_on(
    again: Prepare, s3: Any, stored: list[dict[str, Any]], picture: Picture, check: str
) -> None:
    stored = stored[1:]
    first = again(stored, check)
    trained, tested = first.lines("train")[0], first.lines("test")[0]

    def overwrite(line: dict[str, Any], body: bytes) -> str:
        s3.put_object(Bucket="bucket", Key=line["source-ref"].removeprefix("s3://bucket/"), Body=body)
        return str(again(stored, check).message)

    assert overwrite(trained, picture()) == first.message, "the same image uploaded again"
    assert overwrite(tested, picture(kind="BMP")) == first.message, "an image that is only tested on"
    assert overwrite(trained, picture(kind="BMP")) != first.message


def test_folders_are_listed_rather_than_asked_for_image_by_image(
    s3: Any, stored: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    images, asked = ListedS3Images(max_objects=100), []
    images._s3.meta.events.register("before-call.s3", lambda model, **_: asked.append(model.name))
    uris = [line["source-ref"] for line in stored]
    assert [images.version(uri).size for uri in uris] == [
        s3.head_object(Bucket="bucket", Key=uri.removeprefix("s3://bucket/"))["ContentLength"] for uri in uris
    ]
    assert (asked.count("HeadObject"), asked.count("ListObjectsV2")) == (8, 1)


def test_images_may_lie_at_the_top_of_a_bucket_and_have_any_name(s3: Any) -> None:
    names = [f"{n} ä+%20&.png" for n in range(10)]
    for size, name in enumerate(names):
        s3.put_object(Bucket="bucket", Key=name, Body=b"x" * size)
    images = ListedS3Images(max_objects=100)
    assert [images.version(f"s3://bucket/{name}").size for name in names] == list(range(10))


def test_an_image_that_is_missing_says_so(s3: Any, stored: list[dict[str, Any]]) -> None:
    images = ListedS3Images(max_objects=100)
    for line in stored:
        images.version(line["source-ref"])
    with pytest.raises(UnusableImageError, match="not in S3"):
        images.version("s3://bucket/images/none.png")


def test_a_folder_with_far_more_than_the_images_is_not_listed(s3: Any, stored: list[dict[str, Any]]) -> None:
    images = ListedS3Images(max_objects=IMAGES - 1)
    assert len({images.version(line["source-ref"]) for line in stored}) == 2


def test_checks_of_other_images_are_kept_until_they_are_too_many() -> None:
    checks = ImageChecks()
    for key in range(1, 10):
        checks.add(key, None if key % 2 else (ImageFault.INVALID, "damaged"))
    later = ImageChecks(checks.encoded())
    assert (later.find(1), later.find(2), later.find(99)) == ((None,), ((ImageFault.INVALID, "damaged"),), None)
    kept = ImageChecks(later.encoded())
    assert kept.find(9) is None, "nine are more than four times the two that were used"
    assert (kept.find(1), kept.find(2)) == ((None,), ((ImageFault.INVALID, "damaged"),))
    for key in range(3):
        kept.add(100 + key, None)
    assert ImageChecks(kept.encoded()).find(1) == (None,)


@pytest.mark.parametrize("content", [b"{", b"\x81\xa6passed\xc4\x03abc", b"\x81\xa6faults\x81\x01\x92\xa1a\xa1b"])
def test_content_that_is_no_checks_is_an_error(content: bytes) -> None:
    with pytest.raises(UserError, match="are damaged"):
        decode_checks(content)


def test_keys_take_eight_bytes_each() -> None:
    checks = ImageChecks()
    for key in range(1000):
        checks.add(key, None)
    assert len(checks.encoded()) < 8 * 1000 + 50
    assert array("Q").itemsize == 8
