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
from playwright.sync_api import Browser, Page, Request

from groundloop.review.queue import NewTask, Queue, QueueInfo
from groundloop.review.serve import Address, invitations, serving
from groundloop.review.wire import Shown, ShownBox
from pipeline.demo.synthetic_images import draw_image
from tests.fixtures.browser import new_context

CLASSES = ("bolt", "nut", "washer")
SIZE = (320, 240)
ZOOM_STEPS = (25, 35, 50, 75, 100, 150, 200, 300, 400, 600)
Rect = tuple[int, int, int, int]
# The functions of the browser: a question to it takes longer than what it is asked.
_FRAME = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
_TASK = "Number(document.querySelector('#stage').dataset.task)"
_NEXT_SHOWN = """
before => Number(document.querySelector('#stage').dataset.task) !== before
  && ['ready', 'done', 'waiting'].includes(document.body.dataset.state)
"""
_KEYS = """
keys => keys.forEach((key) => {
  document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  document.activeElement.dispatchEvent(new KeyboardEvent("keyup", { key, bubbles: true }));
})
"""
_AREA = """
selector => {
  const { x, y, width, height } = document.querySelector(selector).getBoundingClientRect();
  return [x, y, width, height];
}
"""


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
    listeners: dict[str, Callable[[Any], None]] = field(default_factory=dict)

    def open(self, reviewer: str = "ann", invitation: str | None = None) -> Reviewing:
        """Open the reviewer's invitation, a new one unless it is given, and wait for the first image."""
        self.page.goto(invitation or invitations(self.queue, [reviewer], self.url)[reviewer])
        self.page.wait_for_selector("body[data-state=ready]")
        self.frame()
        return self

    @property
    def task(self) -> int:
        """The task shown."""
        return int(self.page.evaluate(_TASK))

    def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def answer(self, key: str = "Enter") -> None:
        """Press a key that answers, and wait for the next image or the end."""
        before = self.task
        self.press(key)
        self.page.wait_for_function(_NEXT_SHOWN, arg=before)
        self.frame()  # the image is placed with the next frame

    def saved(self) -> None:
        """Wait until the server has acknowledged every answer."""
        self.page.wait_for_selector("#saved[data-state=saved]")

    def zoom(self, wanted: int) -> None:
        """Zoom by the keys to a percentage."""
        shown = self.zoomed()  # a changed window fits the image anew
        between = [step for step in ZOOM_STEPS if min(shown, wanted) <= step <= max(shown, wanted) and step != shown]
        # All at once: the browser need not draw what lies between.
        self.page.evaluate(_KEYS, ["+" if wanted > shown else "-"] * len(between))
        assert self.zoomed() == wanted

    def zoomed(self) -> int:
        """Return the zoom in percent, after the next frame."""
        self.frame()
        number, unit = self.page.evaluate("document.querySelector('#zoom-text').textContent").split()
        assert unit == "%"
        return int(number)

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Return where a pixel of the image lies on the screen."""
        return self.all_at((x, y))[0]

    def all_at(self, *points: tuple[float, float]) -> list[tuple[float, float]]:
        """Return where pixels of the image lie on the screen."""
        left, top, width, height = self.page.evaluate(_AREA, "#picture img")
        return [(left + x * width / SIZE[0], top + y * height / SIZE[1]) for x, y in points]

    def click(self, x: float, y: float) -> None:
        """Click on a pixel of the image."""
        self.page.mouse.click(*self.at(x, y))

    def drag(self, start: tuple[float, float], end: tuple[float, float], steps: int = 2) -> None:
        """Drag from one pixel of the image to another."""
        first, last = self.all_at(start, end)
        self.drag_on_screen(first, last, steps)

    def drag_on_screen(self, start: tuple[float, float], end: tuple[float, float], steps: int = 2) -> None:
        """Drag from one point of the screen to another."""
        self.page.mouse.move(*start)
        self.page.mouse.down()
        self.page.mouse.move(*end, steps=steps)
        self.page.mouse.up()

    def drag_handle(self, handle: str, dx: float, dy: float) -> None:
        """Drag a handle of the selected box by a distance in pixels of the image."""
        self.frame()
        left, top, width, height = self.page.evaluate(_AREA, f"[data-handle={handle}]")
        x, y = round(left + width / 2), round(top + height / 2)
        (ax, ay), (bx, by) = self.all_at((0, 0), (dx, dy))
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
        self.page.evaluate(_FRAME)

    def stored(self) -> dict[int, tuple[str, list[tuple[int, int, int, int, int, int | None]]]]:
        """Return outcome and boxes of the answers that count, by task."""
        return {
            counted.task: (
                counted.answer.outcome.value,
                [(b.class_id, b.left, b.top, b.width, b.height, b.from_) for b in counted.answer.boxes],
            )
            for counted in self.queue.answers.counted()
        }


@pytest.fixture(scope="session")
def only_tab(browser: Browser) -> Iterator[Page]:
    """The tab for one test after the other: a tab of its own would take each of them a process of the browser."""
    with new_context(browser) as context:
        yield context.new_page()


@pytest.fixture
def tab(only_tab: Page) -> Iterator[Page]:
    """A tab as a fresh browser profile opens it, with an English window of 1280 x 800."""
    size = only_tab.viewport_size
    yield only_tab
    only_tab.unroute_all()
    only_tab.context.clear_cookies()
    if size and size != only_tab.viewport_size:
        only_tab.set_viewport_size(size)


@contextmanager
def reviews(tab: Page, folder: Path, photos: Path) -> Iterator[Callable[..., Reviewing]]:
    """Give a function that makes a queue, serves it, and returns the page on it, not opened yet.

    Its keywords change the queue's description. At the end, no script error, no breach of the security policy and no
    request elsewhere may have happened.
    """
    with ExitStack() as stack:

        def make(tasks: Sequence[NewTask] | int = 6, **info: Any) -> Reviewing:
            images = folder / "photos-0"
            listed = scenes(tasks, images, photos) if isinstance(tasks, int) else list(tasks)
            described = {"name": "week-47", "classes": CLASSES, "images": str(images), **info}
            Queue.create(folder / "queue", QueueInfo(**described), listed).close()
            queue = Queue.open(folder / "queue")
            stack.callback(queue.close)
            url = stack.enter_context(serving(queue, Address()))
            return stack.enter_context(left_clean(watched(Reviewing(tab, queue, url))))

        yield make


@contextmanager
def left_clean(one: Reviewing) -> Iterator[Reviewing]:
    """Give a page of which nothing stays in the browser, and on which nothing went wrong."""
    yield one
    for event in ("pageerror", "console", "request"):
        one.page.remove_listener(event, one.listeners[event])
    # From a document of the same origin: elsewhere the next test would have to start another process.
    one.page.goto(f"{one.url}page/icon.svg")
    session = one.page.context.new_cdp_session(one.page)
    session.send("Storage.clearDataForOrigin", {"origin": one.url.rstrip("/"), "storageTypes": "all"})
    session.detach()
    assert one.problems == []
    assert [address for address in one.requests if not address.startswith(one.url)] == []


@pytest.fixture
def reviewing(tab: Page, tmp_path: Path, photos: Path) -> Iterator[Callable[..., Reviewing]]:
    """Make a queue, serve it, and give the page on it, not opened yet."""
    with reviews(tab, tmp_path, photos) as make:
        yield make


@pytest.fixture(scope="session")
def opened(browser: Browser, tmp_path_factory: pytest.TempPathFactory, photos: Path) -> Iterator[Reviewing]:
    """A page on a long queue whose images all have the same boxes."""
    folder = tmp_path_factory.mktemp("opened")
    with new_context(browser) as context, reviews(context.new_page(), folder, photos) as make:
        yield make(scenes(120, folder / "photos-0", photos, same=True)).open()


@pytest.fixture
def page(opened: Reviewing) -> Reviewing:
    """The page at an image that no test has touched: fitted, nothing selected, bolts are drawn next."""
    opened.press("Escape", "1", "f")
    opened.answer("s")
    return opened


def watched(one: Reviewing) -> Reviewing:
    """Note script errors, console messages and requests of a page."""

    def note_error(error: Any) -> None:
        one.problems.append(str(error))

    def note_message(message: Any) -> None:
        # A request that fails is for the page to cope with.
        if message.type in {"error", "warning"} and "Failed to load resource" not in message.text:
            one.problems.append(message.text)

    def note_request(request: Request) -> None:
        one.requests.append(request.url)

    one.listeners = {"pageerror": note_error, "console": note_message, "request": note_request}
    for event, listener in one.listeners.items():
        one.page.on(event, listener)  # type: ignore[call-overload]
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
