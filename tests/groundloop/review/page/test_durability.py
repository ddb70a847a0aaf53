"""No answer is lost or stored twice: a dead server, a reload, a killed browser."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route

from groundloop.review.queue import Queue, QueueInfo
from groundloop.review.serve import Address
from groundloop.review.wire import NextRequest
from tests.fixtures.browser import FLAGS, chromium, new_context
from tests.groundloop.review.page.conftest import (
    CLASSES,
    Reviewing,
    answered,
    left_clean,
    reviews,
    scenes,
    shown_boxes,
    watched,
)

_SERVE = """
import sys, threading
from pathlib import Path
from groundloop.review.queue import Queue
from groundloop.review.serve import Address, serving
with serving(Queue.open(Path(sys.argv[1])), Address(port=int(sys.argv[2]))):
    print("ready", flush=True)
    threading.Event().wait()
"""


class ServerProcess:
    """The review server in a process of its own, on one port."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.url = folder, Address(port=port).url(port)
        self._command = [sys.executable, "-c", _SERVE, str(folder), str(port)]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it listens."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n"

    def kill(self) -> None:
        """End it as a power cut would."""
        assert self._process is not None
        with self._process:
            self._process.kill()


@pytest.fixture
def server(tmp_path: Path, photos: Path, free_port: int) -> Iterator[ServerProcess]:
    """A running server of a queue of sixteen images."""
    tasks = scenes(16, tmp_path / "photos", photos)
    info = QueueInfo(name="week-47", classes=CLASSES, images=str(tmp_path / "photos"))
    Queue.create(tmp_path / "queue", info, tasks).close()
    process = ServerProcess(tmp_path / "queue", free_port)
    process.start()
    yield process
    process.kill()


@contextmanager
def opened_on(server: ServerProcess, tab: Page) -> Iterator[Reviewing]:
    """Open the reviewer's page on a server in a process."""
    queue = Queue.open(server.folder)
    yield watched(Reviewing(tab, queue, server.url)).open()
    queue.close()


def test_a_killed_server_costs_no_answer(server: ServerProcess, tab: Page) -> None:
    with opened_on(server, tab) as page, left_clean(page):
        for number in range(16):
            if number in (3, 10):
                wait_for_images(page, number + 4)
                server.kill()
            # The image shown and the next three can be answered without a server.
            if number in (6, 10):
                server.start()
            page.answer()
        page.saved()
        assert {task: boxes for task, (_, boxes) in page.stored().items()} == {
            number + 1: answered(shown_boxes(number)) for number in range(16)
        }
        assert all(counted.answers == 1 and not counted.late for counted in page.queue.answers.counted())


def wait_for_images(page: Reviewing, count: int) -> None:
    """Wait until the page has so many images of the queue, those answered included."""
    page.page.wait_for_function(
        "count => new Set(performance.getEntriesByType('resource').map(one => one.name)"
        ".filter(name => name.includes('/images/'))).size >= count",
        arg=count,
    )


def test_a_reload_brings_back_unsent_answers_and_unfinished_boxes(server: ServerProcess, tab: Page) -> None:
    with opened_on(server, tab) as page, left_clean(page):
        server.kill()
        page.answer()
        page.drag((140, 100), (160, 120))
        page.page.wait_for_selector("#saved[data-state=unsent]")
        server.start()
        page.page.reload()
        page.page.wait_for_selector("body[data-state=ready]")
        page.saved()
        assert page.task == 2
        assert (0, (140, 100, 20, 20)) in page.boxes()
        page.answer()
        page.saved()
        stored = page.stored()
        assert stored[1] == ("boxes", answered(shown_boxes(0)))
        assert stored[2] == ("boxes", [*answered(shown_boxes(1)), (0, 140, 100, 20, 20, None)])


def test_a_killed_browser_costs_no_answer(server: ServerProcess, browser: Browser, tmp_path: Path) -> None:
    profile = tmp_path / "profile"
    kind = browser.browser_type

    def launch() -> BrowserContext:
        return kind.launch_persistent_context(str(profile), executable_path=chromium(), args=FLAGS, locale="en-GB")

    context = launch()
    with opened_on(server, context.new_page()) as page:
        server.kill()
        page.answer()
        page.answer()
        page.page.wait_for_selector("#saved[data-state=unsent]")
        kill_browser(context, profile)
        assert page.stored() == {}
    server.start()
    context = launch()
    with opened_on(server, context.new_page()) as page:
        page.saved()
        assert page.stored() == {number + 1: ("boxes", answered(shown_boxes(number))) for number in range(2)}
        assert page.task == 3
    context.close()


def kill_browser(context: BrowserContext, profile: Path) -> None:
    """Kill the browser of a profile, whose lock names its process, and wait for its end."""
    lock = profile / "SingletonLock"
    with context.expect_event("close"):
        os.kill(int(lock.readlink().name.rpartition("-")[2]), signal.SIGKILL)
    for name in ("SingletonLock", "SingletonCookie", "SingletonSocket"):
        (profile / name).unlink(missing_ok=True)


def test_an_answer_that_the_server_rejects_stays_and_can_be_mended(reviewing: Callable[..., Reviewing]) -> None:
    page = reviewing(3).open()
    # A page that is older than its server could send what that no longer takes.
    page.page.route("**/answers", lambda route: route.fulfill(status=422, json={"error": "box 1 leaves the image"}))
    page.answer()
    page.page.wait_for_selector("#saved[data-state=rejected]")
    assert "box 1 leaves the image" in (page.page.locator("#saved").get_attribute("title") or "")
    page.page.unroute("**/answers")
    page.page.locator("#saved").click()
    page.page.wait_for_selector("body[data-state=ready] #stage[data-task='1']")
    page.answer()
    page.saved()
    assert page.stored() == {1: ("boxes", answered(shown_boxes(0)))}


def test_after_a_long_sleep_the_page_takes_images_that_nobody_else_has(
    browser: Browser, tmp_path: Path, photos: Path
) -> None:
    with new_context(browser) as context, reviews(context.new_page(), tmp_path, photos) as reviewing:
        sleep_long(reviewing(8))


def sleep_long(page: Reviewing) -> None:
    page.page.clock.install()
    page.open()
    assert page.task == 1
    page.queue.leases.release_all("ann")
    page.queue.leases.next("bob", NextRequest(count=2))
    page.page.clock.fast_forward("20:00")
    page.page.wait_for_selector("#stage[data-task='3']")
    page.answer()
    page.saved()
    assert [(one.task, one.late) for one in page.queue.answers.counted()] == [(3, False)]


def test_the_end_is_shown_once_the_last_answer_is_acknowledged(reviewing: Callable[..., Reviewing]) -> None:
    page = reviewing(1).open()
    held: list[Route] = []
    page.page.route("**/answers", lambda route: held.append(route))
    page.press("Enter")
    page.page.wait_for_selector("body[data-state=waiting]")
    held[0].continue_()
    page.page.wait_for_selector("body[data-state=done]", timeout=3_000)
