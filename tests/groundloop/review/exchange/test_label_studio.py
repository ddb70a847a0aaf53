"""A queue in Label Studio, and what comes back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from groundloop.errors import UserError
from groundloop.images.access import Images
from groundloop.review.exchange.label_studio.api import PAGE_SIZE
from groundloop.review.exchange.pulled import Pulled
from groundloop.review.exchange.tasks import Pushed
from groundloop.review.exchange.tools import Connection, Tool, pull, push
from groundloop.review.queue import NewTask, Queue, QueueInfo
from groundloop.review.wire import Outcome, Shown, ShownBox
from tests.groundloop.review.exchange.conftest import CLASSES, HEIGHT, WIDTH, new_task
from tests.groundloop.review.exchange.fake_label_studio import FakeLabelStudio
from tests.groundloop.review.exchange.fake_server import URL


def push_to(studio: FakeLabelStudio, queue: Queue, **options: Any) -> Pushed:
    return push(queue, Tool.LABEL_STUDIO, Connection(URL, transport=studio, pause=studio.pauses.append), **options)


def pull_from(studio: FakeLabelStudio, queue: Queue, **options: Any) -> Pulled:
    return pull(queue, Tool.LABEL_STUDIO, Connection(transport=studio, pause=studio.pauses.append), **options)


def region(**value: object) -> dict[str, Any]:
    """Return a box that somebody drew: 20 % of the image, from its middle."""
    place = {"x": 50, "y": 50, "width": 20, "height": 20, "rotation": 0, "rectanglelabels": ["bolt"], **value}
    return {"id": "x", "type": "rectanglelabels", "original_width": WIDTH, "original_height": HEIGHT, "value": place}


class StoredImages:
    """Images in S3."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def size(self, source_ref: str) -> int:
        return len(self._body)

    def body(self, source_ref: str) -> bytes:
        return self._body


@pytest.fixture
def s3_queue(tmp_path: Path) -> Queue:
    """Three images in two buckets."""
    names = ("s3://photos/line-1/a.png", "s3://photos/line-2/b.png", "s3://others/c.png")
    info = QueueInfo(name="week-48", classes=CLASSES, region="eu-west-1")
    Queue.create(tmp_path / "s3", info, [new_task(number, name) for number, name in enumerate(names)]).close()
    return Queue.open(tmp_path / "s3")


def test_images_are_tasks_in_the_queues_order_with_the_counted_boxes_as_predictions(
    studio: FakeLabelStudio, queue: Queue
) -> None:
    result = push_to(studio, queue)
    (project,) = studio.projects.values()
    assert result == Pushed(url=f"{URL}/projects/{project['id']}/data", new=5, known=0, boxes=4)
    assert (project["title"], project["expert_instruction"]) == ("groundloop week-47", "Boxes touch the object.")
    first, second, blind, *_ = studio.tasks.values()
    assert [task["data"]["name"] for task in studio.tasks.values()] == [f"über {number}/a.png" for number in range(5)]
    assert first["data"]["expected_mistakes"] == 2.0
    (prediction,) = second["predictions"]
    assert prediction["model_version"] == "groundloop 7"
    assert prediction["score"] == pytest.approx(0.1496)
    (box,) = prediction["result"]
    assert box["value"] == {
        "x": 15.0,
        "y": 20.0,
        "width": 27.5,
        "height": 30.0,
        "rotation": 0,
        "rectanglelabels": ["bolt"],
    }
    assert blind["predictions"] == []
    assert "expected_mistakes" not in blind["data"]


def test_uploaded_images_have_the_stored_pixels_whatever_their_orientation(
    studio: FakeLabelStudio, tmp_path: Path
) -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.new("RGB", (WIDTH, HEIGHT)).save(tmp_path / "a.jpg", exif=turned)
    info = QueueInfo(name="q", classes=CLASSES, images=str(tmp_path))
    Queue.create(tmp_path / "q", info, [new_task(1, "a.jpg")]).close()
    with_orientation = Queue.open(tmp_path / "q")
    push_to(studio, with_orientation)
    (upload,) = studio.uploads.values()
    path = tmp_path / "uploaded.jpg"
    path.write_bytes(upload["body"])
    with Image.open(path) as image:
        assert image.getexif()[0x0112] == 1
        assert image.size == (WIDTH, HEIGHT)


