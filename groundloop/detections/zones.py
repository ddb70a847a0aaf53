"""Zones of an image that objects are counted in: polygons, and the two sides of a line.

An object is where its anchor is: the centre of its box, or the middle of its lower edge for scenes that are seen from
the side (the default of supervision's `PolygonZone`). A line's sides are those of somebody who walks along it from its
first point to its second. Objects on each side are counted image by image: crossings would need tracking.
"""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np

from groundloop.detections.arrays import Bools, Floats
from groundloop.detections.predictions import Detections
from groundloop.errors import UserError

_Point = tuple[float, float]


class Anchor(str, Enum):
    """The point of a box that says where its object is."""

    CENTER = "center"
    BOTTOM_CENTER = "bottom_center"


class _Zone(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    polygon: list[_Point] | None = None
    line: tuple[_Point, _Point] | None = None


class _File(msgspec.Struct, forbid_unknown_fields=True):
    zones: list[_Zone]
    coordinates: Literal["pixels", "fractions"] = "pixels"
    anchor: Anchor = Anchor.CENTER


class Zones:
    """Zones by name.

    Args:
        polygons: (k, 2) corners by the zone's name.
        lines: (2, 2) first and second point by the line's name.
        in_fractions: whether coordinates are fractions of the image's width and height, not pixels.
        anchor: the point of a box that says where its object is.

    Example:
        >>> found = Detections.from_sagemaker(b'{"prediction": [[0, 0.9, 0.1, 0.1, 0.3, 0.3]]}', ["nut"])
        >>> left = [(0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)]
        >>> [(name, part.count()) for name, part in Zones({"left": left}, {}, in_fractions=True).parts(found).items()]
        [('left', {'nut': 1})]
    """

    def __init__(
        self,
        polygons: dict[str, list[_Point]],
        lines: dict[str, tuple[_Point, _Point]],
        *,
        in_fractions: bool = False,
        anchor: Anchor = Anchor.CENTER,
    ) -> None:
        self._polygons = {name: np.array(corners, dtype=np.float64) for name, corners in polygons.items()}
        self._lines = {name: np.array(points, dtype=np.float64) for name, points in lines.items()}
        self._in_fractions, self._anchor = in_fractions, anchor

    @classmethod
    def read(cls, path: Path) -> Zones:
        """Read zones from a JSON file.

        The file: `{"zones": [{"name": "shelf", "polygon": [[x, y], ...]}, {"name": "gate", "line": [[x, y], [x, y]]}]}`
        and, if wanted, `"coordinates": "fractions"` and `"anchor": "bottom_center"`.

        Raises:
            UserError: the file can't be read or is none; the message says where.
        """
        try:
            content = msgspec.json.decode(path.read_bytes(), type=_File)
        except OSError as error:
            raise UserError(f"{path}: can't be read: {error.strerror}") from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise UserError(f"{path} is not a file of zones: {error}") from None
        polygons: dict[str, list[_Point]] = {}
        lines: dict[str, tuple[_Point, _Point]] = {}
        for zone in content.zones:
            if zone.name in polygons or zone.name in lines:
                raise UserError(f"{path}: two zones are named {zone.name!r}: give each its own name")
            if (zone.polygon is None) == (zone.line is None):
                raise UserError(f"{path}: zone {zone.name!r} needs either a polygon or a line")
            if zone.polygon is not None:
                if len({*zone.polygon}) < 3:
                    raise UserError(f"{path}: zone {zone.name!r}: a polygon needs at least three corners")
                polygons[zone.name] = zone.polygon
            if zone.line is not None:
                if zone.line[0] == zone.line[1]:
                    raise UserError(f"{path}: zone {zone.name!r}: a line needs two different points")
                lines[zone.name] = zone.line
        if not content.zones:
            raise UserError(f"{path} has no zones")
        in_fractions = content.coordinates == "fractions"
        if in_fractions and any(not 0 <= value <= 1 for value in _values(polygons, lines)):
            raise UserError(f'{path}: fractions of an image lie in 0 to 1; leave "coordinates" out for pixels')
        return cls(polygons, lines, in_fractions=in_fractions, anchor=content.anchor)

    @property
    def names(self) -> list[str]:
        """The names of the parts, as `parts` returns them."""
        sides = [f"{name}: {side}" for name in self._lines for side in ("left", "right")]
        return [*self._polygons, *sides]

    def parts(self, detections: Detections) -> dict[str, Detections]:
        """Return the detections in each zone, and on each side of each line; zones may overlap.

        Raises:
            UserError: zones are in pixels, and the size of the image is not known.
        """
        boxes = detections.xyxyn if self._in_fractions else detections.xyxy
        x = (boxes[:, 0] + boxes[:, 2]) / 2
        y = boxes[:, 3] if self._anchor is Anchor.BOTTOM_CENTER else (boxes[:, 1] + boxes[:, 3]) / 2
        found = {name: detections.take(_inside(corners, x, y)) for name, corners in self._polygons.items()}
        for name, ((x1, y1), (x2, y2)) in self._lines.items():
            # With y downwards, the left hand of who walks along the line is where the cross product is negative.
            left = (x2 - x1) * (y - y1) - (y2 - y1) * (x - x1) < 0
            found[f"{name}: left"] = detections.take(left)
            found[f"{name}: right"] = detections.take(~left)
        return found


def _inside(corners: Floats, x: Floats, y: Floats) -> Bools:
    """Tell for points whether they lie in a polygon: a ray to the right crosses its edges an odd number of times."""
    inside = np.zeros(len(x), dtype=bool)
    for (x1, y1), (x2, y2) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if y1 == y2:
            continue
        between = (y1 <= y) != (y2 <= y)
        inside ^= between & (x < (x2 - x1) * (y - y1) / (y2 - y1) + x1)
    return inside


def _values(polygons: dict[str, list[_Point]], lines: dict[str, tuple[_Point, _Point]]) -> list[float]:
    points = [point for corners in (*polygons.values(), *lines.values()) for point in corners]
    return [value for point in points for value in point]
