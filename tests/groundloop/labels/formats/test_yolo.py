from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from PIL import Image

from groundloop.errors import UserError
from groundloop.images.local import ImageFolder
from groundloop.labels.formats.dataset import LabelledDataset, LabelledImage
from groundloop.labels.formats.yolo import as_yolo, from_yolo
from groundloop.labels.records import Box

MakeImage = Callable[[Path, int, int], None]


@pytest.fixture
def folder(tmp_path: Path, make_image: MakeImage) -> Path:
    """One image of 200 x 100 with one box, by hand: middle (60, 40), size 80 x 20."""
    make_image(tmp_path / "y/images/a.b.jpg", 200, 100)
    (tmp_path / "y/labels").mkdir()
    (tmp_path / "y/labels/a.b.txt").write_text("1 0.3 0.4 0.4 0.2\n")
    (tmp_path / "y/data.yaml").write_text("names: [nut, bolt]\n")
    return tmp_path / "y"


def test_numbers_worked_by_hand(folder: Path) -> None:
    dataset = from_yolo(folder)
    assert dataset.images == (LabelledImage("a.b.jpg", 200, 100, (Box("bolt", 20, 30, 80, 20),)),)
    assert dataset.classes == ("nut", "bolt")
    assert dataset.notes == ()


def test_what_is_written(screws: LabelledDataset, pictures: Path, tmp_path: Path) -> None:
    notes = as_yolo(screws, tmp_path / "y", ImageFolder(pictures))
    written = sorted(str(path.relative_to(tmp_path / "y")) for path in (tmp_path / "y").rglob("*") if path.is_file())
    assert written == [
        "data.yaml",
        "images/a.png",
        "images/b/a.v2.png",
        "images/b/empty.png",
        "labels/a.txt",
        "labels/b/a.v2.txt",
        "labels/b/empty.txt",
    ]
    assert (tmp_path / "y/labels/a.txt").read_text() == (
        "0 0.125000000000 0.400000000000 0.150000000000 0.400000000000\n"
        "1 0.500000000000 0.500000000000 1.000000000000 1.000000000000\n"
    )
    assert (tmp_path / "y/labels/b/empty.txt").read_bytes() == b""
    data = yaml.safe_load((tmp_path / "y/data.yaml").read_text())
    assert data == {"train": "images", "val": "images", "nc": 3, "names": {0: "nut", 1: "bolt", 2: "washer"}}
    assert notes == ["data.yaml names the same images for train and val: split them before you train"]


def test_without_images_a_note_says_what_is_missing(screws: LabelledDataset, tmp_path: Path) -> None:
    notes = as_yolo(screws, tmp_path / "y")
    assert notes[0].startswith("no image was copied: YOLO tools look for them in images/")


@pytest.mark.parametrize("digits", [6, 8])
def test_whole_pixels_come_back_from_the_digits_that_tools_write(
    folder: Path, make_image: MakeImage, digits: int
) -> None:
    make_image(folder / "images/a.b.jpg", 1921, 1083)
    numbers = (107 + 333 / 2) / 1921, (5 + 17 / 2) / 1083, 333 / 1921, 17 / 1083
    (folder / "labels/a.b.txt").write_text(f"0 {' '.join(f'{number:.{digits}f}' for number in numbers)}\n")
    assert from_yolo(folder).images[0].boxes == (Box("nut", 107, 5, 333, 17),)


def test_fractions_of_pixels_stay(folder: Path) -> None:
    (folder / "labels/a.b.txt").write_text("0 0.5 0.5 0.1234567 0.5\n")
    assert from_yolo(folder).images[0].boxes[0].width == pytest.approx(24.69134)


@pytest.mark.parametrize(
    ("names", "classes"),
    [
        pytest.param("names: {7: bolt, 2: nut}", ("nut", "bolt"), id="ids with gaps"),
        pytest.param("nc: 2\nnames: ['no', 12]", ("no", "12"), id="names that YAML would read otherwise"),
    ],
)
def test_names_in_the_order_of_their_ids(folder: Path, names: str, classes: tuple[str, ...]) -> None:
    (folder / "data.yaml").write_text(names)
    (folder / "labels/a.b.txt").write_text("")
    assert from_yolo(folder).classes == classes


