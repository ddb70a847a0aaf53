"""A real Label Studio, where there is one: `make test-label-studio` installs it and runs this."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import msgspec
import pytest
import urllib3
from moto.server import ThreadedMotoServer

from groundloop.errors import UserError
from groundloop.review.exchange.tools import Connection, Tool, pull, push
from groundloop.review.queue import Queue, QueueInfo
from groundloop.review.wire import Outcome
from tests.groundloop.review.exchange.conftest import CLASSES, HEIGHT, WIDTH, new_task

PROGRAM = os.environ.get("GROUNDLOOP_LABEL_STUDIO", "")
pytestmark = pytest.mark.skipif(
    not PROGRAM, reason="GROUNDLOOP_LABEL_STUDIO names no label-studio program: make test-label-studio"
)
LEGACY_TOKEN = "0123456789abcdef0123456789abcdef01234567"
_START_SECONDS = 240
BUCKET = "groundloop-label-studio"


class RealServer:
    """The server, and requests to it as people's pages send them."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = urllib3.PoolManager()

    def send(self, method: str, path: str, body: object = None, token: str = LEGACY_TOKEN) -> Any:
        """Send a request; return the body of the response."""
        content = None if body is None else msgspec.json.encode(body)
        headers = {"Authorization": f"Token {token}", "Content-Type": "application/json"}
        response = self.http.request(method, self.url + path, body=content, headers=headers, redirect=False)
        assert response.status < 400, response.data
        return msgspec.json.decode(response.data) if response.data else response.headers

    def annotate(self, task: dict[str, Any], regions: list[dict[str, Any]], **fields: object) -> dict[str, Any]:
        """Submit an annotation."""
        made: dict[str, Any] = self.send(
            "POST", f"/api/tasks/{task['id']}/annotations/", {"result": regions, "lead_time": 4.5, **fields}
        )
        return made

    def tasks(self, project: int) -> list[dict[str, Any]]:
        """Return the tasks of a project."""
        query = f"project={project}&fields=all&page=1&page_size=100&resolve_uri=false"
        tasks: list[dict[str, Any]] = self.send("GET", f"/api/tasks/?{query}")["tasks"]
        return tasks


@pytest.fixture(scope="module")
def s3_endpoint() -> Iterator[str]:
    """An S3 on this machine."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, s3_endpoint: str) -> Iterator[RealServer]:
    """A Label Studio with one user; it sends nothing elsewhere."""
    folder = tmp_path_factory.mktemp("label-studio")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    quiet = {"COLLECT_ANALYTICS": "false", "SENTRY_DSN": "", "FRONTEND_SENTRY_DSN": "", "LATEST_VERSION_CHECK": "false"}
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "LABEL_STUDIO_BASE_DATA_DIR": str(folder),
        **quiet,
        # The S3 of the test is on this machine.
        "SSRF_PROTECTION_ENABLED": "false",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_ENDPOINT_URL": s3_endpoint,
    }
    options = ["--no-browser", "--internal-host", "127.0.0.1", "--port", str(port), "--data-dir", str(folder)]
    user = ["--username", "ann@example.com", "--password", "not-a-secret-1", "--user-token", LEGACY_TOKEN]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [PROGRAM, "start", *options, *user, "--enable-legacy-api-token"],
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield _when_ready(RealServer(f"http://127.0.0.1:{port}"), process, folder / "log")
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def _when_ready(server: RealServer, process: subprocess.Popen[bytes], log: Path) -> RealServer:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            if server.http.request("GET", f"{server.url}/api/version", retries=False, timeout=5).status == 200:
                return server
        except urllib3.exceptions.HTTPError:
            pass
        time.sleep(0.5)
    pytest.fail(f"Label Studio did not start: {log.read_text()[-3000:]}")


@pytest.fixture(scope="module")
def personal_token(server: RealServer) -> str:
    """The user's personal access token, of which there is one."""
    token: str = server.send("POST", "/api/token/")["token"]
    return token


@pytest.fixture(params=["legacy token", "personal access token"])
def connection(
    request: pytest.FixtureRequest, server: RealServer, personal_token: str, monkeypatch: pytest.MonkeyPatch
) -> Connection:
    """The server, with each kind of token."""
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", LEGACY_TOKEN if request.param == "legacy token" else personal_token)
    return Connection(server.url)


