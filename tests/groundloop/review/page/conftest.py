"""A browser on queues of rendered scenes, driven with real mouse and keys."""

from __future__ import annotations

import random
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request

from groundloop.review.queue import NewTask, Queue, QueueInfo
from groundloop.review.serve import Address, invitations, serving
from groundloop.review.wire import Shown, ShownBox
from pipeline.demo.synthetic_images import draw_image
from tests.fixtures.browser import new_context

CLASSES = ("bolt", "nut", "washer")
SIZE = (320, 240)
ZOOM_STEPS = (25, 35, 50, 75, 100, 150, 200, 300, 400, 600)
Rect = tuple[int, int, int, int]


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of twelve rendered scenes of 320 x 240 pixels, `00.jpg` to `11.jpg`."""
    folder = tmp_path_factory.mktemp("photos")
    for number in range(12):
        scene = draw_image(random.Random(number))  # noqa: S311 - pictures, not secrets
        assert scene.image.size == SIZE
        scene.image.save(folder / f"{number:02d}.jpg", quality=80)
    return folder


@pytest.fixture
def free_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def shown_boxes(number: int = 0) -> tuple[ShownBox, ...]:
    """Return three counted boxes and one below the threshold; even numbers are whole pixels at half size too."""
    jitter = 2 * (number % 7)
    return (
        ShownBox(class_id=0, left=20 + jitter, top=24, width=80, height=60, score=0.9),
        ShownBox(class_id=1, left=180, top=30 + jitter, width=60, height=80, score=0.6),
        ShownBox(class_id=2, left=60 + jitter, top=150, width=70, height=50, score=0.45),
        ShownBox(class_id=0, left=220, top=160 + jitter, width=40, height=40, score=0.3, counted=False),
    )


def answered(boxes: Sequence[ShownBox]) -> list[tuple[int, int, int, int, int, int | None]]:
    """Return the answer that accepts shown boxes: class, left, top, width, height, and which one it was."""
    return [
        (box.class_id, box.left, box.top, box.width, box.height, index)
        for index, box in enumerate(boxes)
        if box.counted
    ]


@dataclass
class Reviewing:
    """A reviewer in front of the page."""

    page: Page
    queue: Queue
    url: str
    problems: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def open(self, reviewer: str = "ann", invitation: str | None = None) -> Reviewing:
        """Open the reviewer's invitation, a new one unless it is given, and wait for the first image."""
        self.page.goto(invitation or invitations(self.queue, [reviewer], self.url)[reviewer])
        self.page.wait_for_selector("body[data-state=ready]")
        self.frame()
        return self

    @property
    def task(self) -> int:
        """The task shown."""
        return int(self.page.locator("#stage").get_attribute("data-task") or 0)

    def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def answer(self, key: str = "Enter") -> None:
        """Press a key that answers, and wait for the next image or the end."""
        before = self.task
        self.press(key)
        self.page.wait_for_function(
            "before => document.querySelector('#stage').dataset.task !== before"
            " && ['ready', 'done', 'waiting'].includes(document.body.dataset.state)",
            arg=str(before),
        )
        self.frame()  # the image is placed with the next frame

    def saved(self) -> None:
        """Wait until the server has acknowledged every answer."""
        self.page.wait_for_selector("#saved[data-state=saved]")

    def zoom(self, wanted: int) -> None:
        """Zoom by the keys to a percentage."""
        text = self.page.locator("#zoom-text")
        self.frame()  # a changed window fits the image anew
        shown = int(text.inner_text().split()[0])
        between = [step for step in ZOOM_STEPS if min(shown, wanted) <= step <= max(shown, wanted) and step != shown]
        self.press(*("+" if wanted > shown else "-" for _ in between))
        self.frame()
        assert text.inner_text() == f"{wanted} %"

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Return where a pixel of the image lies on the screen."""
        area = self.page.locator("#picture img").bounding_box()
        assert area is not None
        return area["x"] + x * area["width"] / SIZE[0], area["y"] + y * area["height"] / SIZE[1]

    def click(self, x: float, y: float) -> None:
        """Click on a pixel of the image."""
        self.page.mouse.click(*self.at(x, y))

    def drag(self, start: tuple[float, float], end: tuple[float, float], steps: int = 3) -> None:
        """Drag from one pixel of the image to another."""
        self.drag_on_screen(self.at(*start), self.at(*end), steps)

    def drag_on_screen(self, start: tuple[float, float], end: tuple[float, float], steps: int = 3) -> None:
        """Drag from one point of the screen to another."""
        self.page.mouse.move(*start)
        self.page.mouse.down()
        self.page.mouse.move(*end, steps=steps)
        self.page.mouse.up()

    def drag_handle(self, handle: str, dx: float, dy: float) -> None:
        """Drag a handle of the selected box by a distance in pixels of the image."""
        self.frame()
        area = self.page.locator(f"[data-handle={handle}]").bounding_box()
        assert area is not None
        x, y = round(area["x"] + area["width"] / 2), round(area["y"] + area["height"] / 2)
        (ax, ay), (bx, by) = self.at(0, 0), self.at(dx, dy)
        self.drag_on_screen((x, y), (x + bx - ax, y + by - ay))

    def boxes(self) -> list[tuple[int, Rect]]:
        """Return class and rectangle of the counted boxes as they are drawn now."""
        self.frame()
        found: list[list[Any]] = self.page.evaluate(
            "[...document.querySelectorAll('.box[data-counted=true]')]"
            ".map(box => [Number(box.dataset.class), box.dataset.rect.split(',').map(Number)])"
        )
        return sorted((class_id, (rect[0], rect[1], rect[2], rect[3])) for class_id, rect in found)

    def frame(self) -> None:
        """Wait for the next frame."""
        self.page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def stored(self) -> dict[int, tuple[str, list[tuple[int, int, int, int, int, int | None]]]]:
        """Return outcome and boxes of the answers that count, by task."""
        return {
            counted.task: (
                counted.answer.outcome.value,
                [(b.class_id, b.left, b.top, b.width, b.height, b.from_) for b in counted.answer.boxes],
            )
            for counted in self.queue.answers.counted()
        }


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A fresh browser profile with an English window of 1280 x 800."""
    with new_context(browser) as opened:
        yield opened


