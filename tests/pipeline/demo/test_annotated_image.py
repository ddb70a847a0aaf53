"""A run without an endpoint has an annotated image too: drawn from what Evaluate scored."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from groundloop.detections.evaluation import OutcomeRow
from groundloop.detections.table import NAME, write_outcomes
from pipeline.demo.annotated_image import annotate_evaluated_image

BOX = (10.0, 10.0, 60.0, 60.0)
METRICS: dict[str, Any] = {"classes": ["bolt", "nut"], "threshold": 0.5, "class_thresholds": {"nut": 0.5}}


def row(split: str, image: str, outcome: str, box: Any = BOX) -> OutcomeRow:
    score = None if outcome == "FN" else 0.9
    return OutcomeRow(split, f"s3://images/{image}", outcome, "nut", score, None if outcome == "FN" else box, 0.8, BOX)


@pytest.fixture
def evaluated(s3: Any, tmp_path: Path) -> Any:
    """Put a table and images into S3."""

    def evaluated(*rows: OutcomeRow, images: dict[str, tuple[int, int, int]]) -> None:
        s3.create_bucket(Bucket="images")
        write_outcomes(tmp_path / NAME, rows)
        s3.put_object(Bucket="images", Key=f"evaluation/{NAME}", Body=(tmp_path / NAME).read_bytes())
        for name, colour in images.items():
            content = io.BytesIO()
            Image.new("RGB", (480, 480), colour).save(content, "PNG")
            s3.put_object(Bucket="images", Key=name, Body=content.getvalue())

    return evaluated


def test_the_test_image_with_the_most_correct_detections_is_drawn(evaluated: Any, tmp_path: Path) -> None:
    rows = [row("test", "a.png", "FN"), row("test", "b.png", "TP"), *[row("validation", "c.png", "TP")] * 2]
    evaluated(*rows, images={"a.png": (0, 0, 0), "b.png": (0, 0, 200), "c.png": (0, 200, 0)})
    path = tmp_path / "detections.jpg"
    assert annotate_evaluated_image("us-east-1", "s3://images/evaluation", METRICS, path)
    with Image.open(path) as drawn:
        red, green, blue = drawn.getpixel((400, 400))  # type: ignore[misc]
        assert blue > 150 > max(red, green), "b.png"
        assert drawn.getpixel((35, 10)) != drawn.getpixel((400, 400)), "with an outline"


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([], id="no detection and no object"),
        pytest.param([row("test", "missing.png", "TP")], id="an image that is gone"),
    ],
)
def test_without_an_image_nothing_is_written(evaluated: Any, tmp_path: Path, rows: list[OutcomeRow]) -> None:
    evaluated(*rows, images={})
    path = tmp_path / "detections.jpg"
    assert not annotate_evaluated_image("us-east-1", "s3://images/evaluation", METRICS, path)
    assert not path.exists()
