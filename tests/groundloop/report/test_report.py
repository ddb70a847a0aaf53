"""The report: everything a reviewer asks for, in one file that needs nothing else, whatever the names are."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from groundloop.detections.dataset import ScoredImage
from groundloop.detections.evaluate import evaluate
from groundloop.detections.evaluation import Evaluation
from groundloop.detections.thresholds import ThresholdRule
from groundloop.report import Report, WorstImage, worst_images, write_report
from groundloop.report.page import page

MET = {
    "requirements": [
        {"metric": "map_50", "operator": ">=", "threshold": 0.1, "value": 0.5, "met": True, "against": ""},
        {"metric": "count.mae", "operator": "<=", "threshold": 9.0, "value": 1.0, "met": True, "against": ""},
    ],
    "missed": [],
    "thresholds_missed": 0,
    "message": "all thresholds met",
}
MISSED = {
    "requirements": [
        {"metric": "map_50", "operator": ">=", "threshold": 0.9, "value": 0.5, "met": False, "against": ""},
        {"metric": "per_class.nut.recall", "operator": ">=", "threshold": 0.8, "value": None, "met": False},
    ],
    "missed": ["map_50", "per_class.nut.recall"],
    "thresholds_missed": 2,
    "message": "map_50 is 0.500, 0.400 under its threshold 0.9",
}
_VOID = {"meta", "br", "img"}


class Tags(HTMLParser):
    """Every tag, and whether each that is opened is closed in its turn."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: Any) -> None:
        if tag not in _VOID:
            self.open.append(tag)
        for key, value in attributes:
            if key in ("href", "src", "xlink:href"):
                self.links.append(value)
            if key == "id":
                assert value not in self.anchors, f"the anchor {value} is there twice"
                self.anchors.add(value)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def _images(classes: int, count: int, seed: int, blind: bool = False) -> list[ScoredImage]:
    chance = np.random.default_rng(seed)
    images = []
    for number in range(count):
        true = chance.integers(0, 60, size=(int(chance.integers(1, 5)), 2)).astype(float)
        true_boxes = np.hstack([true, true + chance.integers(8, 30, size=true.shape)])
        true_ids = chance.integers(0, classes, size=len(true_boxes))
        boxes = np.clip(true_boxes + chance.normal(0, 3, true_boxes.shape), 0, 100)[: 0 if blind else None]
        boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2] + 1)
        images.append(
            ScoredImage(
                source_ref=f"s3://bucket/images/{number}.jpg",
                true_boxes=true_boxes,
                true_ids=true_ids,
                boxes=boxes,
                class_ids=true_ids[: len(boxes)],
                scores=chance.uniform(0.2, 1, len(boxes)),
            )
        )
    return images


@pytest.fixture(scope="module")
def evaluated() -> Callable[..., tuple[Evaluation, list[ScoredImage]]]:
    """An evaluation of random boxes, and its test images."""

    def build(names: Sequence[str], blind: bool = False) -> tuple[Evaluation, list[ScoredImage]]:
        test = _images(len(names), 12, seed=1, blind=blind)
        validation = _images(len(names), 12, seed=2, blind=blind)
        return evaluate(validation, test, names, ThresholdRule(), resamples=20), test

    return build


def _report(evaluation: Evaluation, test: list[ScoredImage], **more: Any) -> Report:
    worst = [WorstImage(choice, missing="not on this disk") for choice in worst_images(test, evaluation)]
    return Report(evaluation, **({"gate": MET, "worst": worst, "title": "Screws"} | more))


def test_the_page_is_whole_and_refers_to_nothing_outside(evaluated: Any) -> None:
    evaluation, test = evaluated(["bolt", "nut"])
    found = Tags(page(_report(evaluation, test, details={"data fingerprint": "ab" * 32}, notes=["by a stand-in"])))
    assert found.open == []
    assert all(link.startswith("#") for link in found.links)
    assert {link[1:] for link in found.links} <= found.anchors
    for text in ("Screws", "by a stand-in", "Passed: 2 requirements met", "Confusion matrix", "ab" * 32, "bolt", "nut"):
        assert text in found.text
    assert "mAP@50" in found.text
    assert f"{evaluation.metrics['map_50']:.3f}" in found.text


def test_a_missed_gate_is_told_first_with_each_metric(evaluated: Any) -> None:
    found = Tags(page(_report(*evaluated(["bolt", "nut"]), gate=MISSED)))
    assert "Not passed: 2 of 2 requirements missed" in found.text
    assert found.text.index("Not passed") < found.text.index("Metrics", found.text.index("Not passed"))
    assert "\u22120.400" in found.text


