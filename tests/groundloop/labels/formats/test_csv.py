from __future__ import annotations

import csv
from pathlib import Path

import pytest

from groundloop.errors import UserError
from groundloop.images.local import ImageFolder
from groundloop.labels.formats.csv import as_csv, from_csv
from groundloop.labels.formats.dataset import LabelledDataset, LabelledImage
from groundloop.labels.records import Box

HEADER = "image,label,left,top,width,height"


def write(folder: Path, *lines: str, end: str = "\n") -> Path:
    path = folder / "labels.csv"
    path.write_bytes(end.join([*lines, ""]).encode())
    return path


def test_rows_become_boxes_and_negatives(tmp_path: Path) -> None:
    dataset = from_csv(write(tmp_path, HEADER, "a.jpg,nut,1,2.5,3,4", "b.jpg,,,,,", 'a.jpg,"bolt, long",5,6,7,8'))
    assert dataset.images == (
        LabelledImage("a.jpg", 0, 0, (Box("nut", 1, 2.5, 3, 4), Box("bolt, long", 5, 6, 7, 8))),
        LabelledImage("b.jpg", 0, 0),
    )
    assert dataset.classes == ("bolt, long", "nut")
    assert dataset.notes == ()


def test_spreadsheets_write_a_mark_crlf_and_columns_of_their_own(tmp_path: Path) -> None:
    header = "\ufefflabel,image,top,left,height,width,note"
    dataset = from_csv(write(tmp_path, header, "nut,a.jpg,2,1,4,3,seen", "", end="\r\n"))
    assert dataset.images[0].boxes == (Box("nut", 1, 2, 3, 4),)
    assert dataset.notes == ("other columns not kept: note",)


def test_backslashes_of_windows_are_read_as_folders_but_not_in_s3(tmp_path: Path) -> None:
    dataset = from_csv(write(tmp_path, HEADER, r"b\a.jpg,nut,1,2,3,4", r"b\a.jpg,nut,5,6,7,8"))
    assert [(image.name, len(image.boxes)) for image in dataset.images] == [("b/a.jpg", 2)]
    assert dataset.notes == (r"2 image names have a backslash, which is read as /, first: b\a.jpg",)
    dataset = from_csv(write(tmp_path, HEADER, r"s3://b/a\b.jpg,nut,1,2,3,4"))
    assert dataset.images[0].name == r"s3://b/a\b.jpg"


CORNERS = "filename,width,height,class,xmin,ymin,xmax,ymax"


def test_the_table_with_corners_holds_sizes(tmp_path: Path) -> None:
    dataset = from_csv(write(tmp_path, CORNERS, "a.jpg,200,100,nut,10,20,40,60", "b.jpg,64,48,,,,,"))
    assert dataset.images == (
        LabelledImage("a.jpg", 200, 100, (Box("nut", 10, 20, 30, 40),)),
        LabelledImage("b.jpg", 64, 48),
    )
    assert dataset.notes == ()


@pytest.mark.parametrize(
    ("row", "message"),
    [
        pytest.param("a.jpg,wide,100,nut,1,2,3,4", "width and height are wide,100, not the image's size", id="size"),
        pytest.param("a.jpg,0,100,nut,1,2,3,4", "width and height are 0,100, not the image's size", id="no size"),
        pytest.param("a.jpg,200,100,nut,1,2,3,x", "xmin, ymin, xmax, ymax are 1,2,3,x, not four numbers", id="text"),
        pytest.param("a.jpg,200,100,nut,3,2,1,4", "has no area", id="corners swapped"),
    ],
)
def test_broken_rows_of_the_table_with_corners(tmp_path: Path, row: str, message: str) -> None:
    with pytest.raises(UserError, match=f"line 2: .*{message}"):
        from_csv(write(tmp_path, CORNERS, row))


def test_what_is_written_as_the_csv_module_reads_it(screws: LabelledDataset, tmp_path: Path) -> None:
    notes = as_csv(screws, tmp_path / "labels.csv")
    with (tmp_path / "labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [tuple(row.values()) for row in rows] == [
        ("a.png", "nut", "10", "20", "30", "40"),
        ("a.png", "bolt", "0", "0", "200", "100"),
        ("b/empty.png", "", "", "", "", ""),
        ("b/a.v2.png", "nut", "332", "76", "1", "1"),
    ]
    assert notes == [
        "CSV holds no image sizes: converting back needs the images, see --images",
        "CSV holds no list of classes: their order and unused ones are lost (nut, bolt, washer)",
    ]


def test_sizes_come_from_the_images(tmp_path: Path, pictures: Path) -> None:
    path = write(tmp_path, HEADER, "s3://bucket/folder/a.png,nut,1,2,3,4")
    image = from_csv(path, ImageFolder(pictures)).images[0]
    assert (image.width, image.height) == (200, 100)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        pytest.param(["a.jpg,nut,1,2,3"], "line 2: 5 fields, but the header has 6", id="too few fields"),
        pytest.param([",nut,1,2,3,4"], "line 2: the image is empty", id="no image"),
        pytest.param(["a.jpg,,1,2,3,4"], "line 2: the label is empty", id="no label"),
        pytest.param(["a.jpg,nut,1,2,3,"], "line 2: .* are 1,2,3,, not four numbers", id="no height"),
        pytest.param(["a.jpg,nut,1,2,3,x"], "not four numbers", id="text"),
        pytest.param(["a.jpg,nut,1,2,3,inf"], "not made of finite numbers", id="infinite"),
        pytest.param(["a.jpg,nut,1,2,3,0"], "line 2: .* has no area", id="no area"),
        pytest.param(["a.jpg,,,,,", "a.jpg,nut,1,2,3,4"], "line 3: a.jpg has a row without a box", id="negative first"),
        pytest.param(["a.jpg,nut,1,2,3,4", "a.jpg,,,,,"], "line 3: a.jpg has a row without a box", id="negative last"),
        pytest.param(['a.jpg,"nut'], "not CSV: unexpected end of data", id="open quote"),
    ],
)
def test_broken_rows_are_named(tmp_path: Path, rows: list[str], message: str) -> None:
    with pytest.raises(UserError, match=rf"labels\.csv, .*{message}"):
        from_csv(write(tmp_path, HEADER, *rows))


@pytest.mark.parametrize("header", ["image,label,x,y,width,height", "image,label,left,left,top,width,height", ""])
def test_the_header_is_needed(tmp_path: Path, header: str) -> None:
    with pytest.raises(UserError, match="line 1: the header needs image,label,left,top,width,height"):
        from_csv(write(tmp_path, header))


def test_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_bytes(b"image,\xff")
    with pytest.raises(UserError, match="not UTF-8 at byte 7"):
        from_csv(tmp_path / "labels.csv")