def test_a_server_below_a_path_shows_that_path_to_the_browser(queue: Queue, studio: FakeLabelStudio) -> None:
    def below(method: str, url: str, *args: object, **options: object) -> object:
        assert url.startswith(f"{URL}/labels/api/")
        return FakeLabelStudio.request(studio, method, url.replace("/labels", ""), *args, **options)  # type: ignore[arg-type]

    studio.request = below  # type: ignore[assignment]
    push(queue, Tool.LABEL_STUDIO, Connection(f"{URL}/labels/", transport=studio))
    assert all(task["data"]["image"].startswith("/labels/data/upload/") for task in studio.tasks.values())


def test_a_second_push_adds_only_what_is_new(studio: FakeLabelStudio, queue: Queue) -> None:
    push_to(studio, queue)
    before = studio.state()
    assert push_to(studio, queue) == Pushed(url=f"{URL}/projects/1/data", new=0, known=5, boxes=0)
    assert studio.state() == before
    queue.add_tasks([NewTask(source_ref="über 0/a.png", width=40, height=30, key="again")])
    assert push_to(studio, queue).new == 1
    assert len(studio.tasks) == 6


def test_answered_images_are_not_pushed(studio: FakeLabelStudio, copied: Callable[[], Queue]) -> None:
    first, second = copied(), copied()
    push_to(studio, first)
    studio.annotate(next(iter(studio.tasks)), [])
    pull_from(studio, first)
    (first.database.path.parent / "label-studio.json").unlink()
    assert push_to(FakeLabelStudio(), first).new == 4
    assert push_to(FakeLabelStudio(), second).new == 5


def test_buckets_are_connected_once_and_s3_images_are_named(studio: FakeLabelStudio, s3_queue: Queue) -> None:
    push_to(studio, s3_queue)
    push_to(studio, s3_queue)
    assert [(one["bucket"], one["prefix"], one["region_name"]) for one in studio.storages] == [
        ("others", "", "eu-west-1"),
        ("photos", "", "eu-west-1"),
    ]
    assert not studio.uploads
    assert next(iter(studio.tasks.values()))["data"]["image"] == "s3://photos/line-1/a.png"


def test_s3_images_are_uploaded_if_asked_for(studio: FakeLabelStudio, s3_queue: Queue, template: Path) -> None:
    images: Images = StoredImages((template.parent / "photos" / "über 0" / "a.png").read_bytes())
    push_to(studio, s3_queue, upload=True, images=images)
    assert not studio.storages
    assert [one["name"] for one in studio.uploads.values()] == [
        f"groundloop-00000{number + 1}-{name}.png" for number, name in enumerate("abc")
    ]


def test_imports_in_the_background_are_waited_for(studio: FakeLabelStudio, queue: Queue) -> None:
    studio.background = ["in_progress", "completed", "created", "completed"]
    assert push_to(studio, queue).new == 5
    assert studio.pauses == [2.0, 2.0]
    queue.add_tasks([NewTask(source_ref="über 0/a.png", width=WIDTH, height=HEIGHT, key="again")])
    studio.background = ["failed"]
    with pytest.raises(UserError, match="could not import tasks: disk full; the same command goes on"):
        push_to(studio, queue)


def test_an_answer_that_the_queue_rejects_is_left_out(studio: FakeLabelStudio, queue: Queue) -> None:
    push_to(studio, queue)
    studio.annotate(next(iter(studio.tasks)), [region()] * 1001)
    result = pull_from(studio, queue)
    assert (result.new, result.left_out) == (0, ("über 0/a.png: the answer has 1001 boxes; at most 1000 are possible",))


def test_a_bucket_that_label_studio_cant_read_is_said_with_what_to_do(studio: FakeLabelStudio, tmp_path: Path) -> None:
    Queue.create(tmp_path / "q", QueueInfo(name="q", classes=CLASSES), [new_task(1, "s3://closed/a.png")]).close()
    with pytest.raises(UserError, match=r"Unable to locate credentials.*give its server AWS credentials.*--upload"):
        push_to(studio, Queue.open(tmp_path / "q"))
    assert not studio.pauses