def test_a_queue_goes_there_is_edited_and_comes_back(server: RealServer, connection: Connection, queue: Queue) -> None:
    pushed = push(queue, Tool.LABEL_STUDIO, connection)
    assert (pushed.new, pushed.boxes) == (5, 4)
    assert push(queue, Tool.LABEL_STUDIO, connection).new == 0
    project = int(pushed.url.split("/")[-2])
    tasks = server.tasks(project)
    assert [task["data"]["name"] for task in tasks] == [f"über {number}/a.png" for number in range(5)]
    assert [len(task["predictions"]) for task in tasks] == [1, 1, 0, 1, 1]
    shown = server.http.request(
        "GET", server.url + tasks[0]["data"]["image"], headers={"Authorization": f"Token {LEGACY_TOKEN}"}
    )
    assert shown.data.startswith(b"\x89PNG")

    accepted, moved, empty, skipped, rotated = tasks
    server.annotate(accepted, accepted["predictions"][0]["result"])
    region = moved["predictions"][0]["result"][0]
    edited = server.annotate(moved, [{**region, "value": {**region["value"], "x": 50.1, "width": 49.9}}])
    server.annotate(empty, [])
    server.annotate(skipped, [], was_cancelled=True)
    result = pull(queue, Tool.LABEL_STUDIO, connection)
    assert (result.images, result.finished, result.new, result.negatives, result.skipped) == (5, 4, 4, 1, 1)
    with pytest.raises(UserError, match="1 images are not finished"):
        pull(queue, Tool.LABEL_STUDIO, connection, cleanup=True)

    server.annotate(rotated, [{**region, "value": {**region["value"], "rotation": 90}}])
    server.send("PATCH", f"/api/annotations/{edited['id']}/", {"result": []})
    result = pull(queue, Tool.LABEL_STUDIO, connection)
    assert (result.new, result.known, result.negatives, len(result.notes)) == (2, 3, 2, 1)
    stored = [one for one in queue.answers.stored() if one.task in (1, 2)]
    assert [(one.task, one.reviewer, len(one.answer.boxes)) for one in stored] == [
        (1, "label-studio:ann@example.com", 1),
        (2, "label-studio:ann@example.com", 1),
        (2, "label-studio:ann@example.com", 0),
    ]
    assert [
        (one.answer.boxes[0].left, one.answer.boxes[0].width, one.answer.boxes[0].from_, one.answer.seconds)
        for one in stored[:2]
    ] == [(5, 11, 1, 4.5), (20, 20, 1, 4.5)]
    outcomes = queue.answers.by_outcome()
    assert (outcomes[Outcome.BOXES], outcomes[Outcome.SKIP]) == (4, 1)

    assert pull(queue, Tool.LABEL_STUDIO, connection, cleanup=True).deleted
    assert not [one for one in server.send("GET", "/api/projects/")["results"] if one["id"] == project]


def test_changed_labels_and_wrong_tokens_are_said(
    server: RealServer, connection: Connection, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    pushed = push(queue, Tool.LABEL_STUDIO, connection)
    project = int(pushed.url.split("/")[-2])
    config = server.send("GET", f"/api/projects/{project}/")["label_config"]
    changed = config.replace("</RectangleLabels>", '<Label value="screw"/></RectangleLabels>')
    server.send("PATCH", f"/api/projects/{project}/", {"label_config": changed})
    with pytest.raises(UserError, match="it has 'screw', which the queue has not"):
        pull(queue, Tool.LABEL_STUDIO, connection)
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", "f" * 40)
    with pytest.raises(UserError, match="refuses the token"):
        pull(queue, Tool.LABEL_STUDIO, connection)


def test_images_in_s3_are_read_by_label_studio_itself(
    server: RealServer, s3_endpoint: str, tmp_path: Path, template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", LEGACY_TOKEN)
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    s3 = boto3.client("s3", region_name="us-east-1")
    s3.create_bucket(Bucket=BUCKET)
    body = (template.parent / "photos" / "über 0" / "a.png").read_bytes()
    s3.put_object(Bucket=BUCKET, Key="line 1/ü.png", Body=body)
    info = QueueInfo(name="s3", classes=CLASSES, region="us-east-1")
    Queue.create(tmp_path / "s3", info, [new_task(0, f"s3://{BUCKET}/line 1/ü.png")]).close()
    queue = Queue.open(tmp_path / "s3")
    connection = Connection(server.url)
    pushed = push(queue, Tool.LABEL_STUDIO, connection)
    (task,) = server.tasks(int(pushed.url.split("/")[-2]))
    resolved = server.send("GET", f"/api/tasks/{task['id']}/?resolve_uri=true")["data"]["image"]
    place = server.send("GET", resolved)["Location"]
    assert server.http.request("GET", place).data == body
    server.annotate(task, [{**task["predictions"][0]["result"][0], "original_width": WIDTH, "original_height": HEIGHT}])
    assert pull(queue, Tool.LABEL_STUDIO, connection).new == 1
    queue.close()
