from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import pytest
from pycocotools.coco import COCO

from groundloop.errors import UserError
from groundloop.images.local import ImageFolder
from groundloop.labels.formats.coco import as_coco, from_coco
from groundloop.labels.formats.dataset import LabelledDataset
from groundloop.labels.records import Box


@pytest.fixture
def content() -> dict[str, Any]:
    """Sparse ids, listed in no order."""
    return {
        "images": [
            {"id": 70, "file_name": "b.jpg", "width": 100, "height": 50},
            {"id": 3, "file_name": "a.jpg", "width": 100, "height": 50},
        ],
        "annotations": [
            {"id": 1, "image_id": 3, "category_id": 90, "bbox": [1, 2.5, 3, 4], "area": 12, "iscrowd": 0},
            {"id": 2, "image_id": 3, "category_id": 7, "bbox": [5, 6, 7, 8]},
        ],
        "categories": [{"id": 90, "name": "bolt"}, {"id": 7, "name": "nut"}],
    }


def write(folder: Path, content: object) -> Path:
    path = folder / "coco.json"
    path.write_text(json.dumps(content))
    return path


def test_pycocotools_reads_what_is_written(screws: LabelledDataset, tmp_path: Path) -> None:
    assert as_coco(screws, tmp_path / "new" / "coco.json") == []
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(str(tmp_path / "new" / "coco.json"))
    assert [(one["id"], one["name"]) for one in coco.loadCats(coco.getCatIds())] == [
        (1, "nut"),
        (2, "bolt"),
        (3, "washer"),
    ]
    found = {}
    for image in coco.loadImgs(coco.getImgIds()):
        annotations = coco.loadAnns(coco.getAnnIds(imgIds=image["id"]))
        boxes = [(coco.cats[one["category_id"]]["name"], *one["bbox"]) for one in annotations]
        found[image["file_name"]] = (image["width"], image["height"], boxes)
    assert found == {
        "a.png": (200, 100, [("nut", 10, 20, 30, 40), ("bolt", 0, 0, 200, 100)]),
        "b/empty.png": (64, 64, []),
        "b/a.v2.png": (333, 77, [("nut", 332, 76, 1, 1)]),
    }
    assert [coco.anns[number]["area"] for number in coco.getAnnIds()] == [1200, 20000, 1]


def test_numbers_are_written_whole_where_they_are(screws: LabelledDataset, tmp_path: Path) -> None:
    as_coco(screws, tmp_path / "coco.json")
    assert '"bbox":[10,20,30,40],"area":1200,' in (tmp_path / "coco.json").read_text()


def test_sparse_ids_in_any_order_name_the_right_classes(content: dict[str, Any], tmp_path: Path) -> None:
    dataset = from_coco(write(tmp_path, content))
    assert dataset.classes == ("nut", "bolt"), "in the order of their ids"
    assert [image.name for image in dataset.images] == ["b.jpg", "a.jpg"]
    assert dataset.images[0].boxes == ()
    assert dataset.images[1].boxes == (Box("bolt", 1, 2.5, 3, 4), Box("nut", 5, 6, 7, 8))
    assert dataset.notes == ()


def test_what_boxes_cannot_hold_is_told(content: dict[str, Any], tmp_path: Path) -> None:
    content["annotations"][0] |= {"iscrowd": 1, "segmentation": {"counts": [1, 2], "size": [50, 100]}}
    content["annotations"][1] |= {"score": 0.5, "segmentation": []}
    content["categories"][0]["supercategory"] = "screw"
    dataset = from_coco(write(tmp_path, content))
    assert dataset.boxes == 1
    assert dataset.notes == (
        "1 crowd regions left out: they are not boxes of single objects",
        "1 segmentations not kept",
        "1 scores not kept",
        "1 supercategories not kept",
    )


def test_backslashes_of_windows_are_read_as_folders(content: dict[str, Any], tmp_path: Path) -> None:
    content["images"][0]["file_name"] = r"train\b.jpg"
    dataset = from_coco(write(tmp_path, content))
    assert [image.name for image in dataset.images] == ["train/b.jpg", "a.jpg"]
    assert dataset.notes == (r"1 image names have a backslash, which is read as /, first: train\b.jpg",)


def test_a_folder_with_one_coco_file_is_read(content: dict[str, Any], tmp_path: Path) -> None:
    write(tmp_path, content)
    assert from_coco(tmp_path).boxes == 2
    (tmp_path / "captions.json").write_text('{"images": [], "annotations": []}')
    dataset = from_coco(tmp_path)
    assert dataset.boxes == 2
    assert dataset.notes == ("captions.json is not read: it holds no instances",)


