"""The page of a drift comparison shows verdicts in words, every distribution and the strangest images, by itself."""

from __future__ import annotations

import io
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from groundloop.detections.drift.baseline import Baseline
from groundloop.detections.drift.comparison import DriftTest, compare
from groundloop.detections.drift.limits import Limit
from groundloop.detections.drift.sample import Sample
from groundloop.detections.drift.statistics import DetectionStatistics, ImageFormat, ImageStatistics
from groundloop.detections.drift.window import Distance, StrangeImage
from groundloop.detections.predictions import Detections
from groundloop.report.drift_report import DriftSection, drift_page, write_drift_report

THRESHOLD = 0.5


class _Elements(HTMLParser):
    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page.decode())
        self.close()
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def sample(
    images: int, classes: tuple[str, ...], *, brightness: float = 100, boxes: float = 5, seed: int = 1
) -> Sample:
    chance = np.random.default_rng(seed)
    rows = []
    for values, shares in zip(
        chance.normal(
            (brightness, 30, 6, 0.4, 0, boxes, 0.9, 0.7, -3), (9, 3, 0.2, 0.05, 3, 1, 0.02, 0.05, 0.3), (images, 9)
        ),
        chance.dirichlet([1] * len(classes), images),
        strict=True,
    ):
        brightness, contrast, sharpness, saturation, balance, count, best, mean, area = values.tolist()
        camera = ImageFormat(640, 480, "RGB", 1)
        image = ImageStatistics(brightness, contrast, sharpness, saturation, balance, camera)
        rows.append((image, DetectionStatistics(max(1, round(count)), best, mean, area, tuple(shares.tolist()))))
    return Sample.of(rows, classes, dict.fromkeys(classes, THRESHOLD))


def strange(classes: tuple[str, ...] = ("bolt", "nut")) -> StrangeImage:
    stream = io.BytesIO()
    Image.new("RGB", (64, 48), (40, 50, 60)).save(stream, "PNG")
    found = Detections(classes, np.array([1]), np.array([0.91]), np.array([[0.25, 0.25, 0.5, 0.75]]))
    return StrangeImage(
        "capture/<a>.jsonl, line 3", stream.getvalue(), found, Distance(9.0, ("brightness 48 (usually 100 ± 9)",))
    )


def section(classes: tuple[str, ...] = ("bolt", "nut"), title: str = "", **changes: float) -> DriftSection:
    drift = compare(
        Baseline(sample(80, classes), "version 3"),
        sample(60, classes, seed=2, **changes),
        DriftTest(permutations=199, limits=(Limit("boxes", 1), Limit("brightness", 90))),
    )
    return DriftSection(title, drift, [strange(classes)], ["2 requests can't be used"], {"window": "24 hours"})


@pytest.mark.parametrize(
    ("brightness", "boxes", "headings", "words"),
    [
        (100, 5, ["Answers: no drift", "Images: no drift"], "The model answers as it did"),
        (
            60,
            5,
            ["Answers: no drift", "Images: drift"],
            "The answers have not changed with them: keep watching.",
        ),
        (100, 1, ["Answers: drift", "Images: no drift"], "only labels tell whether the answers are right"),
    ],
    ids=["no drift", "input", "answers"],
)
def test_the_verdicts_are_in_words(brightness: float, boxes: float, headings: list[str], words: str) -> None:
    page = _Elements(drift_page([section(brightness=brightness, boxes=boxes)]))
    assert re.findall(r"(?:Answers|Images): (?:no )?drift", page.text) == headings
    assert words in page.text


def test_everything_is_shown() -> None:
    page = _Elements(drift_page([section(brightness=60)], "Drift of <bolts>"))
    assert "Drift of <bolts>" in page.text
    charts = [values["aria-label"] for tag, values in page.found if tag == "svg" and values.get("role") == "img"]
    assert sum("Distribution of" in str(label) for label in charts) == 5 + 4 + 2
    assert "brightness ✗ missed" in page.text
    assert "at least 90" in page.text
    assert "640 x 480, RGB8060" in page.text
    assert "2 requests can't be used" in page.text
    assert "version 3" in page.text
    assert "199 permutations" in page.text


def test_the_strangest_images_have_boxes_and_reasons() -> None:
    page = _Elements(drift_page([section()]))
    assert "<a>.jsonl, line 3 1 detection brightness 48 (usually 100 ± 9)" in page.text
    (box,) = (values for tag, values in page.found if tag == "rect" and values.get("class") == "hit")
    assert (box["x"], box["y"], box["width"], box["height"]) == ("16.0", "12.0", "16.0", "24.0")
    assert "detection: nut 0.91" in page.text


def test_the_page_refers_to_nothing_outside() -> None:
    page = _Elements(drift_page([section()]))
    links = [str(values.get(key)) for _, values in page.found for key in ("src", "href", "xlink:href") if key in values]
    assert all(link.startswith(("#", "data:image/")) for link in links)
    assert not {"script", "link", "iframe"} & {tag for tag, _ in page.found}
    identifiers = [values["id"] for _, values in page.found if "id" in values]
    assert len(set(identifiers)) == len(identifiers)


def test_each_variant_has_a_section(tmp_path: Path) -> None:
    written = write_drift_report(tmp_path / "new" / "drift.html", [section(title="A"), section(title="B", boxes=1)])
    page = _Elements(written.read_bytes())
    identifiers = [values["id"] for _, values in page.found if "id" in values]
    assert len(set(identifiers)) == len(identifiers)
    assert page.text.count("60 images in the window, 80 images in the baseline") == 2


def test_of_many_classes_those_that_differ_most_are_drawn() -> None:
    page = _Elements(drift_page([section(tuple(f"class {number}" for number in range(12)))]))
    assert "The shares of 6 more classes, which differ less, are tested but not drawn." in page.text


def test_an_undecided_window_says_why() -> None:
    classes = ("bolt", "nut")
    drift = compare(Baseline(sample(80, classes)), sample(3, classes))
    page = _Elements(drift_page([DriftSection("", drift)]))
    assert "Answers: not decided The window has 3 images with a captured answer, fewer than 50" in page.text
    assert "No image is shown." in page.text


def test_statistics_that_are_defined_nowhere_are_drawn_empty() -> None:
    nan = float("nan")
    rows = [(None, DetectionStatistics(0, nan, nan, nan, (nan, nan)))] * 60
    nothing = Sample.of(rows, ("bolt", "nut"), {"bolt": 0.5, "nut": 0.5})
    page = _Elements(drift_page([DriftSection("", compare(Baseline(nothing), nothing, DriftTest(permutations=99)))]))
    assert "Answers: no drift" in page.text
    assert "mean \u2013 in the baseline, \u2013 in the window" in page.text
