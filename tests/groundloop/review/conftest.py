"""Small queues, and a client that speaks to the review server as the page does."""

from __future__ import annotations

import http.client
import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from PIL import Image

from groundloop.review.queue import NewTask, Queue, QueueInfo
from groundloop.review.serve import Address, serving
from groundloop.review.wire import Shown, ShownBox

CLASSES = ("bolt", "nut")


class Clock:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still until a test moves it."""
    return Clock()


@pytest.fixture
def image_folder(tmp_path: Path) -> Path:
    """A folder of six pictures of 40 x 30 pixels."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(6):
        Image.new("RGB", (40, 30), (40 * number, 90, 120)).save(folder / f"{number}.png")
    return folder


def new_tasks(count: int = 6) -> list[NewTask]:
    """Return tasks of which the second is an audit image, and the first three are likely right."""
    return [
        NewTask(
            source_ref=f"{number}.png",
            width=40,
            height=30,
            shown=Shown.MODEL,
            boxes=(ShownBox(class_id=1, left=5, top=5, width=10, height=10, score=0.8),),
            why=("about 0.1 mistakes expected",),
            expected_mistakes=0.1 if number < 3 else 2.0,
            selected_by="audit" if number == 1 else "expected-mistakes",
        )
        for number in range(count)
    ]


@pytest.fixture
def new_queue(tmp_path: Path, image_folder: Path, clock: Clock) -> Iterator[Callable[..., Queue]]:
    """Make a queue of those pictures in a folder of its own; keywords change its description."""
    made: list[Queue] = []

    def make(tasks: list[NewTask] | None = None, **info: Any) -> Queue:
        folder = tmp_path / f"queue-{len(made)}"
        described = QueueInfo(**{"name": "week-47", "classes": CLASSES, "images": str(image_folder), **info})
        Queue.create(folder, described, new_tasks() if tasks is None else tasks).close()
        made.append(Queue.open(folder, clock))
        return made[-1]

    yield make
    for queue in made:
        queue.close()


def answer(task: int, **changes: Any) -> dict[str, Any]:
    """Return an answer as the page sends it."""
    return {
        "client_id": str(uuid.uuid4()),
        "task": task,
        "lease": "",
        "outcome": "boxes",
        "boxes": [{"class_id": 1, "left": 4, "top": 5, "width": 10, "height": 11, "from": 0}],
        "comment": None,
        "accepted_at": "2026-11-21T16:20:31.482Z",
        "submitted_at": "2026-11-21T16:20:38.001Z",
        "seconds": 6.5,
        "adjudicates": False,
        **changes,
    }


class PageClient:
    """What the page does: one session's requests, each on a connection of its own."""

    def __init__(self, url: str) -> None:
        self.host = urlsplit(url).netloc
        self.cookie = ""

    def send(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str | None] | None = None
    ) -> tuple[int, Any, http.client.HTTPMessage]:
        """Send a request; return the status, the body (JSON decoded) and the headers. A header of None is left out."""
        own = {
            "Host": self.host,
            "Origin": f"http://{self.host}",
            "Sec-Fetch-Site": "same-origin",
            "Content-Type": "application/json",
            "X-Groundloop": "1",
            "Cookie": self.cookie,
        }
        sent = {name: value for name, value in {**own, **(headers or {})}.items() if value is not None}
        connection = http.client.HTTPConnection(self.host, timeout=10)
        try:
            content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
            connection.request(method, path, content, sent)
            response = connection.getresponse()
            data = response.read()
        finally:
            connection.close()
        is_json = response.headers.get("Content-Type", "") == "application/json"
        return response.status, json.loads(data) if is_json else data, response.headers

    def get(self, path: str) -> Any:
        """Return the body of a request that succeeds."""
        status, body, _ = self.send("GET", path)
        assert status == 200, body
        return body

    def post(self, path: str, body: object) -> Any:
        """Send a change that succeeds; return the response's body."""
        status, received, _ = self.send("POST", path, body)
        assert status == 200, received
        return received

    def sign_in(self, token: str) -> str:
        """Open the invitation; return the reviewer."""
        status, body, headers = self.send("POST", "/session", {"token": token})
        assert status == 200, body
        self.cookie = headers["Set-Cookie"].partition(";")[0]
        return str(body["reviewer"])


@pytest.fixture
def queue(new_queue: Callable[..., Queue]) -> Queue:
    """A queue of six tasks."""
    return new_queue()


@pytest.fixture
def url(queue: Queue) -> Iterator[str]:
    """The URL under which the queue is served."""
    with serving(queue, Address()) as url:
        yield url


@pytest.fixture
def page(queue: Queue, url: str) -> PageClient:
    """The page, opened by the reviewer ann."""
    client = PageClient(url)
    client.sign_in(queue.reviewers.invite("ann"))
    return client
