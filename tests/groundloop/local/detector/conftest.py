"""Data and folders of the detector's tests: easy rendered images, a folder like /opt/ml, and its named pipes."""

from __future__ import annotations

import errno
import io
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from groundloop.local.recordio import frame
from tests.fixtures.shared import MadeOnce

WIDTH, HEIGHT = 200, 160
CHANNEL = {
    "ContentType": "application/x-recordio",
    "TrainingInputMode": "Pipe",
    "S3DistributionType": "FullyReplicated",
    "RecordWrapperType": "RecordIO",
}
ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith(("OPENBLAS", "OMP"))}


def render(rng: np.random.Generator) -> tuple[bytes, dict[str, Any]]:
    """A JPEG with one to three bright discs (class 0) and squares (class 1) on dark noise, and its label."""
    noise = rng.integers(20, 60, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    image = Image.fromarray(noise)
    draw = ImageDraw.Draw(image)
    annotations = []
    # In separate thirds of the image, so that nothing is hidden.
    for third in rng.permutation(3)[: rng.integers(1, 4)]:
        side = int(rng.integers(30, 60))
        left = int(third * WIDTH // 3 + rng.integers(0, WIDTH // 3 - side + 1))
        top = int(rng.integers(0, HEIGHT - side))
        class_id = int(rng.integers(2))
        shape = draw.ellipse if class_id == 0 else draw.rectangle
        shape((left, top, left + side - 1, top + side - 1), fill=(230, 80, 60) if class_id == 0 else (60, 90, 230))
        annotations.append({"class_id": class_id, "left": left, "top": top, "width": side, "height": side})
    data = io.BytesIO()
    image.save(data, "JPEG", quality=90)
    return data.getvalue(), {
        "image_size": [{"width": WIDTH, "height": HEIGHT, "depth": 3}],
        "annotations": annotations,
    }


@pytest.fixture(scope="session")
def render_samples() -> Callable[..., list[tuple[bytes, dict[str, Any]]]]:
    """`render_samples(count, seed)`: that many rendered images with their labels."""

    def make(count: int, seed: int) -> list[tuple[bytes, dict[str, Any]]]:
        rng = np.random.default_rng(seed)
        return [render(rng) for _ in range(count)]

    return make


@dataclass
class Job:
    """A training job in a folder laid out like /opt/ml; streams are the raw bytes of each epoch's pipe."""

    folder: Path
    streams: dict[str, list[bytes]] = field(default_factory=dict)
    hyperparameters: dict[str, str] = field(default_factory=dict)
    channels: dict[str, dict[str, Any]] = field(default_factory=lambda: {"train": CHANNEL, "validation": CHANNEL})

    def carries(self, channel: str, samples: list[tuple[bytes, dict[str, Any]]], epochs: int) -> None:
        """Every epoch of the channel carries these samples, image and label by turns."""
        stream = b"".join(frame(image) + frame(json.dumps(label).encode()) for image, label in samples)
        self.streams[channel] = [stream] * epochs

    def write_config(self) -> None:
        for folder in ("input/config", "input/data", "model", "output"):
            (self.folder / folder).mkdir(parents=True, exist_ok=True)
        config = {
            "hyperparameters": self.hyperparameters,
            "inputdataconfig": self.channels,
            "resourceconfig": {"current_host": "algo-1", "hosts": ["algo-1"]},
        }
        for name, value in config.items():
            (self.folder / "input/config" / f"{name}.json").write_text(json.dumps(value))

    def write_files(self) -> None:
        """Streams as plain files under the pipes' names: for tests that call the trainer itself."""
        for channel, streams in self.streams.items():
            for epoch, stream in enumerate(streams):
                (self.folder / "input/data" / f"{channel}_{epoch}").write_bytes(stream)

    def run(self, *, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """The program, fed through named pipes as SageMaker does: each is made when the one before was read."""
        self.write_config()
        done = threading.Event()
        feeders = [threading.Thread(target=self._feed, args=(channel, done)) for channel in self.streams]
        for feeder in feeders:
            feeder.start()
        try:
            return subprocess.run(
                [sys.executable, "-m", "groundloop.local.detector", "train", "--opt-ml", str(self.folder)],
                capture_output=True,
                text=True,
                timeout=timeout,
                env=ENVIRONMENT,
                check=False,
            )
        finally:
            done.set()
            for feeder in feeders:
                feeder.join()

    def _feed(self, channel: str, done: threading.Event) -> None:
        for epoch, stream in enumerate(self.streams[channel]):
            path = self.folder / "input/data" / f"{channel}_{epoch}"
            os.mkfifo(path)
            descriptor = _open_for_a_reader(path, done)
            if descriptor is None:
                return
            try:
                with os.fdopen(descriptor, "wb") as pipe:
                    pipe.write(stream)
            except BrokenPipeError:
                return

    @property
    def failure(self) -> str:
        return (self.folder / "output/failure").read_text()


def _open_for_a_reader(path: Path, done: threading.Event) -> int | None:
    """The pipe's end for writing once somebody reads it; None when nobody will any more."""
    while not done.is_set():
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            time.sleep(0.01)
            continue
        os.set_blocking(descriptor, True)
        return descriptor
    return None


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """A small job of two classes, without streams yet."""
    job = Job(tmp_path / "opt-ml")
    job.hyperparameters = {
        "num_classes": "2",
        "num_training_samples": "8",
        "epochs": "1",
        "mini_batch_size": "4",
        "learning_rate": "0.001",
    }
    return job


@dataclass
class Server:
    """A running `serve` process."""

    process: subprocess.Popen[bytes]
    port: int


@pytest.fixture(scope="module")
def start_server() -> Iterator[Callable[[Path], Server]]:
    """`start_server(folder)`: the program serving that folder's model on a free port, ended with the test module."""
    processes = []

    def start(folder: Path) -> Server:
        process = subprocess.Popen(
            [sys.executable, "-m", "groundloop.local.detector", "serve", "--opt-ml", str(folder), "--port", "0"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=ENVIRONMENT,
        )
        processes.append(process)
        assert process.stdout is not None
        line = process.stdout.readline().decode()
        assert line.startswith("listening on 127.0.0.1:"), line
        return Server(process, int(line.rsplit(":", 1)[1]))

    yield start
    for process in processes:
        process.kill()
        process.communicate()


@dataclass
class Trained:
    """A finished training job and its log."""

    job: Job
    result: subprocess.CompletedProcess[str]


@pytest.fixture(scope="session")
def trained(made_once: MadeOnce[Trained], render_samples: Callable[..., Any]) -> Trained:
    """A detector trained through real named pipes on easy images: the one longer run that several tests look at."""

    def train(folder: Path) -> Trained:
        job = Job(folder / "opt-ml")
        job.hyperparameters = {
            "num_classes": "2",
            "num_training_samples": "40",
            "epochs": "10",
            "mini_batch_size": "4",
            "learning_rate": "0.001",
        }
        job.carries("train", render_samples(40, seed=0), epochs=10)
        job.carries("validation", render_samples(20, seed=1), epochs=10)
        result = job.run()
        job.streams.clear()
        return Trained(job, result)

    return made_once("trained", train)
