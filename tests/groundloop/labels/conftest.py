from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from groundloop.labels.manifest import ManifestReader
from groundloop.labels.records import Line

ManifestLine = Callable[..., dict[str, Any]]
ReadLine = Callable[..., Line]


@pytest.fixture
def manifest_line() -> ManifestLine:
    """A valid line as a dict, for the test to change."""

    def make(
        key: str = "a.jpg", boxes: int = 1, attribute: str = "bb", class_map: dict[str, str] | None = None
    ) -> dict[str, Any]:
        return {
            "source-ref": f"s3://bucket/{key}",
            attribute: {
                "image_size": [{"width": 100, "height": 50, "depth": 3}],
                "annotations": [
                    {"class_id": 0, "left": 10 * n, "top": 5, "width": 10, "height": 20} for n in range(boxes)
                ],
            },
            f"{attribute}-metadata": {
                "objects": [{"confidence": 0}] * boxes,
                "class-map": {"0": "nut", "1": "bolt"} if class_map is None else class_map,
                "type": "groundtruth/object-detection",
                "human-annotated": "yes",
                "creation-date": "2024-05-21T21:25:57.941008",
                "job-name": "labeling-job/screws",
            },
        }

    return make


@pytest.fixture
def read_line() -> ReadLine:
    """Read one line, given as a dict or as it stands in the file."""

    def read(line: dict[str, Any] | bytes | str, classes: list[str] | None = None) -> Line:
        raw = json.dumps(line).encode() if isinstance(line, dict) else line.encode() if isinstance(line, str) else line
        return ManifestReader("bb", classes).read_line(7, raw)

    return read