def test_personal_access_tokens_are_exchanged_and_renewed(
    studio: FakeLabelStudio, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", "a.b.c")
    studio.personal = 3
    push_to(studio, queue)
    assert len(studio.tasks) == 5
    assert studio.log.count("POST /api/token/refresh/") >= 3
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", "a.b.d")
    with pytest.raises(UserError, match=r"refuses the token in LABEL_STUDIO_API_KEY \(Token is invalid\)"):
        push_to(studio, queue)


def test_finished_work_becomes_answers(studio: FakeLabelStudio, queue: Queue) -> None:
    push_to(studio, queue)
    accepted, drawn, empty, skipped, _ = studio.tasks
    studio.annotate(accepted, None)
    studio.annotate(drawn, [region()])
    studio.annotate(empty, [{"id": "r", "type": "relation"}])
    studio.annotate(skipped, [region()], was_cancelled=True)
    result = pull_from(studio, queue)
    assert (result.images, result.finished, result.new, result.known) == (5, 4, 4, 0)
    assert (result.negatives, result.skipped) == (1, 1)
    stored = {one.task: one for one in queue.answers.stored()}
    assert stored[1].reviewer == "label-studio:ann@example.com"
    (box,) = stored[1].answer.boxes
    assert (box.class_id, box.left, box.top, box.width, box.height, box.from_) == (1, 5, 6, 11, 9, 1)
    (box,) = stored[2].answer.boxes
    assert (box.left, box.top, box.width, box.height, box.from_) == (20, 15, 8, 6, None)
    assert stored[3].answer.outcome is Outcome.BOXES
    assert stored[4].answer.outcome is Outcome.SKIP
    assert stored[1].answer.seconds == 7.5
    assert stored[1].answer.accepted_at < stored[1].answer.submitted_at
    assert pull_from(studio, queue).new == 0


def test_an_edited_annotation_is_a_new_answer_also_when_it_goes_back(studio: FakeLabelStudio, queue: Queue) -> None:
    push_to(studio, queue)
    first = next(iter(studio.tasks))
    for minute, regions in enumerate(([region()], [], [region()])):
        studio.tasks[first]["annotations"].clear()
        studio.annotate(first, regions, updated_at=f"2026-11-21T11:{minute:02}:00Z")
        assert pull_from(studio, queue).new == 1
        assert pull_from(studio, queue).new == 0
    (counted,) = queue.answers.counted()
    assert len(counted.boxes) == 1
    assert counted.answers == 3


def test_of_several_annotations_of_a_person_the_last_counts(studio: FakeLabelStudio, queue: Queue) -> None:
    push_to(studio, queue)
    first = next(iter(studio.tasks))
    studio.annotate(first, [region()], updated_at="2026-11-21T12:00:00Z")
    studio.annotate(first, [], updated_at="2026-11-21T11:00:00Z")
    studio.annotate(first, [], completed_by=2, updated_at="2026-11-21T13:00:00Z")
    pull_from(studio, queue)
    assert [(one.reviewer, len(one.answer.boxes)) for one in queue.answers.stored()] == [
        ("label-studio:ann@example.com", 1),
        ("label-studio:user-2", 0),
    ]


def test_a_rotated_box_becomes_the_box_around_it(studio: FakeLabelStudio, queue: Queue) -> None:
    push_to(studio, queue)
    # 8 x 6 pixels from (20, 15), turned by a quarter about that corner: 6 wide to the left, 8 down.
    studio.annotate(next(iter(studio.tasks)), [region(rotation=90)])
    assert "upright box" in pull_from(studio, queue).notes[0]
    (stored,) = queue.answers.stored()
    (box,) = stored.answer.boxes
    assert (box.left, box.top, box.width, box.height) == (14, 15, 6, 8)


@pytest.mark.parametrize(
    ("drawn", "why"),
    [
        ({"type": "polygonlabels", "value": {"points": [[1, 1]]}}, "polygonlabels"),
        ({"value": {"x": 1, "y": 1, "width": 5, "height": 5, "rectanglelabels": []}}, "exactly one"),
        ({"value": {"x": 1, "y": 1, "width": 5, "height": 5, "rectanglelabels": ["screw"]}}, "exactly one"),
        ({"original_width": HEIGHT, "original_height": WIDTH}, "EXIF"),
        ({"image_rotation": 90}, "turned by 90 degrees"),
    ],
    ids=["polygon", "no label", "unknown label", "shown rotated", "turned there"],
)
def test_what_is_no_box_is_left_out_and_keeps_the_project(
    drawn: Mapping[str, object], why: str, studio: FakeLabelStudio, queue: Queue
) -> None:
    push_to(studio, queue)
    first, *others = studio.tasks
    studio.annotate(first, [{**region(), **drawn}])
    for number in others:
        studio.annotate(number, None)
    result = pull_from(studio, queue)
    assert (result.new, len(result.left_out)) == (4, 1)
    assert why in result.left_out[0]
    with pytest.raises(UserError, match="nothing is deleted: 1 can't be taken"):
        pull_from(studio, queue, cleanup=True)
    assert studio.projects


def test_cleanup_deletes_what_is_finished_and_stored_only(studio: FakeLabelStudio, queue: Queue) -> None:
    push_to(studio, queue)
    first, *others = studio.tasks
    for number in others:
        studio.annotate(number, None)
    with pytest.raises(UserError, match="4 new answers are stored, and nothing is deleted: 1 images are not finished"):
        pull_from(studio, queue, cleanup=True)
    studio.annotate(first, None)
    studio.tasks[first]["drafts"] = [{"id": 1}]
    with pytest.raises(UserError, match="1 images are not finished"):
        pull_from(studio, queue, cleanup=True)
    studio.tasks[first]["drafts"] = []
    assert pull_from(studio, queue, cleanup=True).deleted
    assert not studio.projects
    with pytest.raises(UserError, match="was not pushed to label-studio: groundloop review push week-47"):
        pull_from(studio, queue)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["bolt"], "lacks '<nut> & \"M3\"'"),
        ([*CLASSES, "screw"], "has 'screw', which the queue has not"),
    ],
    ids=["removed", "added"],
)
def test_changed_labels_are_refused(labels: list[str], message: str, studio: FakeLabelStudio, queue: Queue) -> None:
    push_to(studio, queue)
    studio.projects[1]["parsed_label_config"]["label"]["labels"] = labels
    for action in (push_to, pull_from):
        with pytest.raises(UserError, match=f"the labels of project 1 were changed: it {message}"):
            action(studio, queue)


