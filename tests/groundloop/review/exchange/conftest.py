"""Queues of small pictures, and the tools' servers inside of this process."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from groundloop.review.queue import Model, NewTask, Queue, QueueInfo
from groundloop.review.wire import Shown, ShownBox
from tests.groundloop.review.exchange.fake_cvat import FakeCvat
from tests.groundloop.review.exchange.fake_label_studio import FakeLabelStudio
from tests.groundloop.review.exchange.fake_server import TOKEN

CLASSES = ('<nut> & "M3"', "bolt")
WIDTH, HEIGHT = 40, 30


def new_task(number: int, source_ref: str | None = None) -> NewTask:
    """Return a task with a box that counts, and a dotted one before it; every third one is blind."""
    boxes = (
        ShownBox(class_id=0, left=0, top=0, width=3, height=3, score=0.2, counted=False),
        ShownBox(class_id=1, left=5 + number % 7, top=6, width=11, height=9, score=0.75),
    )
    blind = number % 3 == 2
    return NewTask(
        source_ref=source_ref or f"über {number}/a.png",
        width=WIDTH,
        height=HEIGHT,
        shown=Shown.NOTHING if blind else Shown.MODEL,
        boxes=() if blind else boxes,
        expected_mistakes=2.0 - number / 10,
        selected_by="expected-mistakes",
    )


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A queue of five pictures, made once."""
    root = tmp_path_factory.mktemp("exchange")
    for number in range(5):
        folder = root / "photos" / f"über {number}"
        folder.mkdir(parents=True)
        Image.new("RGB", (WIDTH, HEIGHT), (40 * number, 90, 120)).save(folder / "a.png")
    info = QueueInfo(
        name="week-47",
        classes=CLASSES,
        images=str(root / "photos"),
        instructions="Boxes touch the object.",
        model=Model(package="arn:aws:sagemaker:us-east-1:1:model-package/parts/7", thresholds={}),
    )
    Queue.create(root / "queue", info, [new_task(number) for number in range(5)]).close()
    return root / "queue"


@pytest.fixture
def copied(template: Path, tmp_path: Path) -> Iterator[Callable[[], Queue]]:
    """Open a fresh copy of that queue."""
    opened: list[Queue] = []

    def copy() -> Queue:
        folder = tmp_path / f"week-47-{len(opened)}"
        folder.mkdir()
        shutil.copy(template / "queue.sqlite", folder)
        opened.append(Queue.open(folder))
        return opened[-1]

    yield copy
    for queue in opened:
        queue.close()


@pytest.fixture
def queue(copied: Callable[[], Queue]) -> Queue:
    """A fresh copy of that queue."""
    return copied()


@pytest.fixture(autouse=True)
def _tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", TOKEN)
    monkeypatch.setenv("CVAT_ACCESS_TOKEN", TOKEN)


@pytest.fixture
def studio() -> FakeLabelStudio:
    """A Label Studio."""
    return FakeLabelStudio()


@pytest.fixture
def cvat() -> FakeCvat:
    """A CVAT."""
    return FakeCvat()
