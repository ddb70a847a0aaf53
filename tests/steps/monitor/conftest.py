"""A bucket with captured requests of one endpoint, and the version that it serves."""

from __future__ import annotations

import functools
import io
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from groundloop import aws
from groundloop.detections.drift import window as drift_window
from groundloop.detections.drift.baseline import Baseline
from groundloop.detections.drift.sample import Sample
from groundloop.detections.drift.statistics import detection_statistics, image_statistics
from groundloop.detections.predictions import Detections
from groundloop.models.packages import Package
from groundloop.review.queue_manifest import images_of
from groundloop.spec.data_capture import (
    INPUT,
    OUTPUT,
    CaptureData,
    CapturedData,
    CaptureRecord,
    ContentTypes,
    EventMetadata,
    capture_name,
)
from steps.monitor import job
from steps.monitor.served import MonitoredVariant, Served

UNTIL = datetime(2026, 11, 21, 12, 30, tzinfo=timezone.utc)
CLASSES = ("bolt", "nut")
THRESHOLDS = {"bolt": 0.5, "nut": 0.5}
ARN = "arn:aws:sagemaker:us-east-1:123456789012:model-package/detectors/7"
ROOT = "s3://bucket/groundloop"
ENDPOINT = "bolts"
JSON_AS_TEXT = ContentTypes.of(json=["application/json"])
IMAGES = 40

Row = list[float]


@dataclass(frozen=True)
class Photo:
    """An encoded image and the rows that the endpoint answers."""

    content: bytes
    rows: Sequence[Row]


def photos(count: int, seed: int, light: float = 1.0) -> list[Photo]:
    """Return noisy images with one to three detections each; dark ones have weaker ones."""
    chance = random.Random(seed)  # noqa: S311 - pictures, not secrets
    found = []
    for _ in range(count):
        base = Image.effect_noise((64, 48), 40).convert("RGB")
        shade = Image.new("RGB", (64, 48), (chance.randint(90, 150),) * 3)
        stream = io.BytesIO()
        Image.blend(base, shade, 0.5).point(lambda value: int(value * light)).save(stream, "JPEG", quality=90)
        rows = [
            [chance.randint(0, 1), chance.uniform(0.3, 0.95) * light, x, x, x + chance.uniform(0.1, 0.3), x + 0.2]
            for x in (0.1, 0.4, 0.6)[: chance.randint(1, 3)]
        ]
        found.append(Photo(stream.getvalue(), rows))
    return found


def answer_of(photo: Photo) -> bytes:
    return json.dumps({"prediction": photo.rows}).encode()


@pytest.fixture(scope="session", autouse=True)
def measured_once() -> Iterator[None]:
    """The tests send the same images again and again: each is measured once, and one client reads them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drift_window, "image_statistics", functools.cache(image_statistics))
        patch.setattr(aws, "image_client", functools.cache(aws.image_client))
        yield


@pytest.fixture(scope="session")
def baseline() -> Baseline:
    """Of images and detections like those of `photos`."""
    rows = [
        (
            image_statistics(photo.content),
            detection_statistics(Detections.from_sagemaker(answer_of(photo), CLASSES), THRESHOLDS),
        )
        for photo in photos(60, seed=1)
    ]
    return Baseline(Sample.of(rows, CLASSES, THRESHOLDS), ARN, 60)


@pytest.fixture(scope="session")
def plain() -> list[Photo]:
    return photos(IMAGES, seed=2)


@pytest.fixture(scope="session")
def dark() -> list[Photo]:
    return photos(IMAGES, seed=3, light=0.4)


def package_of(number: int = 7) -> Package:
    """Return a version whose evaluation is gone, so that its scores count as they are."""
    return Package(
        arn=ARN.replace("/7", f"/{number}"),
        version=number,
        approval_status="Approved",
        test_manifest_uri=f"{ROOT}/test.manifest",
        summary={"classes": list(CLASSES), "training_data": "0a1b"},
        evaluation={"threshold": 0.5, "class_thresholds": THRESHOLDS},
        evaluation_uri=f"{ROOT}/evaluation.json",
        baseline_uri=f"{ROOT}/baseline.json",
    )


@dataclass
class Endpoint:
    """The monitored endpoint, whose captured requests lie in S3.

    Attributes:
        s3: an S3 in memory with the bucket `bucket`.
        folder: for the job's outputs.
        served: what it serves.
    """

    s3: Any
    folder: Path
    served: Served
    runs: int = 0
    message: str = ""
    files: list[str] = field(default_factory=list)

    def capture(
        self, sent: Sequence[Photo], *, at: datetime = UNTIL - timedelta(hours=1), variant: str = "AllTraffic"
    ) -> None:
        """Write a file of data capture, as the endpoint does."""
        lines = [
            CaptureRecord(
                CaptureData(
                    CapturedData.of(photo.content, "application/x-image", INPUT, JSON_AS_TEXT),
                    CapturedData.of(answer_of(photo), "application/json", OUTPUT, JSON_AS_TEXT),
                ),
                EventMetadata(f"event-{number}", f"{at:%Y-%m-%dT%H:%M:%SZ}"),
            ).line()
            for number, photo in enumerate(sent)
        ]
        self.put(f"capture/{capture_name(ENDPOINT, variant, at, str(len(self.files)))}", b"".join(lines))

    def put(self, key: str, content: bytes) -> None:
        self.s3.put_object(Bucket="bucket", Key=f"groundloop/{key}", Body=content)
        self.files.append(key)

    def monitor(self, *arguments: str, until: datetime = UNTIL) -> dict[str, Any]:
        """Run the job, upload its outputs as SageMaker does, and return the content of its drift.json."""
        self.runs += 1
        output = self.folder / str(self.runs)
        given = [
            *("--region", "us-east-1", "--endpoint", ENDPOINT, "--group", "detectors", "--root", ROOT),
            *("--until", until.isoformat(), "--min-images", "20", "--queue", "10", "--output", str(output)),
            *("--message-file", str(output / "message")),
        ]
        code = job.main([*given, *arguments])
        self.message = (output / "message").read_text()
        assert code == 0, self.message
        for local, prefix in (("monitoring", f"monitoring/{ENDPOINT}"), ("captured", "captured")):
            for path in sorted((output / local).rglob("*")):
                if path.is_file():
                    self.put(f"{prefix}/{path.relative_to(output / local).as_posix()}", path.read_bytes())
        (found,) = (output / "monitoring").rglob("drift.json")
        content: dict[str, Any] = json.loads(found.read_bytes())
        content["verdict"] = json.loads((output / "verdict" / "verdict.json").read_bytes())
        return content

    def read(self, uri: str) -> bytes:
        content: bytes = self.s3.get_object(Bucket="bucket", Key=uri.removeprefix("s3://bucket/"))["Body"].read()
        return content

    def queued(self, content: dict[str, Any], variant: int = 0) -> list[str]:
        """Return the images of a run's queue."""
        queue = content["variants"][variant]["queue"]
        return images_of(self.read(queue["uri"])) if queue else []


@pytest.fixture
def endpoint(s3: Any, tmp_path: Path, baseline: Baseline, monkeypatch: pytest.MonkeyPatch) -> Endpoint:
    """An endpoint with one variant, without requests."""
    place = f"{ROOT}/capture/{ENDPOINT}/AllTraffic"
    variant = MonitoredVariant("AllTraffic", package_of(), baseline, place, ENDPOINT)
    made = Endpoint(s3, tmp_path, Served((variant,), UNTIL - timedelta(days=3)))
    monkeypatch.setattr(job, "served", lambda *_: made.served)
    return made
