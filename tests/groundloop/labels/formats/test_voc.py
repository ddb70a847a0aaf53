from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from groundloop.errors import UserError
from groundloop.images.local import ImageFolder
from groundloop.labels.formats.dataset import LabelledDataset, LabelledImage
from groundloop.labels.formats.voc import as_voc, from_voc
from groundloop.labels.records import Box

OBJECT = (
    "<object><name>nut</name><bndbox><xmin>11</xmin><ymin>21</ymin><xmax>40</xmax><ymax>60</ymax></bndbox></object>"
)
SIDES = ("xmin", "ymin", "xmax", "ymax")
SIZE = "<size><width>200</width><height>100</height><depth>3</depth></size>"


def write(folder: Path, content: str, name: str = "a.xml") -> Path:
    (folder / "Annotations").mkdir(exist_ok=True)
    (folder / "Annotations" / name).write_text(content)
    return folder


def annotation(inside: str) -> str:
    return f"<annotation><filename>a.jpg</filename>{inside}</annotation>"


def test_corners_are_counted_from_1_and_inclusive(tmp_path: Path) -> None:
    dataset = from_voc(write(tmp_path, annotation(SIZE + OBJECT)))
    assert dataset.images == (LabelledImage("a.jpg", 200, 100, (Box("nut", 10, 20, 30, 40),)),)
    assert dataset.classes == ("nut",)
    assert dataset.notes == ()


def test_what_is_written_as_another_reader_sees_it(screws: LabelledDataset, pictures: Path, tmp_path: Path) -> None:
    assert as_voc(screws, tmp_path / "v", ImageFolder(pictures)) == []
    found = {}
    for path in (tmp_path / "v/Annotations").rglob("*.xml"):
        root = ElementTree.parse(path).getroot()  # noqa: S314 - we wrote it
        boxes = [
            (one.findtext("name"), *(int(one.findtext(f"bndbox/{side}") or "") for side in SIDES))
            for one in root.findall("object")
        ]
        place = f"{root.findtext('folder')}/{root.findtext('filename')}"
        assert (tmp_path / "v" / place).is_file()
        found[place] = (root.findtext("size/width"), root.findtext("size/height"), boxes)
    assert found == {
        "JPEGImages/a.png": ("200", "100", [("nut", 11, 21, 40, 60), ("bolt", 1, 1, 200, 100)]),
        "JPEGImages/b/empty.png": ("64", "64", []),
        "JPEGImages/b/a.v2.png": ("333", "77", [("nut", 333, 77, 333, 77)]),
    }
    assert (tmp_path / "v/classes.txt").read_text() == "nut\nbolt\nwasher\n"


def test_fractions_are_rounded_and_told(tmp_path: Path) -> None:
    boxes = (
        Box("nut", 1.4, 1.6, 10, 10),
        Box("nut", 99.7, 0, 0.3, 10),
        Box("nut", 1, 1, 5, 5),
        Box("nut", 9.1, 9.1, 0.3, 0.3),
    )
    notes = as_voc(LabelledDataset((LabelledImage("a.jpg", 100, 50, boxes),), ("nut",)), tmp_path / "v")
    assert notes == [
        "3 boxes were rounded to whole pixels: Pascal VOC holds no fractions",
        "no image was copied: tools for Pascal VOC look for them in JPEGImages/; see --images",
    ]
    back = from_voc(tmp_path / "v").images[0].boxes
    assert back == (Box("nut", 1, 2, 10, 10), Box("nut", 99, 0, 1, 10), Box("nut", 1, 1, 5, 5), Box("nut", 9, 9, 1, 1))


def test_flags_and_a_count_from_0_are_told(tmp_path: Path) -> None:
    clipped = OBJECT.replace("<xmin>11", "<xmin>0").replace(
        "<bndbox>", "<difficult>1</difficult><truncated>1</truncated><pose>Left</pose><part/><bndbox>"
    )
    dataset = from_voc(write(tmp_path, annotation(SIZE + clipped)))
    assert dataset.images[0].boxes == (Box("nut", 0, 20, 40, 40),)
    assert dataset.notes[:4] == (
        "1 objects marked difficult, which is not kept",
        "1 objects marked truncated, which is not kept",
        "1 objects with a pose, which is not kept",
        "1 objects with parts, which is not kept",
    )
    assert dataset.notes[4].startswith("1 boxes begin at 0, where Pascal VOC counts from 1")


