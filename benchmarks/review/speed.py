"""How long a reviewer or a team waits: for a large queue, for the page, for the next image; and the server's memory."""

from __future__ import annotations

import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from PIL import Image

from benchmarks.review.client import Reviewer, answer_to, make_queue
from groundloop.review.queue import Queue
from groundloop.review.serve import Address, serving

_PROGRAM = [sys.executable, "-c", "from pipeline.cli import main; main()"]
_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class SpeedResult:
    """The measurements.

    Attributes:
        build_seconds: making a queue.
        ready_seconds: from the command to the link.
        answer_milliseconds: from an answer to the next task, 95th percentile.
        megabytes: resident memory of the server after the answers and 40 images.
    """

    build_seconds: float
    ready_seconds: float
    answer_milliseconds: float
    megabytes: float


def run(folder: Path, tasks: int, answers: int) -> SpeedResult:
    """Measure with a queue of so many tasks."""
    begun = time.perf_counter()
    make_queue(folder / "queue", tasks)
    build = time.perf_counter() - begun
    with contextlib.closing(Queue.open(folder / "queue")) as queue, serving(queue, Address()) as url:
        reviewer = Reviewer(url, queue.reviewers.invite("ann"))
        seconds = []
        have = reviewer.next(4)
        for _ in range(answers):
            begun = time.perf_counter()
            reviewer.post("/answers", answer_to(have.pop(0)))
            have += reviewer.next(1, [task["id"] for task in have])
            seconds.append(time.perf_counter() - begun)
        reviewer.close()
    ready, megabytes = _command(folder)
    return SpeedResult(build, ready, statistics.quantiles(seconds, n=20)[-1] * 1000, megabytes)


def _command(folder: Path) -> tuple[float, float]:
    """Time `groundloop label` up to its link, and weigh it after it has sent some images."""
    photos = folder / "photos"
    photos.mkdir()
    for number in range(40):
        Image.effect_noise((1600, 1200), 60).convert("RGB").save(photos / f"{number}.jpg", quality=80)
    command = [*_PROGRAM, "label", str(photos), "--classes", "bolt,nut", "--reviewer", "ann", "--no-browser"]
    environment = {**os.environ, "PYTHONPATH": str(_ROOT), "PYTHONUNBUFFERED": "1"}
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder, env=environment)
    try:
        assert process.stdout is not None  # noqa: S101 (it is a pipe)
        link = next(line.split(": ")[1].strip() for line in process.stdout if line.startswith("ann: "))
        ready = time.perf_counter() - begun
        reviewer = Reviewer(link, urlsplit(link).fragment)
        _fetch_images(reviewer)
        status = Path(f"/proc/{process.pid}/status")
        lines = status.read_text().splitlines() if status.exists() else []
        kilobytes = next((int(line.split()[1]) for line in lines if line.startswith("VmRSS")), 0)
    finally:
        process.terminate()
        process.communicate()
    return ready, kilobytes / 1024


def _fetch_images(reviewer: Reviewer) -> None:
    import http.client

    connection = http.client.HTTPConnection(reviewer.host, timeout=10)
    for task in reviewer.next(24):
        for rendition in ("preview", "thumbnail"):
            connection.request("GET", f"/images/{task['id']}/{rendition}", headers={"Cookie": reviewer.cookie})
            connection.getresponse().read()
    connection.close()
    reviewer.close()


def main() -> None:
    """Print the measurements of a queue of 10,000 tasks."""
    with tempfile.TemporaryDirectory() as folder:
        sys.stdout.write(f"{run(Path(folder), 10_000, 200)}\n")


if __name__ == "__main__":
    main()
