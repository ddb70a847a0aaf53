"""A folder of pictures, labelled by people, trained on; and the next version, after people corrected its doubts.

The people of this test know the truth, since the pictures are drawn. Offline, on the AWS of the other flows.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import boto3
import pytest

from groundloop.review.queue import Queue
from groundloop.review.wire import Answer, AnsweredBox, Outcome, Shown
from pipeline.demo.synthetic_images import CLASSES, SyntheticImage, draw_image
from tests.fixtures.cli import Groundloop

ROOT = Path(__file__).resolve().parents[2]
FIRST, MORE, REVIEWED = 40, 24, 12


@pytest.fixture(scope="module")
def truth() -> dict[str, SyntheticImage]:
    """The drawn pictures by file name: those of the first round, then those that come later."""
    chance = random.Random(3)  # noqa: S311 - pictures, not secrets
    return {f"{number:03}.jpg": draw_image(chance) for number in range(FIRST + MORE)}


@pytest.fixture
def folder(tmp_path: Path, truth: dict[str, SyntheticImage], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with the pictures, in `photos` and `more`."""
    monkeypatch.chdir(tmp_path)
    for place, (name, drawn) in enumerate(truth.items()):
        target = tmp_path / ("photos" if place < FIRST else "more") / name
        target.parent.mkdir(exist_ok=True)
        drawn.image.save(target, quality=88)
    return tmp_path


def answer_by_truth(name: str, truth: dict[str, SyntheticImage]) -> None:
    """Answer every task of a queue rightly."""
    queue = Queue.open(Path("reviews") / name)
    for number, task in list(queue.tasks()):
        boxes = tuple(
            AnsweredBox(class_id=CLASSES.index(label), left=left, top=top, width=width, height=height)
            for label, (left, top, width, height) in truth[task.source_ref].objects
        )
        queue.answers.add(
            "ann",
            Answer(
                client_id=f"{name}-{number:04}",
                task=number,
                lease="",
                outcome=Outcome.BOXES,
                boxes=boxes,
                accepted_at="2026-11-21T10:00:00Z",
                submitted_at="2026-11-21T10:00:09Z",
                seconds=9,
            ),
        )
    queue.close()


def lines_of(uri: str) -> list[dict[str, Any]]:
    """Return the lines of a manifest in S3."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return [json.loads(line) for line in boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].iter_lines()]


def test_pictures_become_a_detector_and_its_reviewed_doubts_the_next_version(
    groundloop: Groundloop, project: Any, folder: Path, truth: dict[str, SyntheticImage]
) -> None:
    own = {
        "pipeline.name": "review-loop",
        "pipeline.deploy_name": "review-loop-deploy",
        "registry.group": "review-loop",
        "deploy.endpoint.name": "review-loop",
        "training.hyperparameters.epochs": 2,
        "prepare.split": "{validation: 0.25, test: 0.25}",
    }
    settings = ["-c", str(ROOT / "configs" / "local.yaml")]
    settings += [text for key, value in own.items() for text in ("-s", f"{key}={value}")]

    # Labelled from nothing.
    assert groundloop("review", "new", "photos", "--images", "photos", "--classes", ",".join(CLASSES)).code == 0
    answer_by_truth("photos", truth)
    finished = groundloop("review", "finish", "photos", "--publish", "--json", *settings)
    assert finished.code == 0, finished.err
    first_labels = finished.json["published"]
    assert finished.json["labels"] == FIRST

    # The first detector.
    manifest = ("-s", f"labels.manifest={first_labels}")
    assert groundloop("upsert", *settings, *manifest).code == 0
    ran = groundloop("start", "--watch", *settings, *manifest)
    assert ran.code == 0, ran.err

    # Its doubts on pictures that it has not seen, found by its endpoint.
    new = ("review", "new", "round-2", "--images", "more", "--model", "1", "--limit", str(REVIEWED), "--audit", "0.5")
    made = groundloop(*new, *settings)
    assert made.code == 0, made.err
    queue = Queue.open(Path("reviews/round-2"))
    tasks = [task for _, task in queue.tasks()]
    queue.close()
    assert len(tasks) == REVIEWED
    assert {task.selected_by for task in tasks} == {"expected-mistakes", "audit"}
    assert any(task.boxes for task in tasks)
    assert any(task.shown is Shown.NOTHING for task in tasks)

    # Corrected, and the next run is on its way.
    answer_by_truth("round-2", truth)
    started = groundloop("review", "finish", "round-2", "--start", *settings, *manifest)
    assert started.code == 0, started.err
    assert groundloop("watch", *settings, *manifest).code == 0

    # A second version, trained on the doubtful pictures too and tested on none of them.
    versions = {version["number"]: version for version in groundloop("models", "--json", *settings).json["versions"]}
    assert set(versions) == {1, 2}
    doubtful = {task.source_ref for task in tasks if task.split == "train"}
    tested = {line["source-ref"].rpartition("/")[2] for line in lines_of(versions[2]["metadata"]["test_manifest"])}
    before = {line["source-ref"].rpartition("/")[2] for line in lines_of(versions[1]["metadata"]["test_manifest"])}
    assert before <= tested
    assert not doubtful & tested
