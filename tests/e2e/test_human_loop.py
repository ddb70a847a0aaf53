"""The human loop: pictures labelled on the page, a detector, its doubts corrected, and the next version or a refusal.

The people of this test know the truth, since the pictures are drawn. With Chromium the labels are drawn with mouse and
keys; without, they come as the page sends them.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from groundloop.detections.captures.files import capture_files
from groundloop.executions.control import steps, transition
from groundloop.executions.evaluation import evaluation_prefix, read_metrics
from groundloop.executions.prepared_labels import prepared_summary
from groundloop.labels.label_input import read_manifest
from groundloop.labels.manifest import source_ref_of
from groundloop.local import LocalAws
from groundloop.review.queue import NewTask, Queue
from groundloop.review.wire import Shown
from pipeline.config import load_config
from pipeline.demo.synthetic_images import CLASSES, LABEL_ATTRIBUTE
from pipeline.review.evaluated_model import evaluated_model
from tests.e2e.conftest import LOCAL, DataSet
from tests.fixtures.browser import chromium
from tests.fixtures.cli import Groundloop
from tests.groundloop.review.conftest import PageClient
from tests.groundloop.review.page.conftest import Reviewing, watched

FIRST, MORE, REVIEWED = 20, 14, 8
# A shown box that overlaps its object by this much stays as it is.
GOOD_ENOUGH = 0.8
NO_BROWSER = "no Chromium here: the labels of this loop came over HTTP as the page sends them, not by mouse and keys"
OWN = {
    "pipeline.name": "human-loop",
    "pipeline.deploy_name": "human-loop-deploy",
    "registry.group": "human-loop",
    "deploy.endpoint.name": "human-loop",
    "deploy.endpoint.data_capture_percent": 100,
    "training.hyperparameters.epochs": 4,
    "prepare.split": "{validation: 0.25, test: 0.25}",
    "evaluate.intervals.resamples": 0,
    "gate.min_improvement_over_champion": "{map: 0}",
}
SETTINGS = [f"{key}={value}" for key, value in OWN.items()]

#: Class id, left, top, width and height of each object.
Boxes = Sequence[tuple[int, int, int, int, int]]
Truth = Mapping[str, Boxes]


@pytest.fixture(scope="module")
def truth(dataset: DataSet) -> Truth:
    """What was drawn, by file name: the pictures of the first round, then those that come later."""
    found: dict[str, Boxes] = {}
    for line in read_manifest(str(dataset.manifest), "us-east-1", LABEL_ATTRIBUTE).lines:
        if line.record and line.record.boxes and len(found) < FIRST + MORE:
            boxes = line.record.boxes
            found[line.record.source_ref.rpartition("/")[2]] = [
                (CLASSES.index(box.class_name), int(box.left), int(box.top), int(box.width), int(box.height))
                for box in boxes
            ]
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, dataset: DataSet, truth: Truth) -> Path:
    """A working folder with the pictures, in `photos` and `more`."""
    folder = tmp_path_factory.mktemp("loop")
    for place, name in enumerate(truth):
        target = folder / ("photos" if place < FIRST else "more") / name
        target.parent.mkdir(exist_ok=True)
        shutil.copy(dataset.images / name, target)
    return folder


@contextmanager
def served(folder: Path, *arguments: str) -> Iterator[str]:
    """Run a command that serves a page, as a user does; provides the link, and ends it by Ctrl-C."""
    command = [str(Path(sys.executable).with_name("groundloop")), *arguments, "--reviewer", "ann", "--no-browser"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield next(line.removeprefix("ann: ").strip() for line in process.stdout if line.startswith("ann: "))
        finally:
            process.send_signal(signal.SIGINT)
            printed = process.stdout.read()
        assert process.wait(30) == 0
        assert "finish:  groundloop review finish " in printed


def draw_labels(browser: Any, folder: Path, link: str, truth: Truth) -> None:
    """Draw the boxes of every image of the queue `photos` with the mouse, and give them their classes by the keys."""
    url = link.partition("#")[0]
    queue = Queue.open(folder / "reviews" / "photos")
    names = {number: task.source_ref for number, task in queue.tasks()}
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB")
    page = watched(Reviewing(context.new_page(), queue, url)).open(invitation=link)
    for _ in range(FIRST):
        # Where the picture lies is asked once for all of its boxes.
        (x0, y0), (x1, y1) = page.at(0, 0), page.at(1, 1)
        for class_id, left, top, width, height in truth[names[page.task]]:
            start = x0 + left * (x1 - x0), y0 + top * (y1 - y0)
            end = x0 + (left + width) * (x1 - x0), y0 + (top + height) * (y1 - y0)
            page.drag_on_screen(start, end, steps=1)
            page.press(str(class_id + 1), "Escape")
        page.answer()
    page.page.wait_for_selector("body[data-state=done]")
    page.saved()
    assert page.problems == []
    context.close()
    queue.close()


def corrected(drawn: Boxes, shown: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the boxes of an answer: shown ones that are good enough, and what was drawn for the others."""
    answered = []
    for class_id, left, top, width, height in drawn:
        box = {"class_id": class_id, "left": left, "top": top, "width": width, "height": height, "from": None}
        for index, other in enumerate(shown):
            if other["class_id"] == class_id and overlap(box, other) >= GOOD_ENOUGH:
                box = {key: other[key] for key in ("class_id", "left", "top", "width", "height")} | {"from": index}
                break
        answered.append(box)
    return answered


