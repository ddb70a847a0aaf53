"""The page needs nothing but itself, and says what a reviewer has to know."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from groundloop.detections.dataset import ScoredImage
from groundloop.detections.thresholds import ThresholdRule
from groundloop.report import Report, WorstImage, worst_images
from groundloop.report.confusion import MAX_NUMBERED
from groundloop.report.counts import MAX_PANELS
from groundloop.report.page import page
from groundloop.report.worst import BoxOutcome, Mark, WorstChoice

MakeReport = Callable[..., Report]
EVIL = '"><script>alert(1)</script><img src=x onerror=alert(1)>'


class Elements(HTMLParser):
    """Elements with their attributes and own text, by the section they are in."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}
        self._section = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.found.append((tag, attributes))
        if tag == "section":
            self._section = attributes["id"] or ""

    def handle_data(self, data: str) -> None:
        text = " ".join(data.split())
        if text:
            self.texts[self._section] = self.texts.get(self._section, "") + text + "|"

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for found, attributes in self.found if found == tag]


def test_nothing_is_loaded_and_nothing_runs(make_report: MakeReport) -> None:
    text = page(make_report())
    elements = Elements(text)
    assert {tag for tag, _ in elements.found} & {"script", "link", "iframe", "object", "img", "base"} == set()
    for _, attributes in elements.found:
        assert not any(key.startswith("on") for key in attributes)
        address = attributes.get("href") or attributes.get("src") or "#"
        assert address.startswith(("#", "data:image/jpeg;base64,"))
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    assert "url(" not in style
    assert "@import" not in style
    assert "http" not in text


def test_it_adapts_to_the_reader(make_report: MakeReport) -> None:
    text = page(make_report())
    elements = Elements(text)
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in elements.named("meta")
    assert all(
        f"@media {feature}" in text
        for feature in ("screen and (prefers-color-scheme: dark)", "(max-width: 640px)", "print")
    )
    assert all(drawing.get("aria-label") for drawing in elements.named("svg") if drawing.get("role") == "img")
    tables = [element for element in elements.found if element[0] in ("table", "div")]
    inside = [previous for previous, this in itertools.pairwise(tables) if this[0] == "table"]
    assert inside
    assert all(attributes.get("class") == "scroll" for _, attributes in inside)


def test_sections_come_from_the_verdict_down_and_are_linked(make_report: MakeReport) -> None:
    elements = Elements(page(make_report()))
    order = ["gate", "metrics", "champion", "curves", "confusion", "counts", "classes", "gallery", "origin"]
    assert [section["id"] for section in elements.named("section")] == order
    assert [link["href"] for link in elements.named("a")] == [f"#{key}" for key in order]


def test_a_part_that_was_not_given_is_left_out(make_report: MakeReport) -> None:
    elements = Elements(page(make_report(champion=None, details={}, notes=())))
    assert {"champion", "origin"}.isdisjoint(section["id"] for section in elements.named("section"))


def test_metrics_on_old_and_new_labels_stand_side_by_side(make_report: MakeReport) -> None:
    before, after = {"map_50": 0.5, "count.bias": 0.0, "ar_1": None}, {"map_50": 0.75, "count.bias": -0.5, "ar_1": None}
    corrections = {
        "message": "the labels of 4 of 12 test images were corrected since version 3 was tested",
        "before": {"candidate": before, "champion": {"map_50": 0.8}},
        "after": {"candidate": after, "champion": {"map_50": 0.6}},
    }
    elements = Elements(page(make_report(label_corrections=corrections)))
    text = elements.texts["label-corrections"]
    assert "corrected since version 3 was tested" in text
    for row in ("0.500|0.750|+0.250", "0.800|0.600|\u22120.200", "0.000|\u22120.500|\u22120.500"):
        assert row in text
    assert "ar_1" not in text
    assert {"href": "#label-corrections"}.items() <= elements.named("a")[3].items()


def test_whatever_users_name_stays_text(make_report: MakeReport, gate: Any, champion: Any) -> None:
    made = make_report((EVIL, "nut"), title=EVIL, notes=[EVIL], details={EVIL: EVIL})
    requirement = {**gate["requirements"][0], "metric": f"per_class.{EVIL}.recall"}
    choice = WorstChoice(f"s3://b/{EVIL}", (Mark(BoxOutcome.MISSED, EVIL, (0, 0, 9, 9)),))
    made = replace(
        made,
        gate={**gate, "message": EVIL, "requirements": [requirement]},
        champion={**champion, "message": EVIL, "package": EVIL, "metrics": {EVIL: 0.5}, "candidate": {EVIL: 0.5}},
        worst=[WorstImage(choice, missing=EVIL)],
    )
    elements = Elements(page(made))
    assert not elements.named("script")
    assert not elements.named("img")
    assert all(EVIL in elements.texts[key] for key in ("gate", "champion", "curves", "confusion", "classes", "origin"))
    assert "alert(1)" in elements.texts["gallery"]


