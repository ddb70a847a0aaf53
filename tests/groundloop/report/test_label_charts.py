"""The charts of a labelled data set: every class and every box is there, whatever the classes are called."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest

from groundloop.labels.records import Box, Record
from groundloop.labels.statistics import Statistics
from groundloop.report.label_charts import write_label_charts


class _Elements(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def _statistics(classes: int) -> Statistics:
    boxes = [Box(f"<class {number}>", 10 + number, 20, 30, 40) for number in range(classes)]
    return Statistics.of([Record(f"{number}.jpg", 320, 240, tuple(boxes), ()) for number in range(3)])


@pytest.mark.parametrize("classes", [0, 1, 3, 50])
def test_every_box_is_drawn_and_every_class_named(classes: int, tmp_path: Path) -> None:
    page = write_label_charts(_statistics(classes), tmp_path / "new")
    elements = _Elements(page.read_text(encoding="utf-8"))
    points = [attributes for tag, attributes in elements.found if tag == "circle"]
    assert len(points) == 2 * 3 * classes, "sizes and centers"
    assert all(f"<class {number}>" in elements.text for number in range(classes))
    assert ("and 10 more classes" in elements.text) == (classes == 50)
    assert not any(tag in ("script", "link", "img") for tag, _ in elements.found)


def test_bars_are_as_high_as_there_are_images(tmp_path: Path) -> None:
    statistics = _statistics(2)
    statistics.add(Record("empty.jpg", 320, 240, (), ()))
    elements = _Elements(write_label_charts(statistics, tmp_path).read_text(encoding="utf-8"))
    bars = [attributes for tag, attributes in elements.found if tag == "rect"]
    heights = [float(bar["height"] or 0) for bar in bars]
    assert len(bars) == 2
    assert heights[1] == pytest.approx(3 * heights[0], rel=0.01)
    assert "1 image with 0 boxes" in elements.text
    assert "3 images with 2 boxes" in elements.text
