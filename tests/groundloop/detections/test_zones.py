"""Counts in zones of crafted scenes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from groundloop.detections import Detections
from groundloop.detections.zones import Zones
from groundloop.errors import UserError

#: Centres in an image of 100 x 100 pixels; every box is 10 wide and 20 high.
CENTRES = [(20, 30), (60, 30), (60, 80), (90, 15)]


def scene() -> Detections:
    rows = [[0, 0.9, (x - 5) / 100, (y - 10) / 100, (x + 5) / 100, (y + 10) / 100] for x, y in CENTRES]
    return Detections.from_sagemaker(json.dumps({"prediction": rows}).encode(), ["nut"], image_size=(100, 100))


def read(tmp_path: Path, **content: Any) -> Zones:
    path = tmp_path / "zones.json"
    path.write_text(json.dumps(content))
    return Zones.read(path)


def polygon(*corners: tuple[float, float]) -> dict[str, Any]:
    return {"name": "zone", "polygon": corners}


@pytest.mark.parametrize(
    ("zone", "counts"),
    [
        pytest.param(polygon((0, 0), (50, 0), (50, 100), (0, 100)), {"zone": 1}, id="the left half"),
        pytest.param(polygon((0, 100), (50, 100), (50, 0), (0, 0)), {"zone": 1}, id="in the other direction"),
        pytest.param(polygon((0, 0), (100, 0), (100, 100)), {"zone": 2}, id="a triangle"),
        pytest.param(
            polygon((10, 20), (70, 20), (70, 90), (50, 90), (50, 60), (10, 60)), {"zone": 3}, id="a concave L"
        ),
        pytest.param(
            polygon((10, 10), (95, 10), (95, 90), (50, 90), (50, 70), (80, 70), (80, 50), (10, 50)),
            {"zone": 4},
            id="a hook",
        ),
        pytest.param(polygon((0, 85), (100, 85), (100, 100), (0, 100)), {"zone": 0}, id="a box across the edge"),
        pytest.param({"name": "gate", "line": [[50, 0], [50, 100]]}, {"gate: left": 3, "gate: right": 1}, id="down"),
        pytest.param({"name": "gate", "line": [[50, 100], [50, 0]]}, {"gate: left": 1, "gate: right": 3}, id="up"),
        pytest.param(
            {"name": "gate", "line": [[0, 50], [9, 50]]}, {"gate: left": 3, "gate: right": 1}, id="a short one"
        ),
    ],
)
def test_objects_are_where_their_centres_are(tmp_path: Path, zone: dict[str, Any], counts: dict[str, int]) -> None:
    zones = read(tmp_path, zones=[zone])
    assert {name: len(part) for name, part in zones.parts(scene()).items()} == counts
    assert zones.names == list(counts)


def test_an_object_on_a_shared_edge_is_in_one_zone_only(tmp_path: Path) -> None:
    left, right = polygon((0, 0), (60, 0), (60, 100), (0, 100)), polygon((60, 0), (100, 0), (100, 100), (60, 100))
    parts = read(tmp_path, zones=[left, {**right, "name": "right"}]).parts(scene())
    assert {name: len(part) for name, part in parts.items()} == {"zone": 1, "right": 3}


def test_the_lower_edge_can_say_where_an_object_is(tmp_path: Path) -> None:
    low = polygon((0, 85), (100, 85), (100, 100), (0, 100))
    parts = read(tmp_path, zones=[low], anchor="bottom_center").parts(scene())
    assert len(parts["zone"]) == 1


def test_fractions_fit_images_of_any_size(tmp_path: Path) -> None:
    left = polygon((0, 0), (0.5, 0), (0.5, 1), (0, 1))
    for size in ((100, 100), (640, 480)):
        assert len(read(tmp_path, zones=[left], coordinates="fractions").parts(scene().sized(*size))["zone"]) == 1


SQUARE = polygon((0, 0), (1, 0), (1, 1))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param({"zones": []}, "has no zones", id="empty"),
        pytest.param({"zones": [SQUARE, SQUARE]}, "two zones are named 'zone'", id="a name twice"),
        pytest.param({"zones": [{"name": "a"}]}, "'a' needs either a polygon or a line", id="neither"),
        pytest.param({"zones": [polygon((0, 0), (1, 1))]}, "at least three corners", id="two corners"),
        pytest.param({"zones": [{"name": "a", "line": [[1, 1], [1, 1]]}]}, "two different points", id="no line"),
        pytest.param({"zones": [{"name": "a", "poligon": []}]}, r"unknown field `poligon`.*zones\[0\]", id="a typo"),
        pytest.param(
            {"zones": [polygon((0, 0), (5, 0), (5, 5))], "coordinates": "fractions"}, "lie in 0 to 1", id="pixels"
        ),
        pytest.param({"zones": [SQUARE], "anchor": "top"}, "anchor", id="no such anchor"),
    ],
)
def test_a_wrong_file_is_a_message(tmp_path: Path, content: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        read(tmp_path, **content)


def test_a_missing_file_is_a_message(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"zones\.json: can't be read: No such file"):
        Zones.read(tmp_path / "zones.json")
