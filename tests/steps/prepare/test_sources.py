"""Labels from several sources: a later one counts before an earlier one, image by image, whatever its format."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

ManifestLine = Callable[..., dict[str, Any]]
Prepare = Callable[..., Any]
IMAGES = "s3://bucket/images"


@pytest.fixture
def forty(manifest_line: ManifestLine) -> list[dict[str, Any]]:
    return [manifest_line(f"images/{n:02}.jpg", "nut", attribute="screws") for n in range(40)]


@pytest.fixture
def more(tmp_path: Path) -> Callable[..., list[str]]:
    """The arguments of a further source, with its files downloaded."""

    def make(
        uri: str, files: dict[str, str | bytes], kind: str = "auto", attribute: str = "auto", images: str = "none"
    ) -> list[str]:
        folder = tmp_path / f"more-{uri.rstrip('/').rpartition('/')[2]}"
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return ["--additional-source", str(folder), kind, attribute, images, uri]

    return make


def _jsonl(lines: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(line) + "\n" for line in lines)


def _boxes(done: Any) -> dict[str, list[str]]:
    """Class names of each image's boxes, over all splits."""
    found = {}
    for split in ("train", "validation", "test"):
        for line in done.lines(split):
            names = line["bounding-box-metadata"]["class-map"]
            boxes = line["bounding-box"]["annotations"]
            found[line["source-ref"].rpartition("/")[2]] = [names[str(box["class_id"])] for box in boxes]
    return found


def test_reviewed_labels_win_and_new_images_come_in(
    prepare: Prepare, more: Any, forty: list[dict[str, Any]], manifest_line: ManifestLine
) -> None:
    reviewed = [manifest_line(f"images/{name}.jpg", "bolt", attribute="reviewed") for name in ("03", "17", "new")]
    done = prepare(forty, *more("s3://labels/reviewed.manifest", {"reviewed.manifest": _jsonl(reviewed)}))
    assert done.code == 0, done.message
    found = _boxes(done)
    assert len(found) == 41
    assert {name for name, boxes in found.items() if boxes == ["bolt"]} == {"03.jpg", "17.jpg", "new.jpg"}
    assert [(entry["source"], entry["line"], entry["code"]) for entry in done.rejected] == [
        ("s3://labels/job/output.manifest", 4, "ERROR_DUPLICATE_SOURCE_REF"),
        ("s3://labels/job/output.manifest", 18, "ERROR_DUPLICATE_SOURCE_REF"),
    ]
    assert "line 1 of s3://labels/reviewed.manifest labels the same image too, and the later source counts" in done.out
    assert "label attribute 'screws'" in done.out
    assert "label attribute 'reviewed'" in done.out


@pytest.mark.parametrize("policy", ["last", "first", "refuse"])
def test_between_sources_the_later_one_counts_whatever_the_policy_within_one(
    prepare: Prepare, more: Any, forty: list[dict[str, Any]], manifest_line: ManifestLine, policy: str
) -> None:
    again = [manifest_line("images/05.jpg", name, attribute="screws") for name in ("bolt", "cog")]
    sources = [
        *more("s3://labels/one.manifest", {"one.manifest": _jsonl(again[:1])}),
        *more("s3://labels/two.manifest", {"two.manifest": gzip.compress(_jsonl(again[1:]).encode())}),
    ]
    assert _boxes(prepare(forty, *sources, "--duplicates", policy))["05.jpg"] == ["cog"]


def test_lines_of_the_later_source_that_are_not_usable_replace_nothing(
    prepare: Prepare, more: Any, forty: list[dict[str, Any]], manifest_line: ManifestLine
) -> None:
    broken = manifest_line("images/05.jpg", "bolt", attribute="screws")
    broken["screws"]["annotations"][0]["width"] = 0
    done = prepare(forty, *more("s3://labels/more.manifest", {"more.manifest": _jsonl([broken])}))
    assert _boxes(done)["05.jpg"] == ["nut"]
    assert [(entry["source"], entry["line"]) for entry in done.rejected] == [("s3://labels/more.manifest", 1)]


COCO = {
    "images": [{"id": 1, "file_name": "05.jpg", "width": 64, "height": 48}],
    "categories": [{"id": 3, "name": "bolt"}],
    "annotations": [{"id": 1, "image_id": 1, "category_id": 3, "bbox": [1, 2, 10, 12], "area": 120, "iscrowd": 0}],
}
VOC = (
    "<annotation><filename>05.jpg</filename><size><width>64</width><height>48</height><depth>3</depth></size>"
    "<object><name>bolt</name><bndbox><xmin>2</xmin><ymin>3</ymin><xmax>11</xmax><ymax>14</ymax></bndbox></object>"
    "</annotation>"
)


