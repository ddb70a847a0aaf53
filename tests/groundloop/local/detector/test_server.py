"""The endpoint's container: the requests and answers of the built-in algorithm, on 127.0.0.1 only."""

from __future__ import annotations

import http.client
import io
import json
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from PIL import Image

Samples = list[tuple[bytes, dict[str, Any]]]


@pytest.fixture(scope="module")
def server(trained: Any, start_server: Callable[..., Any]) -> Any:
    return start_server(trained.job.folder)


@pytest.fixture
def connection(server: Any) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    yield connection
    connection.close()


def post(
    connection: http.client.HTTPConnection,
    body: bytes,
    kind: str = "image/jpeg",
    path: str = "/invocations",
    **headers: str,
) -> tuple[int, Any]:
    connection.request("POST", path, body, {"Content-Type": kind, **headers})
    response = connection.getresponse()
    return response.status, json.loads(response.read())


def png(image: bytes, mode: str = "RGB") -> bytes:
    data = io.BytesIO()
    Image.open(io.BytesIO(image)).convert(mode).save(data, "PNG")
    return data.getvalue()


def test_ping(connection: http.client.HTTPConnection) -> None:
    connection.request("GET", "/ping")
    assert connection.getresponse().status == 200


def test_a_jpeg_is_answered_with_rows_sorted_by_score(
    connection: http.client.HTTPConnection, render_samples: Callable[..., Samples]
) -> None:
    status, answer = post(connection, render_samples(1, seed=9)[0][0])
    assert status == 200
    assert answer.keys() == {"prediction"}
    rows = answer["prediction"]
    assert rows
    for class_id, score, *corners in rows:
        assert class_id in (0.0, 1.0)
        assert isinstance(class_id, float)
        assert 0 < score <= 1
        assert all(0 <= value <= 1 for value in corners)
        assert corners[0] <= corners[2]
        assert corners[1] <= corners[3]
    assert [row[1] for row in rows] == sorted((row[1] for row in rows), reverse=True)


def test_the_best_rows_lie_on_the_objects(
    connection: http.client.HTTPConnection, render_samples: Callable[..., Samples]
) -> None:
    right = 0
    samples = render_samples(8, seed=9)
    for image, label in samples:
        class_id, _, xmin, ymin, xmax, ymax = post(connection, image)[1]["prediction"][0]
        size = label["image_size"][0]
        middle = ((xmin + xmax) / 2 * size["width"], (ymin + ymax) / 2 * size["height"])
        right += any(
            box["class_id"] == class_id
            and abs(box["left"] + box["width"] / 2 - middle[0]) < 10
            and abs(box["top"] + box["height"] / 2 - middle[1]) < 10
            for box in label["annotations"]
        )
    assert right >= 6


@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        pytest.param("image/png", "RGB", id="png"),
        pytest.param("image/png", "RGBA", id="png with transparency"),
        pytest.param("image/png", "P", id="png with a palette"),
        pytest.param("image/png", "L", id="grey png"),
        pytest.param("application/x-image", "RGB", id="any image"),
    ],
)
def test_other_kinds_of_images(
    kind: str, mode: str, connection: http.client.HTTPConnection, render_samples: Callable[..., Samples]
) -> None:
    status, answer = post(connection, png(render_samples(1, seed=9)[0][0], mode), kind)
    assert status == 200
    assert isinstance(answer["prediction"], list)


def test_the_annotation_form_has_the_same_boxes_in_pixels(
    connection: http.client.HTTPConnection, render_samples: Callable[..., Samples]
) -> None:
    image, label = render_samples(1, seed=9)[0]
    rows = post(connection, image)[1]["prediction"]
    status, answer = post(connection, image, Accept="application/json;annotation=1")
    assert status == 200
    assert answer["image_size"] == label["image_size"]
    assert len(answer["annotations"]) == len(rows)
    size = label["image_size"][0]
    for box, (class_id, score, xmin, ymin, xmax, ymax) in zip(answer["annotations"], rows, strict=True):
        assert (box["class_id"], box["score"]) == (int(class_id), score)
        assert box["left"] == pytest.approx(xmin * size["width"], abs=1)
        assert box["top"] == pytest.approx(ymin * size["height"], abs=1)
        assert box["width"] == pytest.approx((xmax - xmin) * size["width"], abs=1)
        assert box["height"] == pytest.approx((ymax - ymin) * size["height"], abs=1)


def test_one_connection_serves_many_requests(
    connection: http.client.HTTPConnection, render_samples: Callable[..., Samples]
) -> None:
    image = render_samples(1, seed=9)[0][0]
    first = post(connection, image)
    assert post(connection, b"no image")[0] == 400
    assert post(connection, image) == first


@pytest.mark.parametrize(
    ("body", "kind", "path", "status", "message"),
    [
        pytest.param(b"hello", "image/jpeg", "/invocations", 400, "5 bytes aren't a JPEG or PNG", id="no image"),
        pytest.param(b"", "image/jpeg", "/invocations", 400, "0 bytes aren't a JPEG or PNG", id="nothing"),
        pytest.param(
            b"\xff\xd8\xff\xe0", "image/jpeg", "/invocations", 400, "4 bytes aren't a JPEG", id="the start of a JPEG"
        ),
        pytest.param(b"a,b", "text/csv", "/invocations", 415, "text/csv: one of image/jpeg", id="another type"),
        pytest.param(b"", "image/jpeg", "/elsewhere", 404, "/elsewhere", id="another path"),
    ],
)
def test_bad_requests(
    body: bytes, kind: str, path: str, status: int, message: str, connection: http.client.HTTPConnection
) -> None:
    found, answer = post(connection, body, kind, path)
    assert found == status
    assert message in answer["error"]
    assert "\n" not in answer["error"]


def test_a_truncated_jpeg_is_refused(
    connection: http.client.HTTPConnection, render_samples: Callable[..., Samples]
) -> None:
    image = render_samples(1, seed=9)[0][0]
    status, answer = post(connection, image[: len(image) // 2])
    assert status == 400
    assert "can't be decoded" in answer["error"]


def test_a_body_of_more_than_100_mb_is_refused_before_it_is_read(server: Any) -> None:
    request = b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\nContent-Length: 104857601\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
        client.sendall(request)
        assert b" 413 " in client.recv(4096).split(b"\r\n")[0]


def test_a_request_without_a_length_is_refused(connection: http.client.HTTPConnection) -> None:
    connection.putrequest("POST", "/invocations")
    connection.endheaders()
    assert connection.getresponse().status == 411


def test_a_folder_without_a_model_is_refused_in_one_line(job: Any) -> None:
    job.write_config()
    command = [sys.executable, "-m", "groundloop.local.detector", "serve", "--opt-ml", str(job.folder), "--port", "0"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert result.returncode == 1
    assert "has no hyperparams.json" in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("port", ["taken", "70000"])
def test_a_port_that_cannot_be_used_is_named(port: str, trained: Any, server: Any) -> None:
    number = str(server.port) if port == "taken" else port
    command = [
        sys.executable,
        "-m",
        "groundloop.local.detector",
        "serve",
        "--opt-ml",
        str(trained.job.folder),
        "--port",
        number,
    ]
    result = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert result.returncode == 1
    assert f"port {number} on 127.0.0.1 can't be used" in result.stderr
    assert len(result.stderr.splitlines()) == 1
