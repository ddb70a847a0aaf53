from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from groundloop.errors import UserError
from groundloop.images.local import ImageFolder
from groundloop.images.size import Size, image_size
from groundloop.labels.formats.dataset import LabelledDataset, LabelledImage
from groundloop.labels.formats.disk import check_free, write_file, write_folder
from groundloop.labels.formats.image_sizes import files_of
from groundloop.labels.formats.names import as_file_names, under_prefix

MakeImage = Callable[[Path, int, int], None]


def named(*names: str) -> LabelledDataset:
    return LabelledDataset(tuple(LabelledImage(name, 10, 20) for name in names), ())


@pytest.mark.parametrize(
    ("uris", "prefix", "names", "folder"),
    [
        pytest.param(["s3://b/x/a", "s3://b/x/c"], None, ["a", "c"], "s3://b/x/", id="one folder"),
        pytest.param(["s3://b/x/1/a", "s3://b/x/2/a"], None, ["1/a", "2/a"], "s3://b/x/", id="two folders"),
        pytest.param(["s3://b/x1/a", "s3://b/x2/a"], None, ["x1/a", "x2/a"], "s3://b/", id="alike but not the same"),
        pytest.param(["s3://b/a", "s3://c/a"], None, ["b/a", "c/a"], "s3://", id="two buckets"),
        pytest.param(["s3://b/x/a"], "s3://b", ["x/a"], "s3://b/", id="a prefix"),
    ],
)
def test_s3_uris_become_file_names_and_come_back(
    uris: list[str], prefix: str | None, names: list[str], folder: str
) -> None:
    dataset = as_file_names(named(*uris), prefix)
    assert [image.name for image in dataset.images] == names
    assert dataset.notes == (f"S3 URIs became file names below {folder}: give it as --prefix to convert back",)
    assert [image.name for image in under_prefix(dataset, folder, "x").images] == uris


def test_names_that_cannot_be_made() -> None:
    with pytest.raises(UserError, match="s3://b/a is not below --prefix s3://c/"):
        as_file_names(named("s3://b/a"), "s3://c/")
    with pytest.raises(
        UserError, match=r"coco names images by S3 URIs, .*such as a\.jpg: .* --prefix s3://bucket/images/"
    ):
        under_prefix(named("a.jpg"), None, "coco")
    with pytest.raises(UserError, match="--prefix s3://c/ is not needed"):
        under_prefix(named("s3://b/a"), "s3://c/", "x")
    with pytest.raises(UserError, match="some images are S3 URIs"):
        as_file_names(named("s3://b/a", "a"))
    for prefix in ("bucket/x", "s3:///x", "https://x/"):
        with pytest.raises(UserError, match="is not an S3 folder"):
            under_prefix(named("a.jpg"), prefix, "x")


def test_images_of_another_size_than_labelled_are_refused(tmp_path: Path, make_image: MakeImage) -> None:
    make_image(tmp_path / "a.png", 20, 10)
    with pytest.raises(UserError, match=r"a\.png is 20 x 10 pixels, but its labels were made on 10 x 20"):
        files_of(named("a.png").images, ImageFolder(tmp_path))


def test_a_very_large_image_is_only_measured(tmp_path: Path, make_image: MakeImage) -> None:
    make_image(tmp_path / "a.png", 12_000, 12_000)
    assert image_size(tmp_path / "a.png") == Size(12_000, 12_000)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full/file").write_text("precious")
    for path in (tmp_path / "full", tmp_path / "full/file"):
        with pytest.raises(UserError, match="nothing is overwritten"):
            check_free(path)
    with pytest.raises(UserError, match="nothing is overwritten"):
        write_file(tmp_path / "full/file", b"")
    with pytest.raises(UserError, match="is a folder: give the name of the file"):
        write_file(tmp_path / "full", b"")
    with pytest.raises(UserError, match="nothing is overwritten"):
        write_folder(tmp_path / "full", {}, {})
    with pytest.raises(UserError, match="cannot be written"):
        write_folder(tmp_path / "full/file/new", {"a": b""}, {})
    with pytest.raises(UserError, match="cannot be written"):
        write_file(tmp_path / "full/file/new", b"")
    assert (tmp_path / "full/file").read_text() == "precious"


def test_empty_places_are_used(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    write_file(tmp_path / "file", b"1")
    write_folder(tmp_path / "folder", {"a": b"2"}, {"b/c": tmp_path / "file"})
    assert (tmp_path / "folder/a").read_bytes() == b"2"
    assert (tmp_path / "folder/b/c").read_bytes() == b"1"


def test_two_files_in_one_place_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "c").touch()
    with pytest.raises(UserError, match="would be written twice"):
        write_folder(tmp_path / "folder", {"a": b""}, {"a": tmp_path / "c"})
