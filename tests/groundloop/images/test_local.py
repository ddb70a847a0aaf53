"""Which file belongs to which label: the rule of every command that takes a folder of images."""

from __future__ import annotations

from pathlib import Path

import pytest

from groundloop.errors import UserError
from groundloop.images.local import ImageFolder


def folder(path: Path, *names: str) -> ImageFolder:
    for name in names:
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).touch()
    return ImageFolder(path)


@pytest.mark.parametrize(
    ("files", "name", "found"),
    [
        pytest.param(["a.png", "x/a.png"], "s3://bucket/y/x/a.png", "x/a.png", id="folders shared with the key"),
        pytest.param(["red/b.png", "blue/b.png"], "s3://b/x/red/b.png", "red/b.png", id="one folder of two"),
        pytest.param(["photos/red/b.png"], "s3://b/red/b.png", "photos/red/b.png", id="further folders on disk"),
        pytest.param(["q/y/a.png", "a.png"], "s3://b/y/a.png", "q/y/a.png", id="the longer tail, however deep"),
        pytest.param(["a.png", "x/a.png"], "s3://bucket/a.png", "a.png", id="a tie: the one that is just there"),
        pytest.param(["one/a.png", "two/a.png"], "s3://two/a.png", "two/a.png", id="the bucket as a folder"),
        pytest.param(["x/a.png"], "x/a.png", "x/a.png", id="a path"),
        pytest.param(["x/a.png"], "s3://b/x//a.png", "x/a.png", id="an empty part"),
        pytest.param(["a.png"], "s3://b/b.png", None, id="another name"),
        pytest.param(["x/a.png"], "x", None, id="a folder"),
        pytest.param(["a.png"], "../..", None, id="out of the folder"),
        pytest.param(["a.png"], "", None, id="no name"),
    ],
)
def test_the_longest_tail_of_the_name_finds_the_file(
    tmp_path: Path, files: list[str], name: str, found: str | None
) -> None:
    images = folder(tmp_path, *files)
    assert images.find(name) == (None if found is None else tmp_path / found)
    assert images.find(name) == images.find(name), "asking again changes nothing"


def test_several_files_that_fit_equally_well_are_a_mistake(tmp_path: Path) -> None:
    images = folder(tmp_path, "red/b.png", "blue/b.png")
    with pytest.raises(UserError, match=r"2 files fit s3://one/b\.png equally well \(blue/b\.png, red/b\.png\)"):
        images.find("s3://one/b.png")


def test_a_file_stands_for_one_image(tmp_path: Path) -> None:
    images = folder(tmp_path, "a.png")
    images.find("s3://one/a.png")
    with pytest.raises(UserError, match=r"would stand for two images, s3://one/a\.png and s3://other/a\.png"):
        images.find("s3://other/a.png")


def test_an_image_that_must_be_there(tmp_path: Path) -> None:
    images = folder(tmp_path, "a.png")
    assert images.file("a.png") == tmp_path / "a.png"
    with pytest.raises(UserError, match=r"the image b\.png is not in the folder"):
        images.file("b.png")


def test_names_are_those_of_image_files(tmp_path: Path) -> None:
    assert folder(tmp_path, "b.JPG", "x/a.png", "notes.txt").names() == ["b.JPG", "x/a.png"]


def test_hidden_folders_are_not_looked_into(tmp_path: Path) -> None:
    for name in ("photos/a.jpg", ".groundloop/run/photos/a.jpg", ".venv/b.jpg"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    folder = ImageFolder(tmp_path)
    assert folder.names() == ["photos/a.jpg"]
    assert folder.find("s3://bucket/run/photos/a.jpg") == tmp_path / "photos/a.jpg"
    assert folder.find("s3://bucket/b.jpg") is None


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="absent is not a folder: give the folder that holds the image files"):
        ImageFolder(tmp_path / "absent")
