from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from groundloop.errors import UserError
from groundloop.images.local import ImageFolder
from groundloop.labels.formats.dataset import LabelledDataset, LabelledImage
from groundloop.labels.formats.jumpstart import as_jumpstart, from_jumpstart
from groundloop.labels.records import Box

CONTENT: dict[str, Any] = {
    "images": [{"file_name": "a.png", "height": 100, "width": 200, "id": 5}],
    "annotations": [{"image_id": 5, "bbox": [10, 20, 40, 60], "category_id": 1}],
}


def write(folder: Path, content: object) -> Path:
    (folder / "annotations.json").write_text(json.dumps(content))
    return folder


def test_corners_and_only_images_with_boxes_are_written(
    screws: LabelledDataset, pictures: Path, tmp_path: Path
) -> None:
    notes = as_jumpstart(screws, tmp_path / "j", ImageFolder(pictures))
    content = json.loads((tmp_path / "j/annotations.json").read_text())
    assert content == {
        "images": [
            {"file_name": "a.png", "height": 100, "width": 200, "id": 0},
            {"file_name": "b/a.v2.png", "height": 77, "width": 333, "id": 1},
        ],
        "annotations": [
            {"image_id": 0, "bbox": [10, 20, 40, 60], "category_id": 0},
            {"image_id": 0, "bbox": [0, 0, 200, 100], "category_id": 1},
            {"image_id": 1, "bbox": [332, 76, 333, 77], "category_id": 0},
        ],
    }
    assert (tmp_path / "j/classes.txt").read_text() == "nut\nbolt\nwasher\n"
    assert (tmp_path / "j/images/b/a.v2.png").is_file()
    assert not (tmp_path / "j/images/b/empty.png").exists()
    assert notes == [
        "1 images without boxes left out: JumpStart's algorithm fails on them",
        "annotations.json holds ids only: classes.txt beside it has the names of the classes",
    ]


def test_corners_are_read(tmp_path: Path) -> None:
    (tmp_path / "classes.txt").write_text("bolt\nnut\n")
    dataset = from_jumpstart(write(tmp_path, CONTENT))
    assert dataset.images == (LabelledImage("a.png", 200, 100, (Box("nut", 10, 20, 30, 40),)),)
    assert dataset.classes == ("bolt", "nut")


def test_without_names_the_ids_are_the_names_and_that_is_told(tmp_path: Path) -> None:
    dataset = from_jumpstart(write(tmp_path, CONTENT))
    assert dataset.classes == ("1",)
    assert dataset.notes == ("no classes.txt beside annotations.json: the classes are named by their ids (1)",)


@pytest.mark.parametrize(
    ("change", "names", "message"),
    [
        pytest.param({}, "nut\n", r"annotations\[0\]: category_id 1 has no line in classes.txt", id="class"),
        pytest.param({"images": []}, "a\nb\n", r"annotations\[0\]: there is no image with the id 5", id="image"),
        pytest.param({"images": CONTENT["images"] * 2}, "a\nb\n", "two images have the same id", id="image id"),
        pytest.param(
            {"annotations": [{"image_id": 5, "bbox": [40, 20, 10, 60], "category_id": 1}]},
            "a\nb\n",
            r"annotations\[0\]: .* has no area",
            id="COCO's kind of box",
        ),
    ],
)
def test_broken_files_are_refused(tmp_path: Path, change: dict[str, Any], names: str, message: str) -> None:
    (tmp_path / "classes.txt").write_text(names)
    with pytest.raises(UserError, match=rf"annotations\.json: .*{message}"):
        from_jumpstart(write(tmp_path, CONTENT | change))


def test_a_gap_in_the_list_of_classes_is_refused(tmp_path: Path) -> None:
    (tmp_path / "classes.txt").write_text("nut\n\nbolt\n")
    with pytest.raises(UserError, match="class 2 of 3 has an empty name"):
        from_jumpstart(write(tmp_path, CONTENT))


def test_only_negatives_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no image has a box"):
        as_jumpstart(LabelledDataset((LabelledImage("a.jpg", 10, 10),), ("nut",)), tmp_path / "j")