def test_a_folder_without_a_coco_file(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(UserError, match="holds no JSON file with annotations, categories, images"):
        from_coco(tmp_path)


@pytest.mark.parametrize(
    ("files", "names"),
    [
        pytest.param(
            ("annotations/instances_train.json", "annotations/instances_val.json"), ["a.jpg", "b.jpg"], id="COCO"
        ),
        pytest.param(
            ("train/_annotations.coco.json", "valid/_annotations.coco.json"),
            ["train/a.jpg", "valid/b.jpg"],
            id="Roboflow",
        ),
    ],
)
def test_files_of_a_split_are_read_together(
    content: dict[str, Any], tmp_path: Path, files: tuple[str, str], names: list[str]
) -> None:
    val = {
        "images": [{"id": 3, "file_name": "b.jpg", "width": 100, "height": 50}],
        "annotations": [{"image_id": 3, "category_id": 1, "bbox": [5, 6, 7, 8]}],
        "categories": [{"id": 1, "name": "washer"}],
    }
    del content["images"][0]
    for file, one in zip(files, (content, val), strict=True):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text(json.dumps(one))
    dataset = from_coco(tmp_path)
    assert [image.name for image in dataset.images] == names
    assert [[box.class_name for box in image.boxes] for image in dataset.images] == [["bolt", "nut"], ["washer"]]
    assert dataset.classes == ("nut", "bolt", "washer"), "ids mean what their own file says"
    assert dataset.notes == (
        f"2 files are read together, so their split is not kept (images: {files[0]} 1, {files[1]} 1)",
    )


def test_sizes_that_are_missing_come_from_the_images(
    content: dict[str, Any], tmp_path: Path, screws: LabelledDataset, pictures: Path
) -> None:
    content["images"] = [{"id": 3, "file_name": "a.png"}]
    path = write(tmp_path, content)
    assert (from_coco(path).images[0].width, from_coco(path).images[0].height) == (0, 0)
    found = from_coco(path, ImageFolder(pictures)).images[0]
    assert (found.width, found.height) == (200, 100)


def test_a_box_a_little_beyond_its_image_is_clipped_and_told(content: dict[str, Any], tmp_path: Path) -> None:
    content["annotations"][1]["bbox"] = [95, 6, 6, 8]
    dataset = from_coco(write(tmp_path, content))
    assert dataset.images[1].boxes[1] == Box("nut", 95, 6, 5, 8)
    (note,) = dataset.notes
    assert note.startswith("1 boxes left their image by up to 2 pixels and were clipped to it, first: ")
    assert note.endswith("coco.json: annotations[1]")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"categories": {"1": "nut"}}, r"expected `array`, got `object` - at `\$.categories`", id="dict"),
        pytest.param({"categories": [{"id": 7, "name": "nut"}] * 2}, "two categories have the same id", id="same id"),
        pytest.param(
            {"categories": [{"id": 7, "name": "nut"}, {"id": 90, "name": "nut"}]},
            "'nut' is named twice",
            id="same name",
        ),
        pytest.param({"categories": [{"id": 7, "name": ""}]}, "empty name", id="no name"),
        pytest.param(
            {"categories": [{"id": 7, "name": "nut"}]}, r"annotations\[0\]: .*category with the id 90", id="category"
        ),
        pytest.param({"images": []}, r"annotations\[0\]: there is no image with the id 3", id="image"),
        pytest.param(
            {"images": [{"id": 3, "file_name": "a", "width": 0, "height": 1}]}, r"\$.images\[0\].width", id="size"
        ),
        pytest.param({"images": [{"id": 3, "file_name": "a"}] * 2}, "two images have the id 3", id="image id"),
        pytest.param(
            {"images": [{"id": 3, "file_name": "a"}, {"id": 4, "file_name": "a"}]}, "image a appears twice", id="twice"
        ),
        pytest.param(
            {"annotations": [{"image_id": 3, "category_id": 7, "bbox": [1, 2, 3]}]},
            r"\$.annotations\[0\].bbox",
            id="three numbers",
        ),
        pytest.param(
            {"annotations": [{"image_id": 3, "category_id": 7, "bbox": [1, 2, 0, 4]}]},
            r"annotations\[0\]: the box of class 'nut' has no area",
            id="no area",
        ),
        pytest.param(
            {"annotations": [{"image_id": 3, "category_id": 7, "bbox": [90, 2, 20, 4]}]},
            r"annotations\[0\]",
            id="beyond",
        ),
    ],
)
def test_broken_files_are_refused(
    content: dict[str, Any], tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=f"coco.json: .*{message}"):
        from_coco(write(tmp_path, content | change))


def test_not_json(tmp_path: Path) -> None:
    (tmp_path / "coco.json").write_bytes(b"{nut")
    with pytest.raises(UserError, match=r"coco\.json: not JSON"):
        from_coco(tmp_path / "coco.json")
    with pytest.raises(UserError, match="cannot be read"):
        from_coco(tmp_path / "absent.json")
