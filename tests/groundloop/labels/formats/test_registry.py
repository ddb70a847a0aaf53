from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundloop.errors import UserError
from groundloop.labels.formats.format_name import FormatName, WrittenFormat
from groundloop.labels.formats.registry import FORMATS, WRITERS, Options, detect

MakeImage = Callable[[Path, int, int], None]
COCO = '{"images": [], "annotations": [], "categories": []}'


def put(folder: Path, name: str, content: str = "") -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(content)


def test_every_name_has_a_format() -> None:
    assert set(FORMATS) == set(FormatName)
    assert set(WRITERS) == set(WrittenFormat)
    assert {name.value for name in FormatName} - {name.value for name in WrittenFormat} == {"a2i", "video"}


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        pytest.param("x.manifest", '\n{"source-ref": "s3://b/k"}\n', FormatName.GROUNDTRUTH, id="manifest"),
        pytest.param("x", '\ufeff{"images": [], "annotations": [], "categories": []}', FormatName.COCO, id="COCO"),
        pytest.param("annotations.json", '{"images": [], "annotations": []}', FormatName.JUMPSTART, id="JumpStart"),
        pytest.param(
            "annotations.json", '{"images": [], "annotations": [], "categories": []}', FormatName.COCO, id="COCO's name"
        ),
        pytest.param("x.txt", "label,image,left,top,width,height,more\n", FormatName.CSV, id="CSV"),
        pytest.param("x.csv", "filename,width,height,class,xmin,ymin,xmax,ymax\n", FormatName.CSV, id="CSV, corners"),
        pytest.param("data.yaml", "names: [nut]\n", FormatName.YOLO, id="YOLO's data.yaml"),
    ],
)
def test_files_are_recognised(tmp_path: Path, name: str, content: str, found: FormatName) -> None:
    put(tmp_path, name, content)
    assert detect(tmp_path / name) is found


def test_a_compressed_manifest_is_recognised(tmp_path: Path) -> None:
    (tmp_path / "m.gz").write_bytes(gzip.compress(b'{"source-ref": "s3://b/k"}\n'))
    assert detect(tmp_path / "m.gz") is FormatName.GROUNDTRUTH


@pytest.mark.parametrize(
    ("files", "found"),
    [
        pytest.param({"data.yaml": "", "labels/a.txt": ""}, FormatName.YOLO, id="YOLO"),
        pytest.param({"data.yaml": "", "train/labels/a.txt": ""}, FormatName.YOLO, id="YOLO in parts"),
        pytest.param({"Annotations/b/a.xml": "<annotation/>"}, FormatName.VOC, id="VOC"),
        pytest.param({"a.xml": "<annotation/>", "a.jpg": ""}, FormatName.VOC, id="VOC beside the images"),
        pytest.param({"annotations.json": '{"images": [], "annotations": []}'}, FormatName.JUMPSTART, id="JumpStart"),
        pytest.param({"_annotations.json": COCO}, FormatName.COCO, id="COCO"),
        pytest.param({"annotations/instances_val.json": COCO, "images/a.jpg": ""}, FormatName.COCO, id="COCO's layout"),
        pytest.param({"train/_annotations.coco.json": COCO, "train/a.jpg": ""}, FormatName.COCO, id="COCO in parts"),
        pytest.param({"classes.txt": "", "a.txt": "", "a.jpg": ""}, FormatName.YOLO, id="LabelImg"),
        pytest.param({"labels/classes.txt": "", "labels/a.txt": ""}, FormatName.YOLO, id="LabelImg, labels apart"),
    ],
)
def test_folders_are_recognised(tmp_path: Path, files: dict[str, str], found: FormatName) -> None:
    for name, content in files.items():
        put(tmp_path, name, content)
    assert detect(tmp_path) is found


_SUPPORTED = "Supported are groundtruth, coco, yolo, voc, csv, jumpstart, rekognition, a2i, video"


@pytest.mark.parametrize(
    ("file", "content", "closest"),
    [
        pytest.param(
            "x.log", "hello", "groundtruth: its first line is not a JSON object with a source-ref", id="some text"
        ),
        pytest.param("x.json", '{"images": []}', "coco: no JSON object with annotations, categories", id="JSON"),
        pytest.param(
            "x.csv",
            "filename,width,height,class,xmin,ymin\n",
            "csv: its first line lacks the columns xmax, ymax",
            id="CSV",
        ),
        pytest.param(
            "d/a.txt", "0 1 1 1 1", "yolo: holds none of data.yaml, data.yml, dataset.yaml, classes.txt", id="YOLO"
        ),
        pytest.param("d/a.xml", "<svg/>", "voc: a.xml has no element annotation", id="XML"),
    ],
)
def test_of_what_is_in_no_format_the_closest_is_named(tmp_path: Path, file: str, content: str, closest: str) -> None:
    put(tmp_path, file, content)
    place = tmp_path / file.partition("/")[0]
    with pytest.raises(UserError) as caught:
        detect(place)
    assert str(caught.value) == f"{place} is in no supported format; the closest is {closest}. {_SUPPORTED}"


