"""Captured requests become one window for each variant, and each image counts once."""

from __future__ import annotations

import io
import json
import re
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from PIL import Image

from groundloop.detections.captures.files import capture_files
from groundloop.detections.captures.requests import CaptureReader
from groundloop.detections.drift.baseline import Baseline
from groundloop.detections.drift.captured import CapturedWindow, read_windows
from groundloop.detections.drift.sample import Sample
from groundloop.detections.drift.statistics import DetectionStatistics, ImageFormat, ImageStatistics
from groundloop.detections.drift.window import Window
from groundloop.spec.data_capture import (
    INPUT,
    OUTPUT,
    CaptureData,
    CapturedData,
    CaptureRecord,
    CaptureSource,
    ContentTypes,
    EventMetadata,
    capture_name,
)

CLASSES = ("bolt", "nut")
NOON = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)
ANSWER = {"prediction": [[1, 0.9, 0.1, 0.1, 0.5, 0.5], [0, 0.2, 0, 0, 1, 1]]}
#: Images of a brightness of 118 to 122 with one or two boxes.
BASELINE = Baseline(
    Sample.of(
        [
            (
                ImageStatistics(118 + number % 5, 0, -4.6, 0, 0, ImageFormat(32, 24, "RGB", 1)),
                DetectionStatistics(1 + number % 2, 0.9, 0.9, -1.8, (0, 1)),
            )
            for number in range(20)
        ],
        CLASSES,
        dict.fromkeys(CLASSES, 0.5),
    )
)


def image(brightness: int) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (32, 24), (brightness,) * 3).save(stream, "PNG")
    return stream.getvalue()


def write(
    folder: Path, body: bytes, minutes: int = 0, variant: str = "A", answer: object = ANSWER, *, answered: bool = True
) -> None:
    """Write a file with one request."""
    time = NOON + timedelta(minutes=minutes)
    as_text = ContentTypes.of(json=["application/json"])
    output = CapturedData.of(json.dumps(answer).encode(), "application/json", OUTPUT, as_text) if answered else None
    data = CaptureData(CapturedData.of(body, "application/x-image", INPUT, as_text), output)
    record = CaptureRecord(data, EventMetadata(f"{minutes}", time.isoformat()))
    path = folder / capture_name("bolts", variant, time, str(minutes))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(record.line())


def read(
    folder: Path, since: datetime | None = None, until: datetime | None = None, max_images: int = 1000
) -> list[CapturedWindow]:
    files = capture_files(str(folder), since=since, until=until)
    return read_windows(
        CaptureReader(files), files, lambda _: BASELINE, since=since, until=until, max_images=max_images
    )


def test_each_variant_has_a_window(tmp_path: Path) -> None:
    for minutes, variant in enumerate("ABA"):
        write(tmp_path, image(100 + minutes), minutes, variant)
    windows = read(tmp_path)
    assert [one.source for one in windows] == [CaptureSource("bolts", "A"), CaptureSource("bolts", "B")]
    assert [len(one.window) for one in windows] == [2, 1]
    assert windows[0].window.sample.column("boxes").tolist() == [1, 1]
    assert windows[0].notes() == []


def test_a_variant_without_a_baseline_is_left_out(tmp_path: Path) -> None:
    for variant in "AB":
        write(tmp_path, image(100), 0, variant)
    files = capture_files(str(tmp_path))
    windows = read_windows(
        CaptureReader(files), files, lambda source: BASELINE if source and source.variant == "B" else None
    )
    assert [one.source for one in windows] == [CaptureSource("bolts", "B")]


def test_the_newest_images_are_read(tmp_path: Path) -> None:
    for minutes in range(5):
        write(tmp_path, image(100 + minutes), minutes)
    (found,) = read(tmp_path, max_images=2)
    assert sorted(found.window.sample.column("brightness")) == [103, 104]


def test_only_requests_between_the_two_times_are_read(tmp_path: Path) -> None:
    for minutes in range(5):
        write(tmp_path, image(100 + minutes), minutes)
    (found,) = read(tmp_path, NOON + timedelta(minutes=1), NOON + timedelta(minutes=3))
    assert sorted(found.window.sample.column("brightness")) == [101, 102]


@pytest.mark.parametrize(
    ("options", "images", "note"),
    [
        ({"body": image(100)}, 1, "1 request repeats an image: each image counts once"),
        ({"answered": False}, 2, "1 image has no captured response: only the images themselves are compared"),
        ({"body": image(101)[:60]}, 2, "1 image can't be read, first: .*line 1: the image cannot be decoded"),
        (
            {"answer": {"prediction": [[2, 0.9, 0, 0, 1, 1]]}},
            1,
            "1 request can't be used, first: .*class ids go from 0",
        ),
    ],
    ids=["repeated", "no response", "damaged image", "another class list"],
)
def test_what_can_not_be_used_is_noted(tmp_path: Path, options: dict[str, object], images: int, note: str) -> None:
    write(tmp_path, image(100))
    write(tmp_path, **{"body": image(101), "minutes": -1, **options})  # type: ignore[arg-type]
    (found,) = read(tmp_path)
    assert len(found.window) == images
    (said,) = found.notes()
    assert re.search(note, said)


def test_the_strangest_images_are_kept_with_the_reason(tmp_path: Path) -> None:
    for minutes, brightness in enumerate((120, 10, 119, 200, 121)):
        write(tmp_path, image(brightness), minutes)
    (found,) = read(tmp_path)
    first, second = found.window.strangest[:2]
    assert (first.image, second.image) == (image(10), image(200))
    assert first.distance.reasons[0] == "brightness 10 (usually 120 \u00b1 2)"
    assert first.detections is not None
    assert len(first.detections) == 1, "the one over the threshold"


def test_no_more_images_are_kept_than_are_shown(tmp_path: Path) -> None:
    window = Window(BASELINE, pictures=2)
    for brightness in (110, 10, 119, 200, 121, 90):
        window.add(str(brightness), image(brightness), None)
    assert [one.name for one in window.strangest] == ["10", "200"]
    assert len(window) == 6