def overlap(one: Mapping[str, Any], other: Mapping[str, Any]) -> float:
    """Return the intersection over union of two boxes."""
    width, height = (
        max(0, min(one[low] + one[size], other[low] + other[size]) - max(one[low], other[low]))
        for low, size in (("left", "width"), ("top", "height"))
    )
    areas = one["width"] * one["height"] + other["width"] * other["height"]
    return float(width * height / (areas - width * height))


def answer_as_the_page(link: str, truth: Truth) -> int:
    """Answer all images of a queue by the requests that the page sends; return their number."""
    client, count = PageClient(link), 0
    client.sign_in(urlsplit(link).fragment)
    while tasks := client.post("/next", {"have": [], "count": 8, "grid": False})["tasks"]:
        for task in tasks:
            answer = {
                "client_id": str(uuid.uuid4()),
                "task": task["id"],
                "lease": task["lease"],
                "outcome": "boxes",
                "boxes": corrected(truth[task["name"]], task["boxes"]),
                "comment": None,
                "accepted_at": "2026-11-21T10:00:00Z",
                "submitted_at": "2026-11-21T10:00:09Z",
                "seconds": 9,
            }
            assert client.post("/answers", answer)["stored"]
            count += 1
    return count


@pytest.fixture(scope="module")
def labelled(folder: Path, truth: Truth, request: pytest.FixtureRequest) -> str:
    """How the pictures in `photos` were labelled from nothing, after `groundloop label`: on the `page` or by `HTTP`."""
    with served(folder, "label", "photos", "--classes", ",".join(CLASSES)) as link:
        if chromium() is None:
            assert answer_as_the_page(link, truth) == FIRST
            return "HTTP"
        draw_labels(request.getfixturevalue("browser"), folder, link, truth)
    return "page"


def test_a_folder_is_labelled_with_mouse_and_keys(labelled: str, folder: Path, truth: Truth) -> None:
    queue = Queue.open(folder / "reviews" / "photos")
    names = {number: task.source_ref for number, task in queue.tasks()}
    stored = {
        names[counted.task]: sorted((b.class_id, b.left, b.top, b.width, b.height) for b in counted.answer.boxes)
        for counted in queue.answers.counted()
    }
    queue.close()
    assert stored == {name: sorted(truth[name]) for name in list(truth)[:FIRST]}
    if labelled != "page":
        pytest.skip(NO_BROWSER)


