"""`groundloop review new Q --captured`: queues of images that an endpoint captured."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

import msgspec
import pytest

from groundloop.aws import client
from groundloop.local import LocalAws
from groundloop.review.queue import NewTask, Queue
from groundloop.review.wire import Answer, Shown
from groundloop.spec.data_capture import ContentTypes
from tests.fixtures.captured import DOUBTFUL, NOON, SURE, name_of, picture, record, write
from tests.fixtures.cli import Groundloop
from tests.groundloop.review.conftest import answer


@pytest.fixture
def captures(photos_project: Path) -> Path:
    """A folder with six captured requests of five images, the doubtful one last, and a damaged line."""
    folder = photos_project / "captures"
    sure = [record(picture(number), SURE, NOON) for number in range(4)]
    again = record(picture(0), SURE, NOON + timedelta(minutes=1), types=ContentTypes())
    write(folder, *sure, record(picture(9), DOUBTFUL, NOON), again, b'{"captureData": {"endpoi')
    return folder


def tasks_of(name: str) -> tuple[list[NewTask], str]:
    """Return the tasks of a queue, and the folder of its images."""
    queue = Queue.open(Path("reviews") / name)
    found = [task for _, task in queue.tasks()]
    images = str(queue.info.images)
    queue.close()
    return found, images


def test_captured_images_are_chosen_by_what_the_endpoint_answered(
    groundloop: Groundloop, captures: Path, run_folder: Path
) -> None:
    chosen = ("--limit", "2", "--audit", "0", "--model", str(run_folder))
    made = groundloop("review", "new", "week-47", "--captured", "captures", *chosen)
    assert made.code == 0, made.err
    assert "5 different images in 6 captured requests" in made.out
    assert "1 captured lines give no request, first: " in made.out
    assert "line 7: not a record of data capture" in made.out
    tasks, images = tasks_of("week-47")
    assert len(tasks) == 2
    first = tasks[0]
    assert (first.source_ref, first.width, first.height) == (name_of(picture(9)), 64, 48)
    assert (first.shown, first.selected_by, first.split) == (Shown.MODEL, "expected-mistakes", "train")
    assert [(box.class_id, box.left, box.top, box.width, box.height, box.score) for box in first.boxes] == [
        (0, 6, 5, 26, 19, 0.5),
        (1, 32, 24, 16, 24, 0.45),
    ]
    stored = {path.name: path.read_bytes() for path in Path(images).iterdir()}
    assert stored == {name_of(image): image for image in stored.values()}, "named after their content"
    assert set(stored) == {task.source_ref for task in tasks}, "only what was chosen is stored"


def test_of_one_image_the_newest_answer_is_shown(
    groundloop: Groundloop, photos_project: Path, run_folder: Path
) -> None:
    lines = [record(picture(9), rows, NOON + timedelta(minutes=minute)) for minute, rows in ((2, DOUBTFUL), (1, SURE))]
    write(photos_project / "captures", *lines)
    made = groundloop("review", "new", "q", "--captured", "captures", "--model", str(run_folder), "--audit", "0")
    assert made.code == 0, made.err
    (task,) = tasks_of("q")[0]
    assert len(task.boxes) == 2


def test_labels_of_captured_images_are_published_with_the_images(
    groundloop: Groundloop, aws: LocalAws, captures: Path, run_folder: Path
) -> None:
    made = groundloop("review", "new", "week-47", "--captured", "captures", "--model", str(run_folder), "--limit", "1")
    assert made.code == 0, made.err
    with_boxes = msgspec.convert(
        answer(1, boxes=[{"class_id": 1, "left": 1, "top": 2, "width": 3, "height": 4}]), Answer
    )
    queue = Queue.open(Path("reviews/week-47"))
    queue.answers.add("ann", with_boxes)
    (task,) = (task for _, task in queue.tasks())
    queue.close()
    local = groundloop("review", "finish", "week-47")
    assert "--images reviews/captured" in local.out
    checked = groundloop("labels", "check", "reviews/reviewed.manifest", "--images", "reviews/captured", "--json")
    assert [manifest["errors"] for manifest in checked.json["manifests"]] == [0]
    project = ["-c", str(Path(__file__).parents[3] / "configs" / "local.yaml")]
    assert groundloop("review", "finish", "week-47", "--publish", *project).code == 0
    key = f"groundloop/images/captured/{task.source_ref}"
    uploaded = client("s3", "us-east-1").get_object(Bucket="groundloop-local", Key=key)["Body"].read()
    assert name_of(uploaded) == task.source_ref
    line = json.loads(Path("reviews/reviewed.manifest").read_bytes())
    assert line["source-ref"] == f"s3://groundloop-local/{key}"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        pytest.param([record(picture(1), None, NOON)], "1 captured requests have no response", id="input only"),
        pytest.param([record(picture(1), [[7, 0.5, 0, 0, 1, 1]], NOON)], "another class list", id="another model"),
        pytest.param([record(b"no image", SURE, NOON)], "neither a JPEG nor a PNG", id="no image"),
        pytest.param([], "no captured image", id="nothing captured"),
    ],
)
def test_without_any_usable_request_it_says_why(
    groundloop: Groundloop, photos_project: Path, run_folder: Path, lines: list[bytes], message: str
) -> None:
    write(photos_project / "captures", *lines)
    result = groundloop("review", "new", "q", "--captured", "captures", "--model", str(run_folder))
    assert result.code == 1
    assert message in result.out + result.err
    assert "holds no captured image with detections of" in result.error
    assert not Path("reviews/q").exists()


def test_only_the_last_hours_are_read(groundloop: Groundloop, photos_project: Path, run_folder: Path) -> None:
    now = datetime.now(timezone.utc)
    for number, hour in enumerate((now - timedelta(hours=30), now)):
        write(photos_project / "captures", record(picture(number), SURE, hour), hour=hour)
    command = ("review", "new", "q", "--captured", "captures", "--model", str(run_folder), "--hours", "24")
    assert "1 different images in 1 captured requests" in groundloop(*command).out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["--captured", "c", "--images", "photos"], "leave --images", id="with images"),
        pytest.param(["--images", "photos", "--hours", "3"], "--hours goes with --captured", id="hours of nothing"),
        pytest.param(["--captured", "nowhere", "--model", "RUN"], "nowhere is not a folder", id="no folder"),
    ],
)
def test_mistakes_are_explained(groundloop: Groundloop, run_folder: Path, arguments: list[str], message: str) -> None:
    given = [str(run_folder) if argument == "RUN" else argument for argument in arguments]
    result = groundloop("review", "new", "q", *given)
    assert result.code in (1, 2)
    assert message in result.err
