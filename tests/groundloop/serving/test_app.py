"""The server answers as the endpoint does, counts, and says in one line what is wrong with a request."""

from __future__ import annotations

import io
import json
import zlib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from groundloop.detections import Detections
from groundloop.local.detector.artifact import Detector
from groundloop.portable.onnx_detector import OnnxDetector
from groundloop.serving.app import PAGE
from groundloop.serving.guard import MAX_BODY_BYTES, AllowedHosts
from tests.fixtures.exported_models import CLASSES, COUNT_ERROR, PACKAGE, THRESHOLDS
from tests.groundloop.serving.conftest import Client


def test_it_answers_as_the_endpoint_does(
    client: Client, scene: bytes, onnx_detector: OnnxDetector, stand_in: tuple[Path, Detector]
) -> None:
    assert client.send("GET", "/ping")[:2] == (200, b"")
    status, answer, response = client.send("POST", "/invocations", scene)
    assert (status, response.headers["Content-Type"]) == (200, "application/json")
    detections = Detections.from_sagemaker(json.dumps(answer).encode(), CLASSES)
    expected = onnx_detector.detect(scene)
    assert len(detections) > 5, "the comparison must not be about nothing"
    assert detections.class_id.tolist() == expected.class_id.tolist()
    np.testing.assert_allclose(detections.xyxyn, expected.xyxyn, atol=1e-6)
    np.testing.assert_allclose(np.array(answer["prediction"]), stand_in[1].detect(scene), atol=1e-4)


def test_annotations_are_in_pixels(client: Client, scene: bytes) -> None:
    rows = client.send("POST", "/invocations", scene)[1]["prediction"]
    answer = client.send("POST", "/invocations", scene, {"Accept": "application/json;annotation=1"})[1]
    with Image.open(io.BytesIO(scene)) as image:
        width, height = image.size
    assert answer["image_size"] == [{"width": width, "height": height, "depth": 3}]
    first = answer["annotations"][0]
    assert (first["class_id"], first["score"]) == (rows[0][0], rows[0][1])
    assert abs(first["left"] - rows[0][2] * width) <= 1
    assert len(answer["annotations"]) == len(rows)


@pytest.mark.parametrize(
    ("query", "thresholds", "error"),
    [
        pytest.param("", THRESHOLDS, asdict(COUNT_ERROR), id="operating thresholds"),
        pytest.param("?threshold=0.9", dict.fromkeys(CLASSES, 0.9), None, id="a given threshold"),
    ],
)
def test_it_counts_by_class(
    client: Client, scene: bytes, query: str, thresholds: dict[str, float], error: dict[str, float] | None
) -> None:
    rows = client.send("POST", "/invocations", scene)[1]["prediction"]
    names = [CLASSES[int(row[0])] for row in rows if row[1] >= thresholds[CLASSES[int(row[0])]]]
    assert names
    expected = {"counts": {name: Counter(names)[name] for name in CLASSES}, "total": len(names)}
    expected |= {"thresholds": thresholds, "count_error": error}
    assert client.send("POST", f"/count{query}", scene)[:2] == (200, expected)


def test_it_describes_the_model(client: Client) -> None:
    model = client.send("GET", "/model")[1]
    assert [(one["name"], one["threshold"]) for one in model["classes"]] == list(THRESHOLDS.items())
    assert (model["name"], model["model_package"], model["quantization"]) == ("detector.onnx", PACKAGE, None)


@pytest.mark.parametrize("format_name", ["PNG", "BMP", "GIF", "TIFF", "WEBP", "PPM"])
def test_it_takes_what_pillow_opens(client: Client, scene: bytes, format_name: str) -> None:
    content = io.BytesIO()
    Image.open(io.BytesIO(scene)).resize((64, 48)).save(content, format_name)
    status, answer, _ = client.send("POST", "/count", content.getvalue(), {"Content-Type": "application/x-image"})
    assert (status, set(answer["counts"])) == (200, set(CLASSES))


def _png_header(width: int, height: int) -> bytes:
    """A PNG that says it is large, in few bytes."""
    header = b"IHDR" + width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\x00\x00\x00"
    checked = b"\x00\x00\x00\x0d" + header + zlib.crc32(header).to_bytes(4, "big")
    return b"\x89PNG\r\n\x1a\n" + checked + b"\x00\x00\x00\x00IDAT" + zlib.crc32(b"IDAT").to_bytes(4, "big")


def _bytes(picture: Image.Image, format_name: str) -> bytes:
    content = io.BytesIO()
    picture.save(content, format_name)
    return content.getvalue()


SMALL = Image.new("RGB", (8, 8))