def _gate(requirements: list[dict[str, Any]]) -> dict[str, Any]:
    missed = [row["metric"] for row in requirements if not row["met"]]
    return {"requirements": requirements, "missed": missed, "thresholds_missed": len(missed), "message": "a message"}


def _asked(value: float | None, threshold: float, met: bool, **more: str) -> dict[str, Any]:
    return {"metric": "map_50", "operator": ">=", "threshold": threshold, "value": value, "met": met, **more}


@pytest.mark.parametrize(
    ("requirements", "expected"),
    [
        pytest.param([], ["No verdict: the gate has no requirements"], id="nothing asked"),
        pytest.param(
            [_asked(0.71, 0.6, True)],
            ["✓ Passed: 1 requirement met", "≥ 0.6|", "|0.710|", "+0.110", "✓ met"],
            id="met",
        ),
        pytest.param(
            [_asked(0.71, 0.6, True), _asked(0.5, 0.75, False)],
            ["✗ Not passed: 1 of 2 requirements missed", "✗ missed", "\u22120.250"],
            id="one missed",
        ),
        pytest.param([_asked(0.5999999, 0.6, False)], ["\u22120.000000100"], id="a narrow miss"),
        pytest.param([_asked(None, 0.6, False)], ["\u2013|≥ 0.6|\u2013|"], id="undefined"),
        pytest.param([_asked(0.5, 2 / 3, False, against="champion")], ["≥ 0.667|champion|"], id="of the champion"),
    ],
)
def test_the_verdict_is_told_in_words_and_numbers(
    make_report: MakeReport, requirements: list[dict[str, Any]], expected: list[str]
) -> None:
    text = Elements(page(make_report(gate=_gate(requirements)))).texts["gate"]
    assert [words for words in expected if words not in text] == []


def test_cards_show_metric_interval_and_threshold(make_report: MakeReport) -> None:
    made = make_report(gate=_gate([_asked(0.71, 0.25, True)]))
    evaluation = replace(
        made.evaluation, metrics={**made.evaluation.metrics, "map_50": 0.5}, intervals={"map_50": (0.4, 0.65)}
    )
    text = page(replace(made, evaluation=evaluation))
    metrics = Elements(text).texts["metrics"]
    assert "mAP@50|0.500|mean AP at IoU 0.50|95 % interval 0.400 to 0.650|" in metrics
    assert '<i style="left:40.0%;width:25.0%"></i><u style="left:25.0%"></u><b style="left:50.0%"></b>' in text
    assert "no interval" in metrics


def test_better_and_worse_than_the_champion_go_by_the_metric(make_report: MakeReport) -> None:
    text = Elements(page(make_report())).texts["champion"]
    assert "Both on the 11 test images that both have." in text
    assert "|0.710|0.700|+0.010|▲ better|" in text
    assert "|0.900|0.800|+0.100|▼ worse|" in text
    assert "|+0.250|\u22120.500|+0.750|" in text.replace("▲", "")
    assert text.index("Side by side, by class") < text.index("per_class.nut.recall")


def test_classes_with_thresholds_of_their_own_are_marked_at_them(make_report: MakeReport) -> None:
    made = make_report(rule=ThresholdRule(per_class=True))
    assert len({row.threshold for row in made.evaluation.per_class}) > 1
    # A dot for the mean, and one for each class, on three charts.
    assert page(made).count('class="dot"') == 3 * (1 + len(made.evaluation.classes))
    assert page(make_report()).count('class="dot"') == 3


def test_a_class_without_true_boxes_is_named_without_a_curve(make_report: MakeReport) -> None:
    made = make_report()
    first, *others = made.evaluation.per_class
    absent = replace(first, curves=None, ap=None, ap_50=None, boxes=0)
    elements = Elements(page(replace(made, evaluation=replace(made.evaluation, per_class=(absent, *others)))))
    assert "bolt|: no ground-truth box, so no curve" in elements.texts["curves"]


