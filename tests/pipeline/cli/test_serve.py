"""`groundloop serve`: it starts, answers, ends with Ctrl-C, and says mistakes in one line."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.fixtures.cli import Groundloop

pytest.importorskip("onnxruntime", reason="the onnx extra is not installed")


def test_it_serves_until_it_is_interrupted(exported_model: Path) -> None:
    command = [sys.executable, "-c", "from pipeline.cli import main; main()", "serve", str(exported_model)]
    with subprocess.Popen([*command, "--port", "0"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"{exported_model}: bolt, nut, washer\n"
        page = process.stdout.readline().split()[1]
        with urllib.request.urlopen(f"{page}ping", timeout=10) as response:  # noqa: S310 - http, as printed
            assert response.status == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0


def test_mistakes_are_one_line(groundloop: Groundloop, exported_model: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.onnx"
    other.write_bytes(b"not a model")
    assert f"{other} can't be run as an ONNX file" in groundloop("serve", str(other)).error
    assert "does not exist: groundloop export-model writes such a file" in groundloop("serve", "none.onnx").error
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = groundloop("serve", str(exported_model), "--port", str(port), "--threads", "1")
    assert (result.code, result.err.count("\n")) == (1, 1)
    assert f"can't be served on 127.0.0.1:{port}" in result.error