def test_class_names_from_a_text_file(folder: Path) -> None:
    (folder / "data.yaml").unlink()
    (folder / "classes.txt").write_text("nut\nbolt\n")
    assert from_yolo(folder).images[0].boxes[0].class_name == "bolt"


@pytest.mark.parametrize("where", ["", "path: ."])
def test_the_data_yaml_stands_for_its_folder(folder: Path, where: str) -> None:
    (folder / "data.yaml").write_text(f"{where}\nnames: [nut, bolt]\ntrain: images\nval: images\n")
    assert from_yolo(folder / "data.yaml") == from_yolo(folder)


@pytest.mark.parametrize("named", ["../y", "/datasets/of/another/machine"])
def test_a_data_yaml_elsewhere_names_the_folder_or_lies_in_it(folder: Path, named: str) -> None:
    file = folder / "data.yaml"
    if named == "../y":
        (folder.parent / "configs").mkdir()
        file = file.rename(folder.parent / "configs/screws.yaml")
    file.write_text(f"path: {named}\nnames: [nut, bolt]\n")
    assert from_yolo(file).boxes == 1


def test_a_split_is_told(folder: Path) -> None:
    (folder / "data.yaml").write_text("names: [nut, bolt]\ntrain: images/train\nval: images/val\n")
    assert from_yolo(folder).notes == ("the split of data.yaml (train, val) is not kept: all images are read",)


@pytest.mark.parametrize(
    ("names", "labels", "given", "images"),
    [
        pytest.param("", "", "", "", id="all in one folder"),
        pytest.param("labels", "labels", "", "images", id="labels and images apart"),
        pytest.param("labels", "labels", "labels", "images", id="its labels given"),
        pytest.param("annotations", "annotations", "annotations", "photos", id="images given"),
    ],
)
def test_labelimg_keeps_the_classes_beside_the_label_files(
    tmp_path: Path, make_image: MakeImage, names: str, labels: str, given: str, images: str
) -> None:
    make_image(tmp_path / images / "a.jpg", 200, 100)
    for place, content in ((f"{names}/classes.txt", "nut\nbolt\n"), (f"{labels}/a.txt", "1 0.3 0.4 0.4 0.2\n")):
        (tmp_path / place.lstrip("/")).parent.mkdir(exist_ok=True)
        (tmp_path / place.lstrip("/")).write_text(content)
    folder = ImageFolder(tmp_path / images) if images == "photos" else None
    dataset = from_yolo(tmp_path / given, folder)
    assert dataset.images == (LabelledImage("a.jpg", 200, 100, (Box("bolt", 20, 30, 80, 20),)),)


def test_the_folder_of_the_data_set_may_be_given_as_that_of_the_images(folder: Path) -> None:
    assert from_yolo(folder, ImageFolder(folder)) == from_yolo(folder)


def test_parts_of_a_data_set_are_read_together(tmp_path: Path, make_image: MakeImage) -> None:
    for part in ("train", "valid"):
        make_image(tmp_path / part / "images/a.jpg", 10, 10)
        (tmp_path / part / "labels").mkdir()
        (tmp_path / part / "labels/a.txt").write_text("0 0.5 0.5 1 1\n")
    (tmp_path / "data.yaml").write_text("names: [nut]\ntrain: ../train/images\n")
    dataset = from_yolo(tmp_path)
    assert [image.name for image in dataset.images] == ["train/a.jpg", "valid/a.jpg"]
    assert dataset.boxes == 2


def test_empty_and_missing_label_files_are_negatives(folder: Path, make_image: MakeImage) -> None:
    (folder / "labels/a.b.txt").write_text("\n")
    make_image(folder / "images/c.jpg", 5, 5)
    dataset = from_yolo(folder)
    assert dataset.negatives == 2
    assert dataset.notes == ("1 images have no label file and are taken for negatives, as Ultralytics does",)


def test_confidences_are_told(folder: Path) -> None:
    (folder / "labels/a.b.txt").write_text("1 0.3 0.4 0.4 0.2 0.98\n")
    dataset = from_yolo(folder)
    assert dataset.boxes == 1
    assert dataset.notes == ("1 confidences not kept",)


