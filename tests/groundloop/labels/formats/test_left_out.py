"""Imperfect sets: images with faulty labels are left out, and every fault is kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from groundloop.errors import UserError
from groundloop.labels.formats.format_name import FormatName
from groundloop.labels.formats.registry import FORMATS, Options
from tests.fixtures.cli import Groundloop

_SIZE = {"width": 99, "height": 99}
_BOX = {"category_id": 1, "bbox": [1, 2, 3, 4]}
_COCO = json.dumps(
    {
        "images": [{"id": n, "file_name": f"{stem}.png", **_SIZE} for n, stem in enumerate(("good", "flat", "alien"))],
        "annotations": [
            {"image_id": 0, **_BOX},
            {"image_id": 1, **_BOX},
            {"image_id": 1, **_BOX, "bbox": [1, 2, 0, 4]},
            {"image_id": 2, **_BOX, "category_id": 7},
        ],
        "categories": [{"id": 1, "name": "nut"}],
    }
)
_VOC = """<annotation><filename>{}.png</filename><size><width>99</width><height>99</height></size>
<object><name>nut</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>{}</xmax><ymax>9</ymax></bndbox></object></annotation>
"""
_CSV = """image,label,left,top,width,height
good.png,nut,1,2,3,4
flat.png,nut,1,2,3,4
flat.png,nut,1,2,0,4
alien.png,nut,1,2,x,4
"""


@pytest.fixture(params=[FormatName.COCO, FormatName.YOLO, FormatName.VOC, FormatName.CSV], ids=lambda name: name.value)
def imperfect(request: pytest.FixtureRequest, tmp_path: Path, make_image: object) -> tuple[FormatName, Path]:
    """One good image and two with a fault."""
    name: FormatName = request.param
    files = {
        FormatName.COCO: {"coco.json": _COCO},
        FormatName.CSV: {"labels.csv": _CSV},
        FormatName.YOLO: {
            "data.yaml": "names: [nut]",
            "labels/good.txt": "0 0.5 0.5 0.1 0.1\n",
            "labels/flat.txt": "0 0.5 0.5 0.1 0.1\n0 0.5 0.5 0.1 0\n",
            "labels/alien.txt": "7 0.5 0.5 0.1 0.1\n",
        },
        FormatName.VOC: {
            "good.xml": _VOC.format("good", 9),
            "flat.xml": _VOC.format("flat", 0),
            "alien.xml": _VOC.format("alien", "x"),
        },
    }[name]
    for file, content in files.items():
        (tmp_path / "set" / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "set" / file).write_text(content)
    if name is FormatName.YOLO:
        for stem in ("good", "flat", "alien"):
            make_image(tmp_path / f"set/images/{stem}.png", 99, 99)  # type: ignore[operator]
    return name, tmp_path / "set" / ("labels.csv" if name is FormatName.CSV else "")


def test_an_image_with_a_fault_is_left_out_whole(imperfect: tuple[FormatName, Path]) -> None:
    name, place = imperfect
    dataset = FORMATS[name].read(place, Options(strict=False))
    assert [image.name for image in dataset.images] == ["good.png"]
    assert len(dataset.left_out) == 2, "every fault, not the first"
    with pytest.raises(UserError):
        FORMATS[name].read(place, Options())


def test_convert_lists_what_is_left_out(
    groundloop: Groundloop, imperfect: tuple[FormatName, Path], tmp_path: Path
) -> None:
    _, place = imperfect
    command = ["labels", "convert", str(place), str(tmp_path / "good.csv"), "--to", "csv"]
    strict = groundloop(*command, "--strict")
    assert (strict.code, len(strict.error.splitlines())) == (1, 2)
    assert not (tmp_path / "good.csv").exists()
    result = groundloop(*command)
    assert result.code == 0
    assert sum(line.startswith("left out ") for line in result.out.splitlines()) == 2
    assert "good.png" in (tmp_path / "good.csv").read_text()


def test_a_set_without_a_good_image_is_an_error(tmp_path: Path) -> None:
    for stem in ("a", "b"):
        (tmp_path / f"{stem}.xml").write_text(_VOC.format(stem, 0))
    with pytest.raises(UserError, match=r"a\.xml: .* \(2 faults, and no image is left\)"):
        FORMATS[FormatName.VOC].read(tmp_path, Options(strict=False))