@pytest.mark.parametrize("content", [b"", b"\x1f\x8bnot gzip", b"\xff\xfe\x00", b"[" * 5000, b"\x00" * 50])
def test_nonsense_is_no_traceback(tmp_path: Path, content: bytes) -> None:
    for name in ("x", "annotations.json"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UserError, match=r"is in no supported format"):
            detect(tmp_path / name)


def test_several_formats_in_one_folder_must_be_told_apart(tmp_path: Path) -> None:
    put(tmp_path, "data.yaml")
    put(tmp_path, "labels/a.txt")
    put(tmp_path, "Annotations/a.xml", "<annotation/>")
    with pytest.raises(UserError, match="could be yolo and voc: choose one with --from"):
        detect(tmp_path)


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist"):
        detect(tmp_path / "absent")


@pytest.mark.parametrize("name", list(FormatName))
@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b"[" * 100_000, b"\x1f\x8b\x00"])
def test_a_file_of_nonsense_is_one_clear_error_in_every_format(
    tmp_path: Path, name: FormatName, content: bytes
) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(UserError) as caught:
        FORMATS[name].read(tmp_path / "x", Options())
    assert "\n" not in str(caught.value)


_SOUND = {
    FormatName.COCO: b'{"images":[{"id":1,"file_name":"a.png","width":9,"height":9}],"annotations":[{"image_id":1,'
    b'"category_id":1,"bbox":[1,2,3,4]}],"categories":[{"id":1,"name":"nut"}]}',
    FormatName.JUMPSTART: b'{"images":[{"id":1,"file_name":"a.png","width":9,"height":9}],"annotations":[{"image_id":1,'
    b'"category_id":1,"bbox":[1,2,3,4]}]}',
    FormatName.CSV: b'image,label,left,top,width,height\na.png,nut,1,2,3,4\n"b.png",,,,,\n',
    FormatName.YOLO: b"0 0.5 0.5 0.25 0.25\n0 0.1 0.1 0.1 0.1 0.9\n",
    FormatName.VOC: b"<annotation><filename>a.png</filename><size><width>9</width><height>9</height></size><object>"
    b"<name>nut</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>3</xmax><ymax>4</ymax></bndbox></object></annotation>",
    FormatName.A2I: b'{"inputContent":{"taskObject":"s3://b/a.png","labels":["nut"]},"humanAnswers":[{"answerContent":{"a":'
    b'{"boundingBoxes":[{"label":"nut","left":1,"top":2,"width":3,"height":4}],"inputImageProperties":{"width":9,'
    b'"height":9}}},"submissionTime":"2020-05-01T18:24:53Z"}]}',
    FormatName.VIDEO: b'{"tracking-annotations":[{"frame":"a.png","annotations":[{"class-id":"0","left":1,"top":2,'
    b'"width":3,"height":4,"object-name":"nut:1"}]}]}',
}
_JUNK = [b"1e999", b"-1", b"nan", b"\x00", b'"', b"<", b"{", b"9" * 30]


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory, make_image: MakeImage) -> dict[FormatName, tuple[Path, Path]]:
    """For each format the place to read, and the file in it that a test may corrupt."""
    root = tmp_path_factory.mktemp("sources")
    make_image(root / "yolo/images/a.png", 64, 64)
    put(root, "yolo/data.yaml", "names: [nut]")
    places = {
        FormatName.COCO: "coco.json",
        FormatName.JUMPSTART: "annotations.json",
        FormatName.CSV: "labels.csv",
        FormatName.YOLO: "yolo",
        FormatName.VOC: "voc",
        FormatName.A2I: "output.json",
        FormatName.VIDEO: "SeqLabel.json",
    }
    files = {FormatName.YOLO: "yolo/labels/a.txt", FormatName.VOC: "voc/a.xml"}
    for name in files.values():
        put(root, name)
    return {name: (root / place, root / files.get(name, place)) for name, place in places.items()}


@pytest.mark.parametrize("name", list(_SOUND))
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_spoilt_files_are_read_or_refused_in_one_line(
    name: FormatName, data: st.DataObject, sources: dict[FormatName, tuple[Path, Path]]
) -> None:
    content = _SOUND[name]
    start = data.draw(st.integers(0, len(content)))
    end = data.draw(st.integers(start, min(len(content), start + 6)))
    junk = data.draw(
        st.binary(max_size=6) | st.sampled_from([b"1e999", b"-1", b"nan", b"\x00", b'"', b"<", b"{", b"9" * 30])
    )
    place, file = sources[name]
    file.write_bytes(content[:start] + junk + content[end:])
    notes: tuple[str, ...]
    try:
        dataset = FORMATS[name].read(place, Options())
    except UserError as error:
        notes = (str(error),)
    else:
        notes = dataset.notes
        for image in dataset.images:
            assert all(box.width > 0 and box.height > 0 and box.class_name in dataset.classes for box in image.boxes)
    assert not any("\n" in line for line in notes)