@pytest.mark.parametrize(
    ("uri", "files", "kind"),
    [
        pytest.param("s3://x/coco.json", {"coco.json": json.dumps(COCO)}, "auto", id="COCO, found out"),
        pytest.param("s3://x/coco.json", {"coco.json": json.dumps(COCO)}, "coco", id="COCO, named"),
        pytest.param("s3://x/voc/", {"Annotations/05.xml": VOC}, "auto", id="VOC"),
    ],
)
def test_other_formats_are_read_as_they_are(
    prepare: Prepare, more: Any, forty: list[dict[str, Any]], uri: str, files: dict[str, str], kind: str
) -> None:
    done = prepare(forty, *more(uri, files, kind, images=IMAGES))
    assert done.code == 0, done.message
    assert _boxes(done)["05.jpg"] == ["bolt"]
    assert f"{uri}: 1 images, read as {'voc' if 'voc' in uri else 'coco'}" in done.out
    first = done.summary["fingerprint"]
    assert prepare(forty, *more(uri, files, kind, images=IMAGES)).summary["fingerprint"] == first


def test_yolo_takes_sizes_from_the_images_beside_the_labels(
    prepare: Prepare, more: Any, forty: list[dict[str, Any]], picture: Callable[..., bytes]
) -> None:
    files = {"data.yaml": "names: [bolt]\n", "labels/05.txt": "0 0.5 0.5 0.25 0.25\n", "images/05.jpg": picture()}
    assert _boxes(prepare(forty, *more("s3://x/yolo/", files, images=IMAGES)))["05.jpg"] == ["bolt"]


def test_sizes_that_nothing_says_are_read_from_s3(
    prepare: Prepare, more: Any, forty: list[dict[str, Any]], s3: Any, picture: Callable[..., bytes]
) -> None:
    s3.put_object(Bucket="bucket", Key="images/05.jpg", Body=picture())
    table = "image,label,left,top,width,height\n05.jpg,bolt,1,2,10,12\n"
    source = more("s3://x/labels.csv", {"labels.csv": table}, images=IMAGES)
    assert _boxes(prepare(forty, *source))["05.jpg"] == ["bolt"]
    s3.delete_object(Bucket="bucket", Key="images/05.jpg")
    gone = prepare(forty, *source)
    assert gone.code == 1
    assert "the size of s3://bucket/images/05.jpg can't be read: the image is not in S3" in gone.message


@pytest.mark.parametrize("orientation", [1, 3, 6])
@pytest.mark.parametrize("beside", [True, False], ids=["image beside the labels", "image in S3"])
def test_boxes_are_on_the_pixels_as_stored(
    prepare: Prepare,
    more: Any,
    forty: list[dict[str, Any]],
    s3: Any,
    picture: Callable[..., bytes],
    orientation: int,
    beside: bool,
) -> None:
    """Labels of other formats are on the image as it is shown; the algorithm takes the pixels as they are stored."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = picture(exif=exif)  # stored as 64 x 48
    left, top = {1: (8, 16), 3: (64 - 8 - 10, 48 - 16 - 12), 6: (48 - 16 - 12, 8)}[orientation]  # as shown
    width, height = (12, 10) if orientation == 6 else (10, 12)
    shown_width, shown_height = (48, 64) if orientation == 6 else (64, 48)
    if beside:
        center = ((left + width / 2) / shown_width, (top + height / 2) / shown_height)
        row = f"0 {center[0]} {center[1]} {width / shown_width} {height / shown_height}\n"
        files = {"data.yaml": "names: [bolt]\n", "labels/05.txt": row, "images/05.png": image}
        source = more("s3://x/yolo/", files, images=IMAGES)
    else:
        s3.put_object(Bucket="bucket", Key="images/05.png", Body=image)
        table = f"image,label,left,top,width,height\n05.png,bolt,{left},{top},{width},{height}\n"
        source = more("s3://x/labels.csv", {"labels.csv": table}, images=IMAGES)
    done = prepare(forty, *source)
    assert done.code == 0, done.message
    (line,) = (
        line
        for split in ("train", "validation", "test")
        for line in done.lines(split)
        if line["source-ref"] == f"{IMAGES}/05.png"
    )
    label = line["bounding-box"]
    assert (label["image_size"][0]["width"], label["image_size"][0]["height"]) == (64, 48)
    (box,) = label["annotations"]
    assert [round(box[key]) for key in ("left", "top", "width", "height")] == [8, 16, 10, 12]


@pytest.mark.parametrize(
    ("files", "uri", "kind", "message"),
    [
        pytest.param(
            {"coco.json": json.dumps(COCO)},
            "s3://x/coco.json",
            "auto",
            "s3://x/coco.json names its images by file, such as 05.jpg: say which folder in S3 holds them",
            id="images nowhere",
        ),
        pytest.param(
            {"notes.txt": "hello"}, "s3://x/notes.txt", "auto", "s3://x/notes.txt is in no supported format", id="none"
        ),
        pytest.param({"coco.json": "{"}, "s3://x/coco.json", "coco", "s3://x/coco.json", id="broken"),
        pytest.param(
            {"other.manifest": "{}"}, "s3://x/this.manifest", "groundtruth", "there is no this.manifest", id="misnamed"
        ),
    ],
)
def test_a_source_that_cant_be_read_is_named_by_its_uri(
    prepare: Prepare, more: Any, forty: list[dict[str, Any]], files: dict[str, str], uri: str, kind: str, message: str
) -> None:
    done = prepare(forty, *more(uri, files, kind))
    assert done.code == 1
    assert message in done.message
