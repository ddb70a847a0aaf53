from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from steps.prepare.job import main

ManifestLine = Callable[..., dict[str, Any]]


@pytest.fixture
def manifest_line() -> ManifestLine:
    """A valid line: boxes of the named classes, ids by the line's own map."""

    def make(key: str, *names: str, bucket: str = "bucket", attribute: str = "bb") -> dict[str, Any]:
        ids = {name: position for position, name in enumerate(dict.fromkeys(names))}
        return {
            "source-ref": f"s3://{bucket}/{key}",
            attribute: {
                "image_size": [{"width": 64, "height": 48, "depth": 3}],
                "annotations": [
                    {"class_id": ids[name], "left": n % 50, "top": 1, "width": 10, "height": 12}
                    for n, name in enumerate(names)
                ],
            },
            f"{attribute}-metadata": {
                "objects": [{"confidence": 0}] * len(names),
                "class-map": {str(position): name for name, position in ids.items()},
                "type": "groundtruth/object-detection",
            },
        }

    return make


@pytest.fixture
def picture() -> Callable[..., bytes]:
    """An encoded image of the size that the lines say."""

    def make(size: tuple[int, int] = (64, 48), mode: str = "RGB", kind: str = "PNG", **options: Any) -> bytes:
        stream = io.BytesIO()
        Image.new(mode, size).save(stream, kind, **options)
        return stream.getvalue()

    return make


@dataclass
class Prepared:
    """What one run of the job left behind."""

    code: int
    manifests: Path
    report: Path
    message: str
    out: str
    err: str

    @property
    def summary(self) -> Any:
        return json.loads((self.report / "summary.json").read_bytes())

    @property
    def rejected(self) -> list[Any]:
        return [json.loads(line) for line in (self.report / "rejected.jsonl").read_bytes().splitlines()]

    def lines(self, split: str) -> list[Any]:
        return [json.loads(line) for line in (self.manifests / f"{split}.manifest").read_bytes().splitlines()]


@pytest.fixture
def prepare(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Callable[..., Prepared]:
    """Run the job in this process on the given lines."""

    def run(
        lines: list[dict[str, Any] | bytes], *arguments: str, check_images: str = "none", pack: bool = False
    ) -> Prepared:
        folder = tmp_path / "in"
        folder.mkdir(exist_ok=True)
        raw = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
        data = b"\n".join(raw) + b"\n"
        (folder / "output.manifest").write_bytes(gzip.compress(data) if pack else data)
        message = tmp_path / "output" / "message"
        code = main(
            [
                *("--manifest", str(folder), "--manifest-uri", "s3://labels/job/output.manifest"),
                *("--manifests-output", str(tmp_path / "manifests"), "--report-output", str(tmp_path / "report")),
                *("--training-data-output", str(tmp_path / "training-data")),
                *("--message-file", str(message), "--check-images", check_images),
                *arguments,
            ]
        )
        out, err = capfd.readouterr()
        said = message.read_text() if message.exists() else ""
        return Prepared(code, tmp_path / "manifests", tmp_path / "report", said, out, err)

    return run