@pytest.mark.parametrize("classes", [MAX_NUMBERED, MAX_NUMBERED + 1])
def test_the_confusion_matrix_has_numbers_while_they_fit(make_report: MakeReport, classes: int) -> None:
    made = make_report(tuple(f"kind {number}" for number in range(classes)))
    counts = np.zeros((classes + 1, classes + 1), dtype=np.int64)
    counts[0, 0], counts[0, 1], counts[0, classes], counts[classes, 2] = 6, 1, 3, 4321
    elements = Elements(page(replace(made, evaluation=replace(made.evaluation, confusion=counts))))
    titles = [cell.get("title") for cell in elements.named("td") if cell.get("title")]
    assert titles == [
        "true kind 0, detected as kind 0: 6 of 10 (60 %)",
        "true kind 0, detected as kind 1: 1 of 10 (10 %)",
        "true kind 0, not detected: 3 of 10 (30 %)",
        "nothing there, detected as kind 2: 4,321 of 4,321 (100 %)",
    ]
    text = elements.texts["confusion"]
    assert ("|4321|" in text) == (classes <= MAX_NUMBERED)
    assert text.index("4,321 false positives:|kind 2|") < text.index("3 of 10|kind 0|not found|")


def test_counts_of_many_classes_are_those_with_the_largest_errors(make_report: MakeReport) -> None:
    classes = tuple(f"kind {number}" for number in range(MAX_PANELS + 9))
    made = make_report(classes)
    elements = Elements(page(made))
    panels = [svg for svg in elements.named("svg") if (svg.get("aria-label") or "").startswith("Detected over true")]
    assert len(panels) == 1 + MAX_PANELS
    worst = max(made.evaluation.per_class, key=lambda row: row.count.mae).name
    assert any(f"of {worst}," in (svg["aria-label"] or "") for svg in panels)
    assert f"the {MAX_PANELS} with the largest errors" in elements.texts["counts"]


def test_the_gallery_draws_boxes_in_pixels_of_the_image(make_report: MakeReport, jpeg: bytes) -> None:
    marks = (
        Mark(BoxOutcome.MISSED, "bolt", (10, 20, 110, 70)),
        Mark(BoxOutcome.FALSE, "nut", (200, 20, 300, 70), 0.875),
    )
    text = page(make_report(worst=[WorstImage(WorstChoice("s3://b/x/name.jpg", marks), jpeg)]))
    elements = Elements(text)
    assert {"viewbox": "0 0 320 240"}.items() <= elements.named("svg")[-1].items()
    drawn = {box["class"]: box for box in elements.named("rect") if box.get("width") == "100.0"}
    assert {"case", "missed", "false"} == set(drawn)
    assert (drawn["missed"]["x"], drawn["missed"]["y"], drawn["missed"]["height"]) == ("10.0", "20.0", "50.0")
    gallery = elements.texts["gallery"]
    assert "name.jpg" in gallery
    assert "1 false detection, 1 of 1 objects missed" in gallery
    assert "? bolt|" in gallery
    assert "✗ nut 0.88|" in gallery


@pytest.mark.parametrize(
    ("content", "missing", "message"),
    [
        pytest.param(None, "AccessDenied", "Image not shown: AccessDenied.", id="not loaded"),
        pytest.param(b"junk", "", "Image not shown: the file is not an image that can be read.", id="no image"),
    ],
)
def test_an_image_that_is_not_there_is_told_and_its_boxes_drawn(
    make_report: MakeReport, content: bytes | None, missing: str, message: str
) -> None:
    choice = WorstChoice("s3://b/a.jpg", (Mark(BoxOutcome.MISSED, "bolt", (10, 20, 200, 100)),))
    elements = Elements(page(make_report(worst=[WorstImage(choice, content, missing)])))
    assert message in elements.texts["gallery"]
    assert not elements.named("image")
    assert elements.named("svg")[-1]["viewbox"] == "0 0 206 103"


def test_many_boxes_keep_their_titles_but_not_all_words(
    make_report: MakeReport, make_image: Callable[..., ScoredImage]
) -> None:
    made = make_report()
    truth = [(0, 10 * x, 10 * y, 10 * x + 8, 10 * y + 8) for x in range(10) for y in range(10)]
    crowded = make_image(truth, [(0, 0.99, *box[1:]) for box in truth[:95]])
    worst = [WorstImage(choice) for choice in worst_images([crowded], made.evaluation)]
    gallery = Elements(page(replace(made, worst=worst))).texts["gallery"]
    assert gallery.count("detection, right: bolt 0.99") == 95
    assert "|bolt 0.99|" not in gallery
    assert gallery.count("? bolt|") == 5
