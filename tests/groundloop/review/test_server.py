"""The server speaks the page's protocol."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from groundloop.errors import UserError
from groundloop.review.problems import TEXTS
from groundloop.review.queue import Queue
from groundloop.review.serve import Address, serving, serving_app
from tests.groundloop.review.conftest import PageClient, answer


def test_an_invitation_opens_a_session_for_its_reviewer(queue: Queue, url: str) -> None:
    client = PageClient(url)
    assert client.sign_in(queue.reviewers.invite("ann")) == "ann"
    described = client.get("/queue")
    assert described["reviewer"] == "ann"
    assert [one["name"] for one in described["classes"]] == ["bolt", "nut"]
    assert all(one["color"].startswith("#") for one in described["classes"])
    assert described["progress"] == {
        "total": 6,
        "answered": 0,
        "mine": 0,
        "left": 6,
        "median_seconds": None,
        "waiting": 0,
        "adjudication": 0,
    }


def test_the_session_cookie_is_out_of_reach_for_scripts_and_other_sites(queue: Queue, url: str) -> None:
    _, _, headers = PageClient(url).send("POST", "/session", {"token": queue.reviewers.invite("ann")})
    assert "HttpOnly" in headers["Set-Cookie"]
    assert "SameSite=strict" in headers["Set-Cookie"]
    assert "Path" not in headers["Set-Cookie"]


def test_next_leases_tasks_in_the_queues_order_without_those_that_the_page_has(page: PageClient) -> None:
    first = page.post("/next", {"have": [], "count": 2, "grid": False})["tasks"]
    more = page.post("/next", {"have": [task["id"] for task in first], "count": 2, "grid": False})["tasks"]
    assert [task["name"] for task in first + more] == ["0.png", "1.png", "2.png", "3.png"]
    assert first[0]["boxes"] == [
        {"class_id": 1, "left": 5, "top": 5, "width": 10, "height": 10, "score": 0.8, "counted": True, "person": None}
    ]
    assert first[0]["why"] == ["about 0.1 mistakes expected"]


def test_two_reviewers_never_get_the_same_task(queue: Queue, page: PageClient, url: str) -> None:
    other = PageClient(url)
    other.sign_in(queue.reviewers.invite("bob"))
    mine = page.post("/next", {"have": [], "count": 3})["tasks"]
    theirs = other.post("/next", {"have": [], "count": 24})["tasks"]
    assert len(theirs) == 3
    assert not {task["id"] for task in mine} & {task["id"] for task in theirs}


def test_a_reload_gets_the_same_tasks_under_the_same_tokens(page: PageClient) -> None:
    before = page.post("/next", {"have": [], "count": 2})["tasks"]
    assert page.post("/next", {"have": [], "count": 2})["tasks"] == before


def test_the_grid_has_only_likely_right_images_and_no_audit_image(page: PageClient) -> None:
    tasks = page.post("/next", {"have": [], "count": 12, "grid": True})["tasks"]
    assert [task["name"] for task in tasks] == ["0.png", "2.png"]
    assert all(task["grid"] for task in tasks)


def test_an_answer_is_stored_once_however_often_it_is_sent(queue: Queue, page: PageClient) -> None:
    task = page.post("/next", {"have": [], "count": 1})["tasks"][0]
    sent = answer(task["id"], lease=task["lease"])
    reply = page.post("/answers", sent)
    assert page.post("/answers", sent) == reply
    assert reply == {
        "stored": True,
        "late": False,
        "progress": {
            "total": 6,
            "answered": 1,
            "mine": 1,
            "left": 5,
            "median_seconds": 6.5,
            "waiting": 0,
            "adjudication": 0,
        },
    }
    assert [counted.answers for counted in queue.answers.counted()] == [1]


def test_going_back_shows_the_own_last_answer(page: PageClient) -> None:
    task = page.post("/next", {"have": [], "count": 1})["tasks"][0]
    sent = answer(task["id"])
    page.post("/answers", sent)
    again = page.get(f"/tasks/{task['id']}")
    assert again["answer"] == sent
    assert again["lease"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param(
            {"boxes": [{"class_id": 2, "left": 0, "top": 0, "width": 5, "height": 5}]}, "class id 2", id="class"
        ),
        pytest.param(
            {"boxes": [{"class_id": 0, "left": 36, "top": 0, "width": 5, "height": 5}]}, "leaves", id="outside"
        ),
        pytest.param(
            {"boxes": [{"class_id": 0, "left": -1, "top": 0, "width": 5, "height": 5}]}, "leaves", id="before"
        ),
        pytest.param({"boxes": [{"class_id": 0, "left": 0, "top": 0, "width": 0, "height": 5}]}, "0 x 5", id="no area"),
        pytest.param(
            {"boxes": [{"class_id": 0, "left": 0.5, "top": 0, "width": 1, "height": 5}]}, "int", id="fraction"
        ),
        pytest.param(
            {"boxes": [{"class_id": 0, "left": 0, "top": 0, "width": 1, "height": 1}] * 1001}, "1001", id="many"
        ),
        pytest.param({"outcome": "skip"}, "no boxes", id="skip with boxes"),
        pytest.param({"outcome": "fine"}, "fine", id="outcome"),
        pytest.param({"client_id": ""}, "UUID", id="client id"),
        pytest.param({"comment": "x" * 2001}, "comment", id="comment"),
        pytest.param({"seconds": -1}, "seconds", id="seconds"),
        pytest.param({"colour": "red"}, "colour", id="unknown field"),
    ],
)
def test_an_answer_that_cant_be_right_is_explained(
    queue: Queue, page: PageClient, changes: dict[str, object], message: str
) -> None:
    status, body, _ = page.send("POST", "/answers", answer(1, **changes))
    assert status == 422
    assert message in body["error"]
    assert body["error"] == TEXTS[body["code"]].format(**body["values"])
    assert not list(queue.answers.counted())


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        pytest.param("POST", "/answers", answer(99), id="answer"),
        pytest.param("GET", "/tasks/99", None, id="task"),
        pytest.param("GET", "/images/99", None, id="image"),
        pytest.param("GET", "/images/1/huge", None, id="rendition"),
        pytest.param("GET", "/nowhere", None, id="address"),
    ],
)
def test_what_does_not_exist_is_404_with_a_reason(
    page: PageClient, method: str, path: str, body: dict[str, object] | None
) -> None:
    status, received, _ = page.send(method, path, body)
    assert status == 404
    assert received["error"] == TEXTS[received["code"]].format(**received["values"])


def test_two_queues_on_one_host_have_different_cookies(new_queue: Callable[..., Queue]) -> None:
    names = []
    for name in ("week-47", "week 47", "顕微鏡 47週", "望遠鏡 47週"):
        queue = new_queue(name=name)
        with serving(queue, Address()) as url:
            client = PageClient(url)
            client.sign_in(queue.reviewers.invite("ann"))
            assert client.get("/queue")["name"] == name
        names.append(client.cookie.partition("=")[0])
    assert len(set(names)) == 4


def test_images_come_with_their_type(page: PageClient) -> None:
    status, body, headers = page.send("GET", "/images/1")
    assert status == 200
    assert body.startswith(b"\x89PNG")
    assert headers["Content-Type"] == "image/png"


@pytest.mark.parametrize(
    ("path", "cache_control"),
    [
        pytest.param("/images/1", "private, no-cache", id="image, another of the next queue"),
        pytest.param("/page/app.css", "no-cache", id="script or style, another after an upgrade"),
        pytest.param("/", "no-cache", id="the page"),
    ],
)
def test_browsers_ask_whether_what_they_keep_is_still_right(page: PageClient, path: str, cache_control: str) -> None:
    _, _, headers = page.send("GET", path)
    assert headers["Cache-Control"] == cache_control
    again, _, unchanged = page.send("GET", path, headers={"If-None-Match": headers["ETag"]})
    assert again == 304
    assert unchanged["Cache-Control"] == cache_control


def test_a_file_that_is_no_image_any_more_is_explained(page: PageClient, image_folder: Path) -> None:
    (image_folder / "0.png").write_text("<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>")
    status, body, _ = page.send("GET", "/images/1")
    assert (status, "neither JPEG nor PNG" in body["error"]) == (422, True)


def test_released_tasks_go_to_others_at_once(queue: Queue, page: PageClient, url: str) -> None:
    mine = page.post("/next", {"have": [], "count": 6})["tasks"]
    page.post("/leases/release", {"tasks": [mine[0]["id"]]})
    other = PageClient(url)
    other.sign_in(queue.reviewers.invite("bob"))
    assert [task["id"] for task in other.post("/next", {"have": [], "count": 6})["tasks"]] == [mine[0]["id"]]


def test_sessions_outlive_the_server(queue: Queue) -> None:
    with serving(queue, Address()) as url:
        client = PageClient(url)
        client.sign_in(queue.reviewers.invite("ann"))
    with serving(queue, Address()) as url:
        again = PageClient(url)
        again.cookie = client.cookie
        assert again.get("/queue")["reviewer"] == "ann"


def test_large_images_come_smaller_as_previews(queue: Queue, page: PageClient, image_folder: Path) -> None:
    Image.new("RGB", (3000, 1500), "green").save(image_folder / "0.png")
    _, preview, headers = page.send("GET", "/images/1/preview")
    assert headers["Content-Type"] == "image/jpeg"
    with Image.open(io.BytesIO(preview)) as shown:
        assert shown.size == (2048, 1024)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"host": "192.0.2.1"}, "--tls-cert", id="open without TLS"),
        pytest.param({"certificate": Path("cert.pem")}, "go together", id="certificate without key"),
        pytest.param({"certificate": Path("no.pem"), "key": Path("no.key")}, "does not exist", id="missing files"),
    ],
)
def test_addresses_that_are_not_safe_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        Address(**options)  # type: ignore[arg-type]


def test_a_port_that_is_taken_is_explained(queue: Queue, url: str) -> None:
    port = int(url.rstrip("/").rpartition(":")[2])
    with pytest.raises(UserError, match="another --port"), serving(queue, Address(port=port)):
        pass


def test_a_request_under_way_is_answered_before_the_server_ends() -> None:
    arrived = threading.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        arrived.set()
        await asyncio.sleep(0.2)
        await PlainTextResponse(Request(scope).url.path)(scope, receive, send)

    with ThreadPoolExecutor(1) as pool:
        with serving_app(lambda _: slow, Address()) as port:
            sent = pool.submit(PageClient(f"http://127.0.0.1:{port}/").send, "GET", "/late")
            assert arrived.wait(10)
        assert sent.result()[:2] == (200, b"/late")