@contextmanager
def reviews(context: BrowserContext, folder: Path, photos: Path) -> Iterator[Callable[..., Reviewing]]:
    """Give a function that makes a queue, serves it, and returns a page on it, not opened yet.

    Its keywords change the queue's description. At the end, no script error, no breach of the security policy and no
    request elsewhere may have happened.
    """
    made: list[Reviewing] = []
    with ExitStack() as stack:

        def make(tasks: Sequence[NewTask] | int = 6, **info: Any) -> Reviewing:
            images = folder / f"photos-{len(made)}"
            listed = scenes(tasks, images, photos) if isinstance(tasks, int) else list(tasks)
            described = {"name": "week-47", "classes": CLASSES, "images": str(images), **info}
            queue_folder = folder / f"queue-{len(made)}"
            Queue.create(queue_folder, QueueInfo(**described), listed).close()
            queue = Queue.open(queue_folder)
            stack.callback(queue.close)
            url = stack.enter_context(serving(queue, Address()))
            page = context.new_page()
            stack.callback(page.close)
            made.append(watched(Reviewing(page, queue, url)))
            return made[-1]

        yield make
        for one in made:
            assert one.problems == []
            assert [address for address in one.requests if not address.startswith(one.url)] == []


@pytest.fixture
def reviewing(context: BrowserContext, tmp_path: Path, photos: Path) -> Iterator[Callable[..., Reviewing]]:
    """Make a queue, serve it, and give a page on it, not opened yet."""
    with reviews(context, tmp_path, photos) as make:
        yield make


def watched(one: Reviewing) -> Reviewing:
    """Note script errors, console messages and requests of a page."""
    one.page.on("pageerror", lambda error: one.problems.append(str(error)))

    def note_message(message: Any) -> None:
        # A request that fails is for the page to cope with.
        if message.type in {"error", "warning"} and "Failed to load resource" not in message.text:
            one.problems.append(message.text)

    def note_request(request: Request) -> None:
        one.requests.append(request.url)

    one.page.on("console", note_message)
    one.page.on("request", note_request)
    return one


def scenes(count: int, folder: Path, photos: Path, *, same: bool = False, **changes: Any) -> list[NewTask]:
    """Return tasks with boxes of a model, the same on each or not, on links to the rendered scenes."""
    folder.mkdir()
    names = [f"{number:03d}.jpg" for number in range(count)]
    for number, name in enumerate(names):
        (folder / name).hardlink_to(photos / f"{number % 12:02d}.jpg")
    described = {"shown": Shown.MODEL, "why": ("about 2.3 mistakes expected",), "expected_mistakes": 2.3, **changes}
    return [
        NewTask(source_ref=name, width=SIZE[0], height=SIZE[1], boxes=shown_boxes(0 if same else number), **described)
        for number, name in enumerate(names)
    ]


@pytest.fixture
def scene_of(tmp_path: Path, photos: Path) -> Callable[..., list[NewTask]]:
    """Return tasks of one image with the boxes given."""

    def make(boxes: tuple[ShownBox, ...]) -> list[NewTask]:
        folder = tmp_path / "photos-0"
        folder.mkdir()
        (folder / "000.jpg").hardlink_to(photos / "00.jpg")
        return [NewTask(source_ref="000.jpg", width=SIZE[0], height=SIZE[1], shown=Shown.MODEL, boxes=boxes)]

    return make