def test_an_image_that_exif_turns_has_the_size_it_is_shown_in(folder: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (200, 100)).save(folder / "images/a.b.jpg", exif=exif)
    dataset = from_yolo(folder)
    assert (dataset.images[0].width, dataset.images[0].height) == (100, 200)
    assert dataset.notes[0].startswith("1 images are rotated by their EXIF orientation, first a.b.jpg: ")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        pytest.param("2 0.3 0.4 0.4 0.2", r"the class '2' is not in the list of classes \(0 nut, 1 bolt\)", id="class"),
        pytest.param("9" * 5000 + " 0.3 0.4 0.4 0.2", "is not in the list of classes", id="an endless class"),
        pytest.param("1 0.3 0.4 0.4", "4 numbers, not 5: a line needs class x y width height", id="too few"),
        pytest.param("1 .1 .1 .2 .1 .2 .2 .1 .2", "9 numbers, not 5: a polygon", id="polygon"),
        pytest.param("1 60 40 80 20", "are not fractions of the image", id="pixels"),
        pytest.param("1 nan 0.4 0.4 0.2", "are not fractions of the image", id="not a number"),
        pytest.param("1 a 0.4 0.4 0.2", "are not four numbers", id="text"),
        pytest.param("1 0.3 0.4 0 0.2", "has no area", id="no area"),
        pytest.param("1 0.9 0.4 0.4 0.2", "beyond|outside|leaves", id="beyond the image"),
    ],
)
def test_broken_lines_are_named(folder: Path, line: str, message: str) -> None:
    (folder / "labels/a.b.txt").write_text(f"1 0.3 0.4 0.4 0.2\n{line}\n")
    with pytest.raises(UserError, match=rf"a\.b\.txt, line 2: .*({message})"):
        from_yolo(folder)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param("names: [", "not YAML", id="not YAML"),
        pytest.param("nc: 2", "names is not a list of class names", id="no names"),
        pytest.param("nc: 3\nnames: [nut, bolt]", "nc is 3, but names holds 2 classes", id="wrong count"),
        pytest.param("names: [nut, no]", "the name of class 1 is read as False: put it into quotes", id="no quotes"),
        pytest.param("names: {a: nut}", "the class id 'a' in names is not a whole number", id="id"),
        pytest.param("names: [nut, nut]", "'nut' is named twice", id="twice"),
    ],
)
def test_broken_lists_of_classes(folder: Path, content: str, message: str) -> None:
    (folder / "data.yaml").write_text(content)
    with pytest.raises(UserError, match=message):
        from_yolo(folder)


def test_label_files_without_an_image_are_refused(folder: Path) -> None:
    (folder / "labels/z.txt").write_text("")
    with pytest.raises(UserError, match=r"z\.txt: there is no image for it .* \(1 such files\)"):
        from_yolo(folder)


def test_no_images_at_all(folder: Path) -> None:
    (folder / "images").rename(folder.parent / "elsewhere")
    with pytest.raises(UserError, match=r"holds no folder images/.* give --images"):
        from_yolo(folder)
    assert from_yolo(folder, ImageFolder(folder.parent / "elsewhere")).boxes == 1


def test_an_image_that_is_none(folder: Path) -> None:
    (folder / "images/a.b.jpg").write_bytes(b"text")
    with pytest.raises(UserError, match=r"a\.b\.jpg: cannot be read as an image"):
        from_yolo(folder)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        pytest.param(["a.jpg", "a.png"], "a.jpg and a.png would share the label file a.txt", id="same stem"),
        pytest.param(["x/images/a.jpg"], "folder called images below images/", id="images below images"),
        pytest.param(["a"], "no suffix of an image file", id="no suffix"),
        pytest.param(["../a.jpg"], "cannot be a file below a folder", id="out of the folder"),
        pytest.param(["/a.jpg"], "cannot be a file below a folder", id="absolute"),
    ],
)
def test_names_that_do_not_fit(tmp_path: Path, names: list[str], message: str) -> None:
    dataset = LabelledDataset(tuple(LabelledImage(name, 10, 10) for name in names), ())
    with pytest.raises(UserError, match=message):
        as_yolo(dataset, tmp_path / "y")
    assert not (tmp_path / "y").exists()


def test_the_same_stem_in_two_folders_is_no_collision(tmp_path: Path) -> None:
    dataset = LabelledDataset((LabelledImage("a/x.jpg", 10, 10), LabelledImage("b/x.jpg", 10, 10)), ())
    as_yolo(dataset, tmp_path / "y")
    assert len(list((tmp_path / "y/labels").rglob("x.txt"))) == 2
