"""The whole loop on drawn scenes: an endpoint, darker light, an alarm, reviewed images, a version trained on them.

The scenes are drawn, so the demo knows what is on them: where people would review, it stands in for them.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import random
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import ImageEnhance

from groundloop.aws import client, poll_seconds
from groundloop.detections.captures.files import capture_files
from groundloop.detections.captures.requests import CaptureReader
from groundloop.errors import UserError
from groundloop.executions.control import latest, start
from groundloop.executions.watching import watch
from groundloop.models.packages import Package, package, served_by
from groundloop.models.registry import decide
from groundloop.review.finish import as_manifest, finished
from groundloop.review.queue import Queue, QueueInfo
from groundloop.review.queue_manifest import read_queue
from groundloop.review.wire import Answer, AnsweredBox, Outcome
from groundloop.s3 import join_uri, read_bytes, read_json
from pipeline.config import Config
from pipeline.demo.synthetic_images import SyntheticImage, draw_image
from pipeline.review.publish import publish_manifest, retrain_when_due
from pipeline.served_detector import served_detector
from pipeline.upsert import put_triggers, upsert_pipelines

#: The light of the darker scenes, as a share of the usual one.
DARKER = 0.45
_JPEG_QUALITY = 88
_REVIEWER = "demo"
_CLIENTS = 4
_TIMEOUT_SECONDS = 120.0

Report = Callable[[str], None]


@dataclass(frozen=True)
class Scene:
    """A drawn scene as it is sent."""

    content: bytes
    drawn: SyntheticImage

    @property
    def sha256(self) -> str:
        """Hash of the content, by which captured images are named."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass
class DriftLoop:
    """The loop on an offline AWS whose labels are uploaded.

    Attributes:
        config: of the pipelines, with data capture, `triggers.retrain_when` and approval by people.
        home: folder for the review queue.
        report: called with each line.
        known: every scene that was sent, by the hash of its content.
    """

    config: Config
    home: Path
    report: Report
    known: dict[str, Scene] = field(default_factory=dict)

    def upsert(self, config: Config | None = None) -> None:
        """Create or update pipelines and triggers."""
        self.config = config or self.config
        upsert_pipelines(self.config)
        _, failure = put_triggers(self.config)
        if failure:
            raise UserError(failure)

    def train(self) -> Package:
        """Train the first version; return it."""
        arn = start(self._region, self.config.pipeline.name, [])
        return self.registered(arn)

    def registered(self, execution: str) -> Package:
        """Wait until an execution has ended, and return the version that it registered.

        Raises:
            UserError: it failed, or registered none.
        """
        from groundloop.executions.control import registered_package

        self._wait(execution)
        found = registered_package(self._region, execution)
        if found is None:
            raise UserError(f"{execution} registered no version")
        return package(self._region, found)

    def approve(self, version: Package, reason: str) -> Package:
        """Approve a version as a person would, and wait until the deploy pipeline has moved the endpoint to it."""
        deploy = self.config.pipeline.deploy_name
        before = self._newest(deploy)
        decide(self._region, self.config.registry.group, version.version, "Approved", reason)
        deadline = time.monotonic() + _TIMEOUT_SECONDS
        while (execution := self._newest(deploy)) == before or execution is None:
            if time.monotonic() > deadline:
                raise UserError(f"the approval of version {version.version} started no deployment")
            time.sleep(poll_seconds(5))
        self._wait(execution)
        return served_by(self._region, self.config.deploy.endpoint.name, self.config.registry.group)

    def send(self, scenes: Sequence[Scene]) -> int:
        """Send scenes to the endpoint and wait until all are captured; return how many parts were found on them."""
        self.known |= {scene.sha256: scene for scene in scenes}
        detector = served_detector(self.config, workers=_CLIENTS)
        served = served_by(self._region, self.config.deploy.endpoint.name, self.config.registry.group)
        before = self._captured()
        with ThreadPoolExecutor(_CLIENTS) as pool:
            answers = list(pool.map(lambda scene: detector.detect(scene.content), scenes))
        deadline = time.monotonic() + _TIMEOUT_SECONDS
        while self._captured() < before + len(scenes):  # a file is written once requests of a second are in it
            if time.monotonic() > deadline:
                raise UserError("the endpoint's requests were not captured")
            time.sleep(poll_seconds(5))
        return sum(
            _found(scene.drawn, answer.filter(served.thresholds)) for scene, answer in zip(scenes, answers, strict=True)
        )

    def monitor(self) -> dict[str, Any]:
        """Run the monitor pipeline; return the content of its drift.json, with the reason of a failed execution."""
        arn = start(self._region, self.config.pipeline.monitor_name, [])
        result = watch(self._region, arn, lambda _: None)
        folder = self._newest_window()
        content = read_json(client("s3", self._region), join_uri(folder, "drift.json"))
        failed = [step.step for step in result.failed]
        if not result.succeeded and "DriftFound" not in failed:
            raise UserError(f"the monitor pipeline failed: {result.reason}")
        return {**content, "folder": folder, "reason": result.reason}

    def review(self, manifest: str) -> str:
        """Answer every image of a queue with what was drawn, and publish the labels.

        Returns:
            What was counted and started because of them.
        """
        tasks, classes, model = read_queue(read_bytes(client("s3", self._region), manifest), manifest)
        info = QueueInfo(
            name="drift", classes=classes, region=self._region, model=model, source=manifest, audit_answers=1
        )
        with contextlib.closing(Queue.create(self.home / "reviews" / info.name, info, tasks)) as queue:
            for number, task in queue.tasks():
                drawn = self.known[task.source_ref.rpartition("/")[2].partition(".")[0]].drawn
                queue.answers.add(_REVIEWER, _answer(number, drawn, classes))
            result = finished(queue, "")
        uri = publish_manifest(self.config, as_manifest(result.lines), info, result, "")
        self.report(f"published {len(result.lines)} reviewed labels: {uri}")
        started = retrain_when_due(self.config)
        if started is None:
            raise UserError("triggers.retrain_when is not set")
        return started

    def retrained(self) -> Package:
        """Wait for the execution that the reviewed labels have started, and return its version."""
        return self.registered(latest(self._region, self.config.pipeline.name))

    @property
    def _region(self) -> str:
        return self.config.aws.region

    def _captured(self) -> int:
        name = self.config.deploy.endpoint.name
        place = f"s3://{self.config.aws.bucket}/{self.config.aws.prefix}/capture/{name}"
        return sum(1 for _ in CaptureReader(capture_files(place, self._region)).requests())

    def _newest_window(self) -> str:
        name = self.config.deploy.endpoint.name
        prefix = f"{self.config.aws.prefix}/monitoring/{name}/"
        listed = client("s3", self._region).list_objects_v2(Bucket=self.config.aws.bucket, Prefix=prefix)
        newest = max(item["Key"] for item in listed["Contents"] if item["Key"].endswith("/drift.json"))
        return f"s3://{self.config.aws.bucket}/{newest.rpartition('/')[0]}"

    def _newest(self, pipeline: str) -> str | None:
        listed = client("sagemaker", self._region).list_pipeline_executions(PipelineName=pipeline, MaxResults=1)
        return next((item["PipelineExecutionArn"] for item in listed["PipelineExecutionSummaries"]), None)

    def _wait(self, execution: str) -> None:
        result = watch(self._region, execution, lambda _: None)
        if not result.succeeded:
            raise UserError(f"{execution} {result.status}: {result.reason}")