def test_the_labels_train_a_detector_and_its_corrected_doubts_the_next_version(
    groundloop: Groundloop,
    aws: LocalAws,
    labelled: str,
    folder: Path,
    truth: Truth,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert labelled
    monkeypatch.chdir(folder)

    # The first detector, from the labels alone.
    settings = ["-c", str(LOCAL), *(f"--set={setting}" for setting in SETTINGS)]
    finished = groundloop("review", "finish", "photos", "--publish", "--json", *settings)
    assert finished.code == 0, finished.err
    assert finished.json["labels"] == FIRST
    settings.append(f"--set=labels.manifest={finished.json['published']}")
    assert groundloop("upsert", *settings).code == 0
    ran = groundloop("start", "--watch", *settings)
    assert ran.code == 0, ran.err
    config = load_config([LOCAL], SETTINGS, environment={})
    first = evaluated_model("1", lambda: config)

    # Its doubts on pictures that it has not seen, found by its endpoint.
    new = ("review", "new", "round-2", "--images", "more", "--model", "1", "--limit", str(REVIEWED), "--audit", "0.3")
    made = groundloop(*new, *settings)
    assert made.code == 0, made.err
    queue = Queue.open(folder / "reviews" / "round-2")
    tasks = [task for _, task in queue.tasks()]
    queue.close()
    assert len(tasks) == REVIEWED
    assert {task.selected_by for task in tasks} == {"expected-mistakes", "audit"}
    assert {task.shown for task in tasks} == {Shown.MODEL, Shown.NOTHING}
    assert any(task.boxes for task in tasks)
    assert all(task.why for task in tasks)

    # People correct them, and the next execution is on its way.
    with served(folder, "review", "serve", "round-2") as link:
        assert answer_as_the_page(link, truth) == REVIEWED

    # The endpoint has captured what it was sent: a queue of that asks it for nothing.
    place = f"s3://{config.aws.bucket}/{config.aws.prefix}/capture/human-loop"
    wait_for_files(config.aws.region, place)
    captured = groundloop("review", "new", "captured", "--captured", place, "--model", "1", *settings)
    assert captured.code == 0, captured.err
    assert f"{MORE} different images in {MORE} captured requests" in captured.out
    (hour, *_) = groundloop("captures", "list", "--json", *settings).json["groups"]
    assert (hour["endpoint"], hour["findings"], list(hour["types"])) == ("human-loop", {}, ["JPEG"])
    extracted = groundloop("captures", "extract", "extracted", "--json", *settings).json
    assert [extracted[part] for part in ("requests", "images", "predictions")] == [MORE] * 3
    started = groundloop("review", "finish", "round-2", "--start", *settings)
    assert started.code == 0, started.err
    arn = started.out.rpartition("started ")[2].strip()
    watch = groundloop("watch", arn, *settings)

    # It trained on them too ...
    region = config.aws.region
    summaries = [prepared_summary(region, transition(step)) for step in steps(region, arn)]
    (summary,) = (found for found in summaries if found)
    doubtful = {task.source_ref for task in tasks if task.split == "train"}
    assert summary["reviewed"] == {"used": FIRST + REVIEWED, "train_only": len(doubtful)}
    assert sum(summary[split]["images"] for split in ("train", "validation", "test")) == FIRST + REVIEWED
    # ... the doubtful ones as training images, those drawn at random by the usual split.
    second = evaluated_model(arn, lambda: config)
    held_out = names_in(second.manifests["validation"]) | names_in(second.manifests["test"])
    assert not doubtful & held_out
    assert names_in(first.manifests["test"]) <= names_in(second.manifests["test"])
    assert held_out <= set(list(truth)[:FIRST]) | audited(tasks)

    # It is better than the champion, or the gate refused it.
    evaluation = read_metrics(region, str(evaluation_prefix(region, arn)))
    compared = evaluation["champion"]
    assert compared["version"] == 1
    assert compared["images_shared"] == len(first.manifests["test"])
    better = compared["candidate"]["map"] >= compared["metrics"]["map"]
    versions = {version["number"] for version in groundloop("models", "--json", *settings).json["versions"]}
    assert watch.code == (0 if better else 1), watch.err
    assert versions == ({1, 2} if better else {1})
    assert better or "version 1 on the" in watch.err


def wait_for_files(region: str, place: str) -> None:
    """Wait until data capture has written: it collects the requests of a second in one file."""
    deadline = time.monotonic() + 20
    while not capture_files(place, region).names():
        assert time.monotonic() < deadline, f"nothing was captured in {place}"
        time.sleep(0.1)


def names_in(lines: Sequence[bytes]) -> set[str]:
    """Return the file names of the images of a manifest."""
    return {source_ref_of(line).rpartition("/")[2] for line in lines}


def audited(tasks: Sequence[NewTask]) -> set[str]:
    """Return the images that were drawn at random."""
    return {task.source_ref for task in tasks if task.selected_by == "audit"}
