"""The images of files, folders, patterns, S3 and manifests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from groundloop.errors import UserError
from groundloop.images.access import ImageFault, UnusableImageError
from groundloop.prediction.sources import ImageSources

KEYS = ["in/a.jpg", "in/b.PNG", "in/deep/c.webp", "in/notes.txt", "index.jpg"]


class FakeS3:
    """Lists and reads objects whose content is their key."""

    def get_paginator(self, operation: str) -> FakeS3:
        assert operation == "list_objects_v2"
        return self

    def paginate(self, *, Bucket: str, Prefix: str) -> Iterator[dict[str, Any]]:  # noqa: N803 - boto3's names
        assert Bucket == "bucket"
        found = [{"Key": key} for key in KEYS if key.startswith(Prefix)]
        yield {"Contents": found[:2]}
        yield {"Contents": found[2:]} if found[2:] else {}

    def size(self, source_ref: str) -> int:
        return len(source_ref)

    def body(self, source_ref: str) -> bytes:
        if "missing" in source_ref:
            raise UnusableImageError(ImageFault.MISSING, "the image is not in S3")
        return source_ref.encode()


def find(*sources: str, folder: Path | None = None) -> list[Any]:
    return ImageSources(FakeS3, FakeS3, folder).find(sources)


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("photos/b.jpg", "photos/a.PNG", "photos/deep/c.tif", "photos/notes.txt", "photos/.hidden/d.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    lines = [{"source-ref": "s3://bucket/in/a.jpg"}, {"source-ref": "photos/b.jpg"}]
    (tmp_path / "out.manifest").write_text("".join(json.dumps(line) + "\n" for line in lines))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("photos")
@pytest.mark.parametrize(
    ("sources", "names"),
    [
        pytest.param(["photos/b.jpg"], ["photos/b.jpg"], id="a file"),
        pytest.param(["photos/notes.txt"], ["photos/notes.txt"], id="a file of any name"),
        pytest.param(["photos"], ["photos/a.PNG", "photos/b.jpg", "photos/deep/c.tif"], id="a folder"),
        pytest.param(["photos/*.*"], ["photos/a.PNG", "photos/b.jpg"], id="a pattern"),
        pytest.param(["photos/**/*.tif"], ["photos/deep/c.tif"], id="a pattern with folders"),
        pytest.param(["photos/b.jpg", "photos/*.jpg"], ["photos/b.jpg"], id="each once"),
        pytest.param(["out.manifest"], ["s3://bucket/in/a.jpg", "photos/b.jpg"], id="a manifest"),
        pytest.param(["s3://bucket/in/a.jpg"], ["s3://bucket/in/a.jpg"], id="an object"),
        pytest.param(
            ["s3://bucket/in"],
            ["s3://bucket/in/a.jpg", "s3://bucket/in/b.PNG", "s3://bucket/in/deep/c.webp"],
            id="a prefix",
        ),
        pytest.param(["s3://bucket/in/?.jpg"], ["s3://bucket/in/a.jpg"], id="a pattern in S3"),
    ],
)
def test_sources(sources: list[str], names: list[str]) -> None:
    found = find(*sources)
    assert [image.name for image in found] == names
    assert [image.read().decode() for image in found] == names


def test_a_manifests_images_can_lie_in_a_folder(photos: Path) -> None:
    (photos / "photos" / "in").mkdir()
    (photos / "photos" / "in" / "a.jpg").write_bytes(b"here")
    assert [image.read() for image in find("out.manifest", folder=photos / "photos")] == [b"here", b"photos/b.jpg"]


@pytest.mark.usefixtures("photos")
def test_files_made_from_images_keep_their_folders() -> None:
    assert [image.file_name for image in find("photos", "s3://bucket/in")][2:] == [
        *("deep/c.tif", "a.jpg", "b.PNG", "deep/c.webp")
    ]


@pytest.mark.usefixtures("photos")
@pytest.mark.parametrize(
    ("source", "message"),
    [
        pytest.param("none.jpg", "none.jpg: can't be read: there is no such file or folder", id="no such file"),
        pytest.param("photos/*.gif", r"photos/\*.gif: there are no images", id="a pattern that nothing fits"),
        pytest.param("s3://bucket/other/", "s3://bucket/other/: there are no images", id="an empty prefix"),
        pytest.param("wrong.manifest", "wrong.manifest, line 2: not a line of a manifest", id="not a manifest"),
    ],
)
def test_a_source_without_images_is_a_message(source: str, message: str) -> None:
    Path("wrong.manifest").write_text('{"source-ref": "s3://bucket/a.jpg"}\n{"image": 3}\n')
    with pytest.raises(UserError, match=message):
        find(source)


def test_an_image_that_cannot_be_read_fails_by_itself(photos: Path) -> None:
    (photos / "photos" / "b.jpg").unlink()
    images = [*find("out.manifest"), *find("s3://bucket/missing.jpg")]
    assert images[0].read() == b"s3://bucket/in/a.jpg"
    for image, message in zip(images[1:], ["No such file", "not in S3"], strict=True):
        with pytest.raises(UserError, match=message):
            image.read()