def scenes(count: int, seed: int, light: float = 1.0) -> Iterator[Scene]:
    """Draw scenes and encode them as a camera would.

    Args:
        count: how many.
        seed: of the drawing.
        light: share of the usual light.
    """
    chance = random.Random(seed)  # noqa: S311 - pictures, not secrets
    for _ in range(count):
        drawn = draw_image(chance)
        stream = io.BytesIO()
        ImageEnhance.Brightness(drawn.image).enhance(light).save(stream, "JPEG", quality=_JPEG_QUALITY)
        yield Scene(stream.getvalue(), drawn)


def _answer(task: int, drawn: SyntheticImage, classes: Sequence[str]) -> Answer:
    boxes = tuple(
        AnsweredBox(class_id=classes.index(name), left=left, top=top, width=width, height=height)
        for name, (left, top, width, height) in drawn.objects
    )
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return Answer(
        client_id=str(uuid.uuid4()),
        task=task,
        lease="",
        outcome=Outcome.BOXES,
        boxes=boxes,
        accepted_at=now,
        submitted_at=now,
    )


def _found(drawn: SyntheticImage, detections: Any) -> int:
    """Return how many parts of a scene were found: the right class, and at least half of both boxes in common."""
    import numpy as np

    from groundloop.boxes import iou_matrix

    if not drawn.objects or not len(detections):
        return 0
    true = np.array([(x, y, x + w, y + h) for _, (x, y, w, h) in drawn.objects], dtype=np.float64)
    overlap = iou_matrix(true, detections.pixels(*drawn.image.size))
    same = np.array([[name == other for other in detections.names] for name, _ in drawn.objects])
    return int(((overlap >= 0.5) & same).any(axis=1).sum())