def test_files_beside_the_images_are_read_too(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(annotation(SIZE))
    assert from_voc(tmp_path).negatives == 1


@pytest.mark.parametrize("folder", ["Annotations", "annotations", "ANNOTATIONS"])
def test_the_annotations_folder_in_any_case_is_no_part_of_a_name(tmp_path: Path, folder: str) -> None:
    (tmp_path / folder / "b").mkdir(parents=True)
    (tmp_path / folder / "b/a.xml").write_text(annotation(SIZE))
    assert [image.name for image in from_voc(tmp_path).images] == ["b/a.jpg"]


@pytest.mark.parametrize(
    ("file", "name"),
    [
        pytest.param("train/annotations/a.xml", "train/a.jpg", id="a part"),
        pytest.param("train/a.xml", "train/a.jpg", id="beside the images of a part"),
        pytest.param("Annotations/annotations/a.xml", "annotations/a.jpg", id="images in a folder of that name"),
    ],
)
def test_parts_of_a_data_set(tmp_path: Path, file: str, name: str) -> None:
    (tmp_path / file).parent.mkdir(parents=True)
    (tmp_path / file).write_text(annotation(SIZE))
    assert [image.name for image in from_voc(tmp_path).images] == [name]


def test_backslashes_of_windows_are_read_as_folders(tmp_path: Path) -> None:
    dataset = from_voc(write(tmp_path, annotation(SIZE).replace("a.jpg", r"b\a.jpg")))
    assert dataset.images[0].name == "b/a.jpg"
    assert dataset.notes == (r"1 image names have a backslash, which is read as /, first: b\a.jpg",)


def test_a_missing_size_comes_from_the_images(tmp_path: Path, pictures: Path) -> None:
    folder = write(tmp_path, annotation(OBJECT).replace("a.jpg", "a.png"))
    assert from_voc(folder).images[0].width == 0
    assert from_voc(folder, ImageFolder(pictures)).images[0].width == 200


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param("<annotation>", "not XML", id="cut off"),
        pytest.param("<svg/>", "the root element is svg, not annotation", id="another kind"),
        pytest.param(
            '<!DOCTYPE a [<!ENTITY b "c"><!ENTITY d "&b;&b;">]>' + annotation("&d;"), "has a DOCTYPE", id="entities"
        ),
        pytest.param('<!DOCTYPE a SYSTEM "file:///etc/passwd"><annotation/>', "has a DOCTYPE", id="external"),
        pytest.param('<?xml version="1.0" encoding="klingon"?><annotation/>', "not XML", id="encoding"),
        pytest.param("<annotation/>", "has no filename", id="no file name"),
        pytest.param(annotation(SIZE.replace("200", "2e999")), "width is inf, not a whole number", id="endless"),
        pytest.param(annotation(SIZE.replace("200", "wide")), "size: width is 'wide', not a number", id="size"),
        pytest.param(annotation(SIZE + "<object/>"), "object 1: has no name", id="no name"),
        pytest.param(annotation(SIZE + OBJECT.replace("bndbox", "b")), "object 1: has no bndbox", id="no box"),
        pytest.param(annotation(SIZE + OBJECT.replace("xmax", "x")), "xmax is None, not a number", id="no side"),
        pytest.param(annotation(SIZE + OBJECT.replace("40", "10")), "object 1: .* has no area", id="no area"),
        pytest.param(annotation(SIZE + OBJECT.replace("40", "nan")), "not made of finite numbers", id="nan"),
    ],
)
def test_broken_files_are_named(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(UserError, match=rf"a\.xml: .*{message}"):
        from_voc(write(tmp_path, content))


def test_one_image_twice(tmp_path: Path) -> None:
    write(tmp_path, annotation(SIZE))
    with pytest.raises(UserError, match=r"the image a\.jpg appears twice"):
        from_voc(write(tmp_path, annotation(SIZE), "b.xml"))


def test_a_class_that_the_list_lacks(tmp_path: Path) -> None:
    (tmp_path / "classes.txt").write_text("bolt\n")
    with pytest.raises(UserError, match="the class 'nut' of a box is not in it"):
        from_voc(write(tmp_path, annotation(SIZE + OBJECT)))


def test_no_xml_at_all(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no XML file"):
        from_voc(tmp_path)


@pytest.mark.parametrize(
    ("image", "name", "message"),
    [
        pytest.param("a.jpg", "nut\x01", "a character that XML cannot hold", id="control character"),
        pytest.param("a.jpg", "nut\nbolt", "does not fit on a line", id="line end"),
        pytest.param("../a.jpg", "nut", "cannot be a file below a folder", id="out of the folder"),
    ],
)
def test_names_that_do_not_fit(tmp_path: Path, image: str, name: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        as_voc(LabelledDataset((LabelledImage(image, 10, 10),), (name,)), tmp_path / "v")
    assert not (tmp_path / "v").exists()
