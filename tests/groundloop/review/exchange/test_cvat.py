"""A queue in CVAT, and what comes back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from groundloop.errors import UserError
from groundloop.review.exchange.pulled import Pulled
from groundloop.review.exchange.tasks import Pushed
from groundloop.review.exchange.tools import Connection, Tool, pull, push
from groundloop.review.queue import NewTask, Queue, QueueInfo
from groundloop.review.wire import Shown, ShownBox
from tests.groundloop.review.exchange.conftest import CLASSES, HEIGHT, WIDTH, new_task
from tests.groundloop.review.exchange.fake_cvat import FakeCvat
from tests.groundloop.review.exchange.fake_server import URL


def push_to(cvat: FakeCvat, queue: Queue, organization: str | None = None, **options: Any) -> Pushed:
    connection = Connection(URL, organization, cvat, cvat.pauses.append)
    return push(queue, Tool.CVAT, connection, **options)


def pull_from(cvat: FakeCvat, queue: Queue, **options: Any) -> Pulled:
    return pull(queue, Tool.CVAT, Connection(transport=cvat, pause=cvat.pauses.append), **options)


def made(folder: Path, tasks: list[NewTask], **info: Any) -> Queue:
    Queue.create(folder, QueueInfo(**{"name": "q", "classes": CLASSES, **info}), tasks).close()
    return Queue.open(folder)


def s3_tasks(count: int) -> list[NewTask]:
    return [new_task(number, f"s3://photos/line-{number % 2}/{number}.png") for number in range(count)]


def test_files_are_frames_in_the_queues_order_with_the_counted_boxes_as_automatic_shapes(
    cvat: FakeCvat, queue: Queue
) -> None:
    result = push_to(cvat, queue)
    (task,) = cvat.tasks.values()
    assert result == Pushed(url=f"{URL}/tasks/{task['id']}", new=5, known=0, boxes=4)
    assert task["name"].startswith("groundloop week-47 ")
    assert [frame["name"] for frame in task["frames"]] == [f"groundloop-00000{place}-a.png" for place in range(1, 6)]
    (job,) = cvat.jobs
    shapes = cvat.annotations[job]["shapes"]
    assert [shape["frame"] for shape in shapes] == [0, 1, 3, 4]
    assert shapes[1]["points"] == [6, 6, 17, 15]
    assert (shapes[1]["score"], shapes[1]["source"]) == (0.75, "auto")
    assert cvat.pauses == [2.0]


def test_images_of_a_bucket_are_named_by_their_keys(cvat: FakeCvat, tmp_path: Path) -> None:
    queue = made(tmp_path / "q", s3_tasks(3))
    with pytest.raises(UserError, match=r"the images are in s3://photos: give --cloud-storage .* or .*--upload"):
        push_to(cvat, queue)
    cvat.buckets[6] = "other"
    with pytest.raises(UserError, match=r"--cloud-storage 6 is other .*register that bucket in CVAT"):
        push_to(cvat, queue, cloud_storage=6)
    push_to(cvat, queue, cloud_storage=5)
    (task,) = cvat.tasks.values()
    assert [frame["name"] for frame in task["frames"]] == ["line-0/0.png", "line-1/1.png", "line-0/2.png"]


def test_frames_are_found_by_their_names_not_by_their_order(cvat: FakeCvat, tmp_path: Path) -> None:
    cvat.backwards = True
    queue = made(tmp_path / "q", s3_tasks(2))
    push_to(cvat, queue, cloud_storage=5)
    (job,) = cvat.jobs
    assert [(shape["frame"], shape["points"][0]) for shape in cvat.annotations[job]["shapes"]] == [(0, 6), (1, 5)]
    cvat.complete(job)
    pull_from(cvat, queue)
    assert [(one.task, one.answer.boxes[0].left) for one in queue.answers.stored()] == [(1, 5), (2, 6)]


def test_an_image_that_is_asked_for_twice_is_in_two_tasks(cvat: FakeCvat, tmp_path: Path) -> None:
    name = "s3://photos/a.png"
    queue = made(tmp_path / "q", [new_task(0, name), NewTask(source_ref=name, width=WIDTH, height=HEIGHT, key="again")])
    push_to(cvat, queue, cloud_storage=5)
    for job in cvat.jobs:
        cvat.complete(job)
    pull_from(cvat, queue)
    assert [(one.task, len(one.answer.boxes)) for one in queue.answers.stored()] == [(1, 1), (2, 0)]


def test_a_second_push_adds_only_what_is_new(cvat: FakeCvat, queue: Queue) -> None:
    push_to(cvat, queue)
    before = cvat.state()
    assert push_to(cvat, queue).new == 0
    assert cvat.state() == before
    queue.add_tasks([NewTask(source_ref="über 0/a.png", width=WIDTH, height=HEIGHT, key="again")])
    result = push_to(cvat, queue)
    assert (result.new, result.known, len(cvat.tasks)) == (1, 5, 2)


def test_images_that_cvat_cant_read_are_said_and_its_empty_task_goes(cvat: FakeCvat, queue: Queue) -> None:
    cvat.broken = "bad image"
    with pytest.raises(UserError, match="could not read the images: ValueError: bad image; the same command goes on"):
        push_to(cvat, queue)
    assert not cvat.tasks
    cvat.broken = ""
    assert push_to(cvat, queue).new == 5


def test_only_completed_jobs_are_pulled_and_their_empty_frames_are_negatives(cvat: FakeCvat, tmp_path: Path) -> None:
    queue = made(tmp_path / "q", s3_tasks(102))
    push_to(cvat, queue, cloud_storage=5)
    first, second = cvat.jobs
    cvat.complete(second)["shapes"].clear()
    result = pull_from(cvat, queue)
    assert (result.images, result.finished, result.new, result.negatives) == (102, 2, 2, 2)
    assert {(one.task, one.reviewer, one.answer.seconds) for one in queue.answers.stored()} == {
        (101, "cvat:ann", 0.0),
        (102, "cvat:ann", 0.0),
    }
    cvat.complete(first, state="in progress", stage="acceptance", assignee=None)
    result = pull_from(cvat, queue)
    assert (result.finished, result.new, result.known) == (102, 100, 2)
    assert {one.reviewer for one in queue.answers.stored(1)} == {f"cvat:job-{first}"}


def test_changed_boxes_are_new_answers_and_untouched_ones_name_the_shown_box(cvat: FakeCvat, queue: Queue) -> None:
    push_to(cvat, queue)
    (job,) = cvat.jobs
    shapes = cvat.complete(job)["shapes"]
    shapes[1]["points"] = [0.4, -3.0, 55.0, 9.6]
    assert pull_from(cvat, queue).new == 5
    (first,), (second,) = [one.answer.boxes for one in queue.answers.stored()][:2]
    assert first.from_ == 1
    assert (second.left, second.top, second.width, second.height, second.from_) == (0, 0, WIDTH, 10, None)
    shapes[0]["points"] = [1, 1, 3, 3]
    result = pull_from(cvat, queue)
    assert (result.new, result.known) == (1, 4)


def test_replicas_are_the_answers_of_several_people(cvat: FakeCvat, tmp_path: Path) -> None:
    queue = made(tmp_path / "q", s3_tasks(1), answers=2)
    push_to(cvat, queue, cloud_storage=5)
    parent, first, second = cvat.jobs
    assert all(len(cvat.annotations[job]["shapes"]) == 1 for job in cvat.jobs)
    for job, name in ((parent, "boss"), (first, "ann"), (second, "bob")):
        cvat.complete(job, assignee={"id": job, "username": name})
    pull_from(cvat, queue)
    assert [one.reviewer for one in queue.answers.stored()] == ["cvat:ann", "cvat:bob"]


def test_a_rotated_box_becomes_the_box_around_it(cvat: FakeCvat, queue: Queue) -> None:
    push_to(cvat, queue)
    (job,) = cvat.jobs
    cvat.complete(job)["shapes"][0] |= {"points": [10, 10, 30, 20], "rotation": 90.0}
    assert "upright box" in pull_from(cvat, queue).notes[0]
    (stored,) = queue.answers.stored(1)
    (box,) = stored.answer.boxes
    assert (box.left, box.top, box.width, box.height) == (15, 5, 10, 20)


def test_deleted_frames_have_no_answer(cvat: FakeCvat, queue: Queue) -> None:
    push_to(cvat, queue)
    cvat.tasks[1]["deleted"] = [2]
    for job in cvat.jobs:
        cvat.complete(job)
    result = pull_from(cvat, queue)
    assert (result.new, result.notes) == (4, ("über 2/a.png: its frame was deleted there, so it has no answer",))


@pytest.mark.parametrize("what", ["polygon", "size", "track"])
def test_what_is_no_box_is_left_out_and_keeps_the_task(what: str, cvat: FakeCvat, queue: Queue) -> None:
    push_to(cvat, queue)
    (job,) = cvat.jobs
    annotations = cvat.complete(job)
    if what == "polygon":
        annotations["shapes"][0] |= {"type": "polygon", "points": [1, 1, 2, 2, 3, 1]}
    elif what == "size":
        cvat.tasks[1]["frames"][0] |= {"width": HEIGHT, "height": WIDTH}
    else:
        annotations["tracks"].append({"id": 1})
    result = pull_from(cvat, queue)
    assert (result.new, len(result.left_out)) == (0 if what == "track" else 4, 1)
    with pytest.raises(UserError, match="nothing is deleted"):
        pull_from(cvat, queue, cleanup=True)
    assert cvat.tasks


def test_cleanup_deletes_finished_tasks_only(cvat: FakeCvat, queue: Queue) -> None:
    push_to(cvat, queue)
    with pytest.raises(UserError, match="nothing is deleted: 5 images are not finished"):
        pull_from(cvat, queue, cleanup=True)
    cvat.complete(next(iter(cvat.jobs)))
    assert pull_from(cvat, queue, cleanup=True).deleted
    assert not cvat.tasks
    with pytest.raises(UserError, match="was not pushed to cvat"):
        pull_from(cvat, queue)


def test_the_organization_is_kept_with_the_queue(cvat: FakeCvat, queue: Queue) -> None:
    cvat.organization = "plant-2"
    push_to(cvat, queue, organization="plant-2")
    assert pull_from(cvat, queue).images == 5


def test_changed_labels_are_refused(cvat: FakeCvat, queue: Queue) -> None:
    push_to(cvat, queue)
    cvat.tasks[1]["labels"][1]["name"] = "screw"
    with pytest.raises(UserError, match="the labels of task 1 were changed: it lacks 'bolt' and has 'screw'"):
        pull_from(cvat, queue)


def test_names_that_are_too_long_for_labels_are_refused(cvat: FakeCvat, tmp_path: Path) -> None:
    queue = made(tmp_path / "q", s3_tasks(1), classes=("x" * 65, "bolt"))
    with pytest.raises(UserError, match="CVAT's labels have at most 64 characters"):
        push_to(cvat, queue)
    assert not cvat.log.count("POST /api/tasks")


def test_old_servers_are_refused(cvat: FakeCvat, queue: Queue) -> None:
    cvat.version = "2.9.1"
    with pytest.raises(UserError, match=r"is CVAT 2\.9\.1; at least 2\.30 is needed"):
        push_to(cvat, queue)


def test_boxes_of_200_images_come_back_as_they_are(cvat: FakeCvat, tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    tasks = []
    for number in range(200):
        left, top = rng.integers(0, (WIDTH - 5, HEIGHT - 5)).tolist()
        wide, high = rng.integers(1, (WIDTH - left, HEIGHT - top)).tolist()
        box = ShownBox(class_id=number % 2, left=left, top=top, width=wide, height=high, score=0.5)
        name = f"s3://photos/{number}.jpg"
        tasks.append(NewTask(source_ref=name, width=WIDTH, height=HEIGHT, shown=Shown.MODEL, boxes=(box,)))
    queue = made(tmp_path / "q", tasks)
    push_to(cvat, queue, cloud_storage=5)
    assert len(cvat.jobs) == 2
    for job in cvat.jobs:
        for shape in cvat.complete(job)["shapes"]:
            shape["points"] = [value + 0.3 for value in shape["points"]]
    assert pull_from(cvat, queue).new == 200
    for counted in queue.answers.counted():
        (pulled,), (shown,) = counted.boxes, tasks[counted.task - 1].boxes
        assert (pulled.class_id, pulled.left, pulled.top) == (shown.class_id, shown.left, shown.top)
        assert (pulled.width, pulled.height) == (shown.width, shown.height)
