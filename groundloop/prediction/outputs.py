"""Results in the formats of other tools: CSV, COCO results and Ground Truth manifests."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from enum import Enum
from pathlib import Path

import msgspec

from groundloop.prediction.journal import ImageResult

#: The header that readers of corner tables take, with the score as another column.
CSV_COLUMNS = ("filename", "width", "height", "class", "xmin", "ymin", "xmax", "ymax", "score")
LABEL_ATTRIBUTE = "detections"
_ENCODER = msgspec.json.Encoder()


class Format(str, Enum):
    """A format of results."""

    JSONL = "jsonl"
    CSV = "csv"
    COCO = "coco"
    MANIFEST = "manifest"


def as_jsonl(results: Sequence[ImageResult]) -> bytes:
    """Return one line of JSON for each image."""
    return b"".join(_ENCODER.encode(result) + b"\n" for result in results)


def as_csv(results: Sequence[ImageResult]) -> bytes:
    """Return a row for each detection, in pixels; an image without any has a row with an empty class."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for result in results:
        start = (result.image, result.width, result.height)
        if not result.detections:
            writer.writerow((*start, *[""] * 6))
        for one in result.detections:
            writer.writerow((*start, one.class_name, *map(repr, one.box), repr(one.score)))
    return text.getvalue().encode()


def as_coco(results: Sequence[ImageResult]) -> bytes:
    """Return COCO results; `image_id` is the position of the image, from 1, as in `coco_images`."""
    rows = [row for number, result in enumerate(results, start=1) for row in result.as_detections().as_coco(number)]
    return _ENCODER.encode(rows) + b"\n"


def coco_images(results: Sequence[ImageResult]) -> bytes:
    """Return the images and categories that COCO results refer to, as an annotations file without annotations."""
    classes = results[0].thresholds if results else {}
    content = {
        "images": [
            {"id": number, "file_name": result.image, "width": result.width, "height": result.height}
            for number, result in enumerate(results, start=1)
        ],
        "categories": [{"id": number, "name": name} for number, name in enumerate(classes, start=1)],
        "annotations": [],
    }
    return _ENCODER.encode(content) + b"\n"


def as_manifest(results: Sequence[ImageResult]) -> bytes:
    """Return a Ground Truth manifest whose labels say that no person made them."""
    created = datetime.now(timezone.utc).replace(tzinfo=None).isoformat(timespec="seconds")
    lines = [
        result.as_detections().as_groundtruth(
            result.image, LABEL_ATTRIBUTE, created=created, job="labeling-job/groundloop-predict"
        )
        for result in results
    ]
    return b"".join(_ENCODER.encode(line) + b"\n" for line in lines)


_WRITERS: dict[Format, Callable[[Sequence[ImageResult]], bytes]] = {
    Format.JSONL: as_jsonl,
    Format.CSV: as_csv,
    Format.COCO: as_coco,
    Format.MANIFEST: as_manifest,
}


def encoded(results: Sequence[ImageResult], how: Format) -> bytes:
    """Return results in a format."""
    return _WRITERS[how](results)


def write_results(results: Sequence[ImageResult], how: Format, path: Path) -> list[Path]:
    """Write results, each file whole or not at all; return what was written.

    COCO results refer to images by number: a second file, `.images.json`, has their names.
    """
    files = {path: encoded(results, how)}
    if how is Format.COCO:
        files[coco_images_path(path)] = coco_images(results)
    for target, content in files.items():
        partial = target.with_name(f".{target.name}.partial")
        partial.write_bytes(content)
        partial.replace(target)
    return list(files)


def coco_images_path(path: Path) -> Path:
    """Return the path of the images that COCO results refer to."""
    return path.with_name(f"{path.stem}.images.json")