@pytest.mark.parametrize(
    ("champion", "message", "silent"),
    [
        pytest.param(None, None, "Champion", id="nobody looked"),
        pytest.param(
            {"package": None, "message": "no approved version yet"}, "no approved version yet", "Both", id="none"
        ),
        pytest.param(
            {"package": "arn:x/3", "version": 3, "images_shared": 7, "message": "compared"}
            | {"metrics": {"map_50": 0.5, "count.mae": 2.0}, "candidate": {"map_50": 0.75, "count.mae": 1.0}},
            "Both on the 7 test images that both have",
            None,
            id="on shared images",
        ),
        pytest.param(
            {"package": "arn:x/3", "version": 3, "images_shared": 0, "message": "on other images"}
            | {"metrics": {"map_50": 0.5}, "candidate": {"map_50": 0.75}},
            "on other images",
            "Both on",
            id="on other images",
        ),
    ],
)
def test_the_champion_stands_beside(
    evaluated: Any, champion: dict[str, Any] | None, message: str | None, silent: str | None
) -> None:
    found = Tags(page(_report(*evaluated(["bolt", "nut"]), champion=champion)))
    assert message is None or message in found.text
    assert silent is None or silent not in found.text
    if champion and champion.get("metrics"):
        assert "+0.250" in found.text


NASTY = ["<script>alert(1)</script>", '"quoted" & $x_1$', "螺母", "_hidden", "a" * 200, "\x07\u202ebell"]


def test_names_can_do_no_harm(evaluated: Any, tmp_path: Path) -> None:
    evaluation, test = evaluated(NASTY)
    text = page(_report(evaluation, test, title="<b>", details={"<i>": "</span>"}, notes=["<u>"]))
    assert "<script" not in text
    assert "\x07" not in text
    found = Tags(text)
    assert found.open == []
    assert "<script>alert(1)</script>" in found.text
    write_report(tmp_path, _report(evaluation, test))


@pytest.mark.parametrize(
    ("names", "blind"),
    [
        pytest.param(["only"], False, id="one class"),
        pytest.param([f"class {n}" for n in range(45)], False, id="many classes, most without a box"),
        pytest.param(["bolt", "nut"], True, id="nothing was detected"),
    ],
)
def test_any_evaluation_can_be_shown(evaluated: Any, tmp_path: Path, names: list[str], blind: bool) -> None:
    evaluation, test = evaluated(names, blind)
    written = write_report(tmp_path, _report(evaluation, test))
    assert Tags((tmp_path / "report.html").read_text(encoding="utf-8")).open == []
    assert {path.name for path in written} == {"report.html", "results.csv"}


def test_equal_evaluations_give_equal_bytes(evaluated: Any, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    for folder in ("a", "b"):
        write_report(tmp_path / folder, _report(*evaluated(["bolt", "nut"])))
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name


def test_the_table_has_a_row_for_all_and_one_a_class(evaluated: Any, tmp_path: Path) -> None:
    evaluation, test = evaluated(["bolt", 'n"ut'])
    write_report(tmp_path, _report(evaluation, test))
    rows = list(csv.DictReader(io.StringIO((tmp_path / "results.csv").read_text(encoding="utf-8"))))
    assert [row["class"] for row in rows] == ["all", "bolt", 'n"ut']
    assert float(rows[0]["ap_50"]) == evaluation.metrics["map_50"]
    assert [int(row["boxes"]) for row in rows[1:]] == [metrics.boxes for metrics in evaluation.per_class]


def _png(size: tuple[int, int] = (100, 100), mode: str = "RGB") -> bytes:
    stream = io.BytesIO()
    Image.new(mode, size).save(stream, "PNG")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(_png(), None, id="an image"),
        pytest.param(_png((3000, 2000)), None, id="a large one, scaled down"),
        pytest.param(_png(mode="RGBA"), None, id="a transparent one"),
        pytest.param(_png(mode="L"), None, id="a grey one"),
        pytest.param(b"no image", "the file is not an image that can be read", id="a broken file"),
        pytest.param(None, "not on this disk", id="no file"),
    ],
)
def test_the_gallery_shows_the_worst_images_or_says_why_not(
    evaluated: Any, content: bytes | None, message: str | None
) -> None:
    evaluation, test = evaluated(["bolt", "nut"], True)
    choices = worst_images(test, evaluation, count=2)
    worst = [WorstImage(choice, content, "" if content else "not on this disk") for choice in choices]
    text = page(_report(evaluation, test, worst=worst))
    embedded = re.findall(r'href="data:image/jpeg;base64,([^"]+)"', text)
    assert len(embedded) == (0 if message else 2)
    assert all(len(data) < 60_000 for data in embedded)
    assert message is None or message in text
    assert "bolt" in text


def test_the_worst_images_come_first_and_sound_ones_not_at_all(evaluated: Any) -> None:
    evaluation, test = evaluated(["bolt", "nut"])
    chosen = worst_images(test, evaluation, count=100)
    errors = [choice.errors for choice in chosen]
    assert errors == sorted(errors, reverse=True)
    assert all(errors)
    missed = sum(at.at_threshold.false_negatives + at.at_threshold.false_positives for at in evaluation.per_class)
    assert sum(errors) == missed


def test_the_interval_of_all_test_images_does_not_stand_beside_a_value_of_the_shared_ones(evaluated: Any) -> None:
    from groundloop.report.comparison import gate_view

    evaluation, _ = evaluated(["bolt", "nut"])
    row = {"metric": "map_50", "operator": ">=", "threshold": 0.1, "value": 0.5, "met": True}
    rows = [{**row, "against": ""}, {**row, "against": "champion"}]
    gate = {"requirements": rows, "missed": [], "thresholds_missed": 0, "message": ""}
    own, beside_champion = gate_view(gate, evaluation).requirements
    assert own.interval
    assert beside_champion.interval == ""
