"""A reviewer who is a program: requests as the page sends them, and queues of images that need no files."""

from __future__ import annotations

import http.client
import json
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from groundloop.review.queue import NewTask, Queue, QueueInfo


def make_queue(folder: Path, tasks: int, lease_seconds: float = 900) -> None:
    """Make a queue of images that nobody opens."""
    info = QueueInfo(name="bench", classes=("bolt", "nut"), images=str(folder), lease_seconds=lease_seconds)
    Queue.create(
        folder, info, (NewTask(source_ref=f"{number:05}.jpg", width=640, height=480) for number in range(tasks))
    ).close()


class Reviewer:
    """One reviewer's session, on one connection that is opened again when it breaks."""

    def __init__(self, url: str, token: str, cookie: str = "") -> None:
        self.host = urlsplit(url).netloc
        self.cookie = cookie
        self._connection: http.client.HTTPConnection | None = None
        if not cookie:
            self.post("/session", {"token": token})

    def post(self, path: str, body: object) -> Any:
        """Send a change and return the response's JSON.

        Raises:
            OSError, http.client.HTTPException: the server is not there; the next call connects again.
            RuntimeError: it refuses.
        """
        if self._connection is None:
            self._connection = http.client.HTTPConnection(self.host, timeout=10)
        headers = {"Content-Type": "application/json", "X-Groundloop": "1", "Cookie": self.cookie}
        try:
            self._connection.request("POST", path, json.dumps(body), headers)
            response = self._connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException):
            self.close()
            raise
        if response.status != 200:
            raise RuntimeError(f"{path}: {response.status} {content.decode(errors='replace')}")
        self.cookie = (response.headers["Set-Cookie"] or self.cookie).partition(";")[0]
        return json.loads(content)

    def next(self, count: int, have: list[int] | None = None) -> list[dict[str, Any]]:
        """Return the next tasks."""
        tasks: list[dict[str, Any]] = self.post("/next", {"have": have or [], "count": count})["tasks"]
        return tasks

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def answer_to(task: dict[str, Any]) -> dict[str, Any]:
    """Return an answer with one box."""
    return {
        "client_id": str(uuid.uuid4()),
        "task": task["id"],
        "lease": task["lease"],
        "outcome": "boxes",
        "boxes": [{"class_id": 0, "left": 1, "top": 2, "width": 3, "height": 4}],
        "accepted_at": "2026-11-21T16:20:31Z",
        "submitted_at": "2026-11-21T16:20:38Z",
        "seconds": 7.0,
    }
