"""The first hour of someone with a YOLO folder: the run, what it prints, and its hints typed as they stand."""

from __future__ import annotations

import itertools
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import boto3
import pytest
from PIL import Image

from groundloop import read_labels, write_labels
from pipeline.compiled import compiled_definition
from pipeline.config import load_config
from tests.e2e.conftest import LOCAL, DataSet
from tests.groundloop.review.conftest import PageClient

PATH = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
QUICK = ["training.hyperparameters.epochs=2", "evaluate.intervals.resamples=100"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, dataset: DataSet) -> Path:
    """A working folder with photos and YOLO labels in `parts/`."""
    folder = tmp_path_factory.mktemp("user")
    write_labels(read_labels(dataset.few), folder / "parts", "yolo", images=dataset.images)
    return folder


def environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {**kept, "PATH": PATH, "NO_COLOR": "1", "COLUMNS": "80"}


@pytest.fixture(scope="module")
def printed(folder: Path) -> str:
    """What the run prints."""
    # The SDK takes seconds to import, and this process has often done so already.
    for kind in ("training", "deploy"):
        compiled_definition(load_config([LOCAL], QUICK, environment={}, project=False), kind)
    settings = [text for setting in QUICK for text in ("-s", setting)]
    command = ["groundloop", "local", "run", "--labels", "parts", "--keep", "offline", *settings]
    ran = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stderr == ""
    return ran.stdout


def hints(printed: str) -> list[str]:
    """The commands under `next:`."""
    lines = printed.partition("\nnext:\n")[2].splitlines()
    return [re.split(r" {2,}", line.strip(), maxsplit=1)[1] for line in lines if line.startswith("  ")]


def test_the_run_tells_how_far_it_is_and_what_came_out(printed: str, folder: Path) -> None:
    assert "\x1b" not in printed
    assert re.search(r"^\d\d:\d\d  Train +Succeeded +[\d.]+ s, validation mAP 0\.\d{3}$", printed, re.MULTILINE)
    assert re.search(r"^\d\d:\d\d  QualityGate +met ", printed, re.MULTILINE)
    assert "COCO mAP" in printed
    report = (folder / "offline/report.html").read_text()
    assert "Validation mAP" in report, "the training curve"
    assert "<dt>epochs</dt>\n<dd>2</dd>" in report
    assert "offline/report.html: open it in a browser" in printed
    with Image.open(folder / "offline/detections.jpg") as picture:
        assert max(picture.size) >= 480


@pytest.fixture
def server(printed: str, folder: Path) -> Iterator[None]:
    """The first hint, typed: it serves the model again; returns when the model answers."""
    command = f"exec {hints(printed)[0]} --port 0"
    with subprocess.Popen(
        ["/bin/bash", "-c", command], cwd=folder, env=environment(), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        lines = list(itertools.takewhile(lambda line: "Ctrl-C" not in line, process.stdout))
        address = re.search(r"http://127\.0\.0\.1:\d+", "".join(lines))
        assert address
        boto3.client("sagemaker", endpoint_url=address[0]).get_waiter("endpoint_in_service").wait(
            EndpointName="groundloop", WaiterConfig={"Delay": 0.05, "MaxAttempts": 600}
        )
        yield
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        assert process.wait(30) == 0


def test_the_hints_work_when_typed(printed: str, folder: Path, server: None) -> None:
    serve, exports, predict, _, init = hints(printed)
    assert serve == "groundloop local --keep offline"
    image = next((folder / "parts").rglob("*.jpg"))
    command = "; ".join([exports, predict.replace("IMAGE", str(image)), init])
    ran = subprocess.run(
        ["/bin/bash", "-ec", command], cwd=folder, env=environment(), capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert [path.stem for path in (folder / "annotated").iterdir()] == [image.stem]
    assert (folder / "groundloop.yaml").is_file()


def test_the_page_on_what_the_model_doubts_opens_after_the_offline_aws_has_ended(printed: str, folder: Path) -> None:
    review = hints(printed)[3]
    assert review == "groundloop review --from offline --images parts"
    command = f"exec {review} --reviewer ann --no-browser"
    with subprocess.Popen(
        ["/bin/bash", "-c", command], cwd=folder, env=environment(), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        link = next(line.removeprefix("ann: ").strip() for line in process.stdout if line.startswith("ann: "))
        page = PageClient(link)
        page.sign_in(urlsplit(link).fragment)
        (task,) = page.post("/next", {"have": [], "count": 1})["tasks"]
        assert page.send("GET", f"/images/{task['id']}")[0] == 200
        process.send_signal(signal.SIGINT)
        assert "images answered" in process.stdout.read()
        assert process.wait(30) == 0
