from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from steps.evaluate.job import main

WIDTH, HEIGHT = 100, 50
Boxes = list[tuple[str, int, int, int, int]]


@dataclass
class Evaluated:
    """What one run of the job left behind."""

    code: int
    output: Path
    message: str
    out: str
    err: str

    @property
    def metrics(self) -> Any:
        return json.loads((self.output / "evaluation.json").read_bytes())


@dataclass
class Case:
    """The job's inputs on disk, for the test to change."""

    folder: Path
    classes: list[str]
    lines: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {"validation": [], "test": []})

    def add(self, split: str, key: str, boxes: Boxes, detections: list[list[float]] | None = None) -> None:
        """An image with boxes (class, left, top, width, height); detected as given, by default perfectly."""
        ids = {name: position for position, name in enumerate(self.classes)}
        annotations = [
            {"class_id": ids[name], "left": left, "top": top, "width": width, "height": height}
            for name, left, top, width, height in boxes
        ]
        self.lines[split].append(
            {
                "source-ref": f"s3://bucket/{key}",
                "bounding-box": {"image_size": [{"width": WIDTH, "height": HEIGHT}], "annotations": annotations},
                "bounding-box-metadata": {"class-map": {str(n): name for name, n in ids.items()}},
            }
        )
        if detections is None:
            detections = [
                [ids[name], 0.9, left / WIDTH, top / HEIGHT, (left + width) / WIDTH, (top + height) / HEIGHT]
                for name, left, top, width, height in boxes
            ]
        output = self.folder / "predictions" / f"{key}.out"
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(json.dumps({"prediction": detections}))


@pytest.fixture
def case(tmp_path: Path) -> Case:
    """Two classes; two images in each split, all detected perfectly."""
    case = Case(tmp_path, ["bolt", "nut"])
    for split in ("validation", "test"):
        case.add(split, f"{split}/1.jpg", [("nut", 0, 0, 20, 20), ("bolt", 50, 10, 30, 30)])
        case.add(split, f"{split}/2.jpg", [("nut", 40, 5, 20, 20)])
    return case


@pytest.fixture
def evaluate(capfd: pytest.CaptureFixture[str]) -> Callable[..., Evaluated]:
    """Run the job in this process on a case."""

    def run(case: Case, *minimums: str, more: Sequence[str] = ()) -> Evaluated:
        folder = case.folder
        for name in ("manifests", "report"):
            (folder / name).mkdir(exist_ok=True)
        for split, lines in case.lines.items():
            text = "".join(json.dumps(line) + "\n" for line in lines)
            (folder / "manifests" / f"{split}.manifest").write_text(text)
        if case.classes:
            counts = {split: {"images": 2, "boxes": 3, "negatives": 0} for split in ("train", "validation", "test")}
            summary = {"classes": case.classes, "num_classes": 2, "fingerprint": "ab" * 32, **counts}
            (folder / "report" / "summary.json").write_text(json.dumps(summary))
        message = folder / "output" / "message"
        code = main(
            [
                *("--manifests", str(folder / "manifests"), "--predictions", str(folder / "predictions")),
                *("--report", str(folder / "report"), "--output", str(folder / "evaluation")),
                *("--message-file", str(message), "--no-gallery", "--resamples", "20", *more),
                *(["--minimum", *minimums] if minimums else []),
            ]
        )
        out, err = capfd.readouterr()
        return Evaluated(code, folder / "evaluation", message.read_text() if message.exists() else "", out, err)

    return run
