"""A run with 8 workers that is killed half way goes on where it stopped."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from PIL import Image

from groundloop.detections.endpoint import EndpointClient
from groundloop.prediction.bulk import BulkPrediction
from groundloop.prediction.detector import Detector
from groundloop.prediction.endpoints import runtime_client
from groundloop.prediction.journal import Journal, read_results
from groundloop.prediction.sources import ImageSources
from tests.fixtures.runtime_server import ANSWER, runtime_server

PROGRAM = Path(__file__).with_name("run_program.py")
WORKERS = 8
CLASSES = ("nut", "bolt")


def no_s3() -> object:
    raise AssertionError


def make_images(folder: Path, number: int) -> None:
    folder.mkdir()
    for index in range(number):
        content = io.BytesIO()
        Image.new("RGB", (8, 8), (index % 256, index // 256, 7)).save(content, "PNG")
        (folder / f"{index:03}.png").write_bytes(content.getvalue())


@pytest.mark.parametrize(
    ("number", "sent", "most_again"),
    [
        pytest.param(500, signal.SIGTERM, 0, id="stopped: what has begun is finished and nothing is asked for twice"),
        pytest.param(80, signal.SIGKILL, WORKERS, id="killed at once: only what was under way is asked for again"),
    ],
)
def test_no_image_is_lost_and_none_asked_for_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, sent: signal.Signals, most_again: int
) -> None:
    make_images(tmp_path / "images", number)
    output = tmp_path / "results.jsonl"
    keys = {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "AWS_EC2_METADATA_DISABLED": "true"}
    with runtime_server(half_at=number // 2) as server:
        environment = {**os.environ, **keys, "AWS_ENDPOINT_URL": server.url}
        command = [sys.executable, str(PROGRAM), str(tmp_path / "images"), str(output)]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        killed = threading.Event()
        if sent is signal.SIGKILL:
            # The requests of the second half are under way when the process dies.
            server.respond = lambda one: (200, ANSWER) if one <= number // 2 or killed.wait(20) else None
        try:
            assert server.half.wait(30)
            process.send_signal(sent)
            _, errors = process.communicate(timeout=30)
        finally:
            process.kill()
            killed.set()
        before = read_results(output)
        assert number // 2 - WORKERS <= len(before) < number, errors
        for name, value in {**keys, "AWS_ENDPOINT_URL": server.url}.items():
            monkeypatch.setenv(name, value)
        client = EndpointClient(runtime_client("us-east-1", WORKERS), "detector", CLASSES)
        detector = Detector(client, CLASSES, name="version 1", max_bytes=6 * 2**20, on_aws=True)
        images = ImageSources(no_s3, no_s3, None).find([str(tmp_path / "images")])  # type: ignore[arg-type]
        with Journal(output, "version 1", dict.fromkeys(CLASSES, 0.5)) as journal:
            result = BulkPrediction(detector, dict.fromkeys(CLASSES, 0.5), journal).run(
                images, WORKERS, threading.Event()
            )
    assert (result.resumed, result.failures, result.interrupted) == (len(before), [], False)
    after = read_results(output)
    assert sorted(one.image for one in after) == [image.name for image in images], "each has one line"
    assert len(server.asked) == number
    assert sum(times - 1 for times in server.asked.values()) <= most_again
    if sent is signal.SIGTERM:
        assert process.returncode != 0
        assert "stopping: requests that have begun are finished" in errors
