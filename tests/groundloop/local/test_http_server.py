"""The offline AWS's HTTP server: what of HTTP/1.1 clients rely on, and how it ends."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from groundloop.local.http_server import ADDRESS, HttpServer

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

LONG = 1 << 25


class Application:
    """Answers by the path of a request, and keeps what it saw."""

    def __init__(self) -> None:
        self.seen: list[WSGIEnvironment] = []
        self.may_answer = threading.Event()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        self.seen.append(environ)
        path = environ["PATH_INFO"]
        if path == "/fail":
            raise ValueError("a fault of the application")
        if path == "/slow":
            self.may_answer.wait(10)
        if path == "/unread":
            start_response("200 OK", [])
            return [b"not read"]
        if path == "/long":
            start_response("200 OK", [])
            return [b"x" * LONG]
        if path[1:] in ("204", "304"):
            start_response(f"{path[1:]} Nothing", [("Content-Length", "5")])
            return []
        body = environ["wsgi.input"].read()
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "7")])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [b"read ", str(len(body)).zfill(2).encode()]


@pytest.fixture
def application() -> Application:
    return Application()


@pytest.fixture
def server(application: Application) -> Iterator[HttpServer]:
    server = HttpServer(application, 0)
    yield server
    application.may_answer.set()
    server.stop()


@pytest.fixture
def connection(server: HttpServer) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection(ADDRESS, server.port, timeout=10)
    yield connection
    connection.close()


@pytest.fixture
def raw(server: HttpServer) -> Callable[..., bytes]:
    """Send bytes over one connection; returns all that comes back until the server closes it."""

    def raw(sent: bytes, ends: bool = False) -> bytes:
        with socket.create_connection((ADDRESS, server.port), timeout=10) as client:
            client.sendall(sent)
            if ends:
                client.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: client.recv(65536), b""))

    return raw


def asked(connection: http.client.HTTPConnection, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
    connection.request(method, path, body)
    answer = connection.getresponse()
    return answer.status, answer.read()


def test_one_connection_serves_many_requests(connection: http.client.HTTPConnection, application: Application) -> None:
    answers = [
        asked(connection, method, path, body)
        for method, path, body in (
            ("GET", "/", None),
            ("PUT", "/", b"12345"),
            ("HEAD", "/", None),
            ("GET", "/204", None),
            ("GET", "/304", None),
            ("POST", "/unread", b"x" * LONG),
            ("POST", "/", iter([b"in ", b"chunks"])),
            ("GET", "/fail", None),
            ("GET", "/", None),
        )
    ]
    assert answers == [
        (200, b"read 00"),
        (200, b"read 05"),
        (200, b""),
        (204, b""),
        (304, b""),
        (200, b"not read"),
        (200, b"read 09"),
        (500, b"The offline AWS failed in this request; its log says why.\n"),
        (200, b"read 00"),
    ]
    assert len({environ["REMOTE_PORT"] for environ in application.seen}) == 1


def test_a_long_body_comes_whole(connection: http.client.HTTPConnection) -> None:
    assert asked(connection, "PUT", "/", b"x" * LONG) == (200, b"read %d" % LONG)
    assert asked(connection, "GET", "/long") == (200, b"x" * LONG)


def test_head_has_the_length_that_the_application_names(connection: http.client.HTTPConnection) -> None:
    connection.request("HEAD", "/")
    assert connection.getresponse().headers["Content-Length"] == "7"


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"GET / HTTP/1.0\r\n\r\n", id="HTTP/1.0"),
        pytest.param(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", id="asked to"),
    ],
)
def test_the_connection_is_closed_where_no_request_follows(raw: Callable[..., bytes], head: bytes) -> None:
    answer = raw(head)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"Connection: close\r\n\r\nread 00")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        pytest.param(b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 201 + b"\r\n", b"431", id="too many headers"),
        pytest.param(b"GET /" + b"x" * 65536 + b" HTTP/1.1\r\n\r\n", b"414", id="too long a line"),
        pytest.param(b"PUT / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"400", id="a negative length"),
        pytest.param(b"PUT / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", b"400", id="an unknown coding"),
    ],
)
def test_a_request_that_has_no_end_is_refused(
    raw: Callable[..., bytes], application: Application, sent: bytes, status: bytes
) -> None:
    assert raw(sent).startswith(b"HTTP/1.1 %s " % status)
    assert application.seen == []


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"PUT / HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc", id="length"),
        pytest.param(b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc", id="in a chunk"),
        pytest.param(b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", id="between chunks"),
        pytest.param(b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nabc\r\n", id="no chunk"),
    ],
)
def test_a_body_that_breaks_off_is_no_body(
    raw: Callable[..., bytes], connection: http.client.HTTPConnection, sent: bytes
) -> None:
    assert raw(sent, ends=True) == b""
    assert asked(connection, "GET", "/") == (200, b"read 00")


def test_a_client_that_waits_is_told_to_go_on(server: HttpServer) -> None:
    with socket.create_connection((ADDRESS, server.port), timeout=10) as client:
        client.sendall(b"PUT / HTTP/1.1\r\nContent-Length: 3\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n")
        assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"abc")
        assert b"".join(iter(lambda: client.recv(65536), b"")).endswith(b"read 03")


def test_the_application_sees_what_was_sent(raw: Callable[..., bytes], application: Application) -> None:
    raw(b"GET /b//%C3%A4%2Fb?x=%20&y HTTP/1.1\r\nHost: a\r\nx-a: 1\r\nX-A: 2\r\nConnection: close\r\n\r\n")
    raw(b"GET http://host/path?q HTTP/1.1\r\nHost: other\r\nConnection: close\r\n\r\n")
    plain, absolute = application.seen
    assert plain["PATH_INFO"].encode("latin-1").decode() == "/b//ä/b"
    assert plain["RAW_URI"] == "/b//%C3%A4%2Fb?x=%20&y"
    assert plain["QUERY_STRING"] == "x=%20&y"
    assert plain["HTTP_X_A"] == "1,2"
    assert (absolute["HTTP_HOST"], absolute["PATH_INFO"], absolute["QUERY_STRING"]) == ("host", "/path", "q")


class TestItsEnd:
    def test_it_waits_for_no_client(self, application: Application) -> None:
        before = set(threading.enumerate())
        server = HttpServer(application, 0)
        idle = [socket.create_connection((ADDRESS, server.port)) for _ in range(3)]
        used = http.client.HTTPConnection(ADDRESS, server.port)
        asked(used, "GET", "/")
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < 1
        assert set(threading.enumerate()) <= before
        for client in (*idle, used.sock):
            assert client.recv(1) == b""
            client.close()

    def test_a_request_that_is_being_answered_gets_its_answer(self, application: Application) -> None:
        server = HttpServer(application, 0)
        connection = http.client.HTTPConnection(ADDRESS, server.port, timeout=10)
        connection.request("GET", "/slow")
        while not application.seen:
            time.sleep(0.001)
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        while stopping.is_alive() and server._thread.is_alive():
            time.sleep(0.001)
        application.may_answer.set()
        answer = connection.getresponse()
        assert (answer.read(), answer.headers["Connection"]) == (b"read 00", "close")
        stopping.join(10)

    def test_an_answer_that_does_not_come_is_not_waited_for(
        self, application: Application, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("groundloop.local.http_server._LAST_ANSWERS", 0.05)
        server = HttpServer(application, 0)
        connection = http.client.HTTPConnection(ADDRESS, server.port, timeout=10)
        connection.request("GET", "/slow")
        while not application.seen:
            time.sleep(0.001)
        server.stop()
        with pytest.raises(http.client.RemoteDisconnected):
            connection.getresponse()
        application.may_answer.set()
        connection.close()

    def test_a_client_of_an_earlier_server_goes_on_with_the_next_on_its_port(self) -> None:
        def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            start_response("200 OK", [("Content-Type", "application/x-amz-json-1.1")])
            return [json.dumps({"PipelineSummaries": []}).encode()]

        server = HttpServer(application, 0)
        client = boto3.Session().client(
            "sagemaker",
            endpoint_url=f"http://{ADDRESS}:{server.port}",
            config=Config(retries={"total_max_attempts": 1}, connect_timeout=1),
        )
        for _ in range(3):
            assert client.list_pipelines()["PipelineSummaries"] == []
            server.stop()
            server = HttpServer(application, server.port)
        server.stop()
        client.close()
