"""The report's tables of slices."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from groundloop.detections.dataset import ScoredImage
from groundloop.detections.evaluate import evaluate
from groundloop.detections.thresholds import ThresholdRule
from groundloop.report import Report
from groundloop.report.page import page
from groundloop.report.slices import slices_view

GATE = {"requirements": [], "missed": [], "thresholds_missed": 0, "message": ""}


def test_each_key_has_a_table_with_all_images_first(make_images: Callable[..., list[ScoredImage]]) -> None:
    images = make_images(images=40)
    slices = {"camera": {image.source_ref: "A" if number < 8 else "<B>" for number, image in enumerate(images)}}
    evaluation = evaluate(images, images, ("bolt", "nut", "usb-c"), ThresholdRule(), resamples=20, slices=slices)
    (table,) = slices_view(evaluation)
    whole, first, second = table.rows
    assert [(row.name, row.images, row.few) for row in table.rows] == [
        ("", 40, False),
        ("<B>", 32, False),
        ("A", 8, True),
    ]
    assert table.few == 1
    map_50 = evaluation.metrics["map_50"]
    assert map_50 is not None
    assert (whole.bars[0].value, whole.bars[0].overall_at) == (f"{map_50:.3f}", None)
    assert first.bars[0].overall_at == second.bars[0].overall_at == f"{100 * map_50:.1f}"
    low, high = evaluation.slices["camera"]["A"].intervals["recall"]
    assert second.bars[1].interval == f"{low:.2f} to {high:.2f}"

    html = page(Report(evaluation=evaluation, gate=GATE))
    assert '<section id="slices">' in html
    assert "<bdi>&lt;B&gt;</bdi>" in html
    assert "1 slice has fewer than 30 images" in html


@pytest.mark.parametrize("resamples", [0, 20])
def test_without_slices_there_is_no_section(resamples: int, make_images: Callable[..., list[ScoredImage]]) -> None:
    evaluation = evaluate(make_images(), make_images(), ("bolt", "nut", "usb-c"), ThresholdRule(), resamples=resamples)
    assert slices_view(evaluation) == ()
    assert "slices" not in page(Report(evaluation=evaluation, gate=GATE))