def test_a_project_that_is_gone_is_said(studio: FakeLabelStudio, queue: Queue) -> None:
    push_to(studio, queue)
    studio.projects.clear()
    with pytest.raises(UserError, match=r"project 1 is not in Label Studio .* any more.*delete label-studio\.json"):
        push_to(studio, queue)


def test_old_servers_are_refused(studio: FakeLabelStudio, queue: Queue) -> None:
    studio.release = "1.4.1"
    with pytest.raises(UserError, match=r"is Label Studio 1\.4\.1; at least 1\.13 is needed"):
        push_to(studio, queue)


def test_boxes_of_200_images_come_back_as_they_are_and_moved_ones_within_a_pixel(
    studio: FakeLabelStudio, tmp_path: Path
) -> None:
    rng = np.random.default_rng(7)
    tasks = []
    for number in range(200):
        width, height = rng.integers(50, 4000, 2).tolist()
        boxes = []
        for class_id in (0, 1, 1):
            left, top = rng.integers(0, (width - 20, height - 20)).tolist()
            wide, high = rng.integers(1, (width - left, height - top)).tolist()
            boxes.append(ShownBox(class_id=class_id, left=left, top=top, width=wide, height=high, score=0.5))
        name = f"s3://photos/{number}.jpg"
        tasks.append(NewTask(source_ref=name, width=width, height=height, shown=Shown.MODEL, boxes=tuple(boxes)))
    Queue.create(tmp_path / "q", QueueInfo(name="q", classes=CLASSES), tasks).close()
    queue = Queue.open(tmp_path / "q")
    push_to(studio, queue)
    for place, number in enumerate(studio.tasks):
        if place % 2:
            studio.annotate(number, None)
            continue
        annotation = studio.annotate(number, None)
        for one in annotation["result"]:
            # A drag that ends within half a pixel.
            one["value"] = {**one["value"], "x": one["value"]["x"] + 40 / one["original_width"]}
    assert len(studio.tasks) > PAGE_SIZE
    assert pull_from(studio, queue).new == 200
    for counted in queue.answers.counted():
        shown = tasks[counted.task - 1].boxes
        for box, before in zip(counted.boxes, shown, strict=True):
            assert box.class_id == before.class_id
            for side in ("left", "top", "width", "height"):
                allowed = 1 if counted.task % 2 else 0
                assert abs(getattr(box, side) - getattr(before, side)) <= allowed