@pytest.mark.parametrize(
    ("path", "body", "headers", "status", "message"),
    [
        pytest.param("/count", b"hello", {}, 400, "the 5 bytes are not an image that can be decoded", id="no image"),
        pytest.param("/count", b"", {}, 400, "the 0 bytes are not an image that can be decoded", id="nothing"),
        pytest.param("/count", b"\xff\xd8\xff\xe0", {}, 400, "are not an image", id="the start of a JPEG"),
        pytest.param("/count", _png_header(30_000, 30_000), {}, 400, "pixels: scale it down", id="too many pixels"),
        pytest.param("/count", _png_header(15_000, 10_000), {}, 400, "pixels: scale it down", id="many pixels"),
        pytest.param("/count", _bytes(SMALL, "EPS"), {}, 400, "are not an image", id="a program in PostScript"),
        pytest.param(
            "/count", b"{}", {"Content-Type": "application/json"}, 415, "content type application/json", id="JSON"
        ),
        pytest.param("/count?threshold=2", _bytes(SMALL, "PNG"), {}, 400, "threshold='2': a number", id="threshold"),
        pytest.param("/count?threshold=nan", _bytes(SMALL, "PNG"), {}, 400, "threshold='nan'", id="not a number"),
        pytest.param("/ping", b"", {}, 405, "does not take that method", id="method"),
        pytest.param("/invocation", b"", {}, 404, "there are GET /, /ping", id="path"),
        pytest.param("/page/app.py", b"", {}, 405, "does not take that method", id="file"),
        pytest.param("/count", None, {"Content-Length": str(MAX_BODY_BYTES + 1)}, 413, "the body is larger", id="size"),
        pytest.param("/count", None, {"Content-Length": "many"}, 400, "", id="length"),
        pytest.param("/count", b"", {"Host": "evil.example"}, 403, "not called by this name", id="DNS rebinding"),
        pytest.param("/count", b"", {"Origin": "http://evil.example"}, 403, "another page", id="foreign origin"),
        pytest.param("/count", b"", {"Sec-Fetch-Site": "cross-site"}, 403, "another page", id="cross-site"),
    ],
)
def test_mistakes_are_one_line(
    client: Client, path: str, body: bytes | None, headers: dict[str, str], status: int, message: str
) -> None:
    received, answer, _ = client.send("POST", path, body, headers)
    assert received == status
    assert message in (answer["error"] if isinstance(answer, dict) else "")


def test_damaged_images_never_end_the_server(client: Client, scene: bytes) -> None:
    rng = np.random.default_rng(1)
    png = _bytes(Image.open(io.BytesIO(scene)).resize((60, 40)), "PNG")
    for number in range(60):
        damaged = bytearray(png if number % 2 else scene)
        for place in rng.integers(0, min(len(damaged), 700), 4):
            damaged[place] = rng.integers(256)
        status, answer, _ = client.send("POST", "/count", bytes(damaged[: rng.integers(1, len(damaged))]))
        assert status in (200, 400), answer
        assert status == 200 or "\n" not in answer["error"]
    assert client.send("GET", "/ping")[0] == 200


def test_several_clients_get_their_own_answers(client: Client, scene: bytes) -> None:
    pictures = [scene, _bytes(Image.new("RGB", (64, 64), "red"), "PNG")] * 4
    one_by_one = [client.send("POST", "/invocations", picture)[1] for picture in pictures]
    with ThreadPoolExecutor(4) as pool:
        assert [
            item[1] for item in pool.map(lambda one: client.send("POST", "/invocations", one), pictures)
        ] == one_by_one


def test_the_page_loads_nothing_from_elsewhere(client: Client) -> None:
    for path in ("/", "/page/main.js", "/page/server.js", "/page/drawing.js", "/page/app.css", "/page/icon.svg"):
        status, content, response = client.send("GET", path)
        assert status == 200
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
        assert b"https://" not in content
    assert client.send("GET", "/page/../app.py")[0] == 404
    assert all("unsafe" not in file.read_text() for file in PAGE.iterdir())


@pytest.mark.parametrize(
    ("hosts", "header", "allowed"),
    [
        pytest.param(AllowedHosts("127.0.0.1"), "localhost:8080", True, id="this machine"),
        pytest.param(AllowedHosts("127.0.0.1"), "[::1]:80", True, id="IPv6"),
        pytest.param(AllowedHosts("127.0.0.1"), "192.168.1.5", False, id="an address at which nobody listens"),
        pytest.param(AllowedHosts("127.0.0.1"), "[", False, id="no host"),
        pytest.param(AllowedHosts("0.0.0.0", loopback=False), "192.168.1.5:80", True, id="an address"),  # noqa: S104
        pytest.param(AllowedHosts("0.0.0.0", loopback=False), "evil.example", False, id="a name"),  # noqa: S104
        pytest.param(AllowedHosts("0.0.0.0", ["Line-3.example"], loopback=False), "line-3.example", True, id="allowed"),  # noqa: S104
    ],
)
def test_names_of_the_server(hosts: AllowedHosts, header: str, allowed: bool) -> None:
    assert hosts.allow(header) is allowed
