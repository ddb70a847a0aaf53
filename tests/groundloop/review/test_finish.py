"""What people answered becomes a Ground Truth manifest that every reader takes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from groundloop.errors import UserError
from groundloop.labels.manifest import ManifestReader
from groundloop.labels.records import LineStatus
from groundloop.review.finish import as_manifest, content_name, finished, finished_queues, union
from groundloop.review.queue import Model, NewTask, Queue
from groundloop.review.wire import Answer, Outcome, Shown, ShownBox
from tests.groundloop.review.conftest import Clock, answer

PREFIX = "s3://bucket/images/week-47/"
SHOWN: dict[str, Any] = {"class_id": 1, "left": 5, "top": 5, "width": 10, "height": 10}


def add(queue: Queue, task: int, reviewer: str = "ann", **changes: Any) -> None:
    """Answer a task."""
    queue.answers.add(reviewer, msgspec.convert(answer(task, **changes), Answer))


def lines(queue: Queue) -> list[dict[str, Any]]:
    """Return the manifest's lines."""
    return [json.loads(line) for line in finished(queue, PREFIX).lines]


def test_a_line_is_what_ground_truth_writes_for_one_person(queue: Queue) -> None:
    add(queue, 1)
    (line,) = lines(queue)
    assert line["source-ref"] == "s3://bucket/images/week-47/0.png"
    assert line["bounding-box"] == {
        "image_size": [{"width": 40, "height": 30, "depth": 3}],
        "annotations": [{"class_id": 1, "left": 4, "top": 5, "width": 10, "height": 11}],
    }
    assert line["bounding-box-metadata"] == {
        "objects": [{"confidence": 0}],
        "class-map": {"0": "bolt", "1": "nut"},
        "type": "groundtruth/object-detection",
        "human-annotated": "yes",
        "creation-date": "1970-01-12T13:46:40.000000",
        "job-name": "labeling-job/week-47",
        "adjustment-status": "adjusted",
    }


def test_a_line_says_how_its_label_came_about_and_names_nobody(new_queue: Callable[..., Queue]) -> None:
    task = NewTask(
        source_ref="0.png",
        width=40,
        height=30,
        shown=Shown.MODEL,
        expected_mistakes=2.3,
        selected_by="expected-mistakes",
        split="train",
    )
    queue = new_queue([task], model=Model(package="arn:aws:sagemaker:...:model-package/g/7", thresholds={}))
    add(queue, 1, reviewer="ann")
    (line,) = lines(queue)
    (worker,) = line["groundloop-review"].pop("workers")
    assert worker.startswith("private.week-47.")
    assert line["groundloop-review"] == {
        "queue": "week-47",
        "selected-by": "expected-mistakes",
        "shown": "model",
        "answers": 1,
        "split": "train",
        "model-package": "arn:aws:sagemaker:...:model-package/g/7",
        "expected-mistakes": 2.3,
    }
    assert '"ann"' not in json.dumps(line)


def test_other_keys_of_the_original_line_stay_byte_for_byte(new_queue: Callable[..., Queue]) -> None:
    original = (
        b'{"source-ref": "s3://b/0.png", "camera":  {"line": 3.50}, "bounding-box": {"annotations": []},'
        b' "bounding-box-metadata": {}}'
    )
    queue = new_queue([NewTask(source_ref="s3://b/0.png", width=40, height=30, line=original)], images=None)
    add(queue, 1)
    (raw,) = finished(queue, PREFIX).lines
    assert b'"camera":{"line": 3.50}' in raw
    assert raw.count(b'"bounding-box"') == 1
    assert json.loads(raw)["source-ref"] == "s3://b/0.png"


@pytest.mark.parametrize(
    ("shown", "boxes", "status"),
    [
        pytest.param(Shown.MODEL, [SHOWN], "unadjusted", id="accepted"),
        pytest.param(Shown.MODEL, [], "adjusted", id="deleted"),
        pytest.param(Shown.MODEL, [{**SHOWN, "class_id": 0}], "adjusted", id="another class"),
        pytest.param(Shown.NOTHING, [SHOWN], None, id="drawn without help"),
    ],
)
def test_adjustment_is_told_where_boxes_were_shown(
    new_queue: Callable[..., Queue], shown: Shown, boxes: list[dict[str, Any]], status: str | None
) -> None:
    dotted = ShownBox(class_id=0, left=0, top=0, width=5, height=5, score=0.2, counted=False)
    task = NewTask(source_ref="0.png", width=40, height=30, shown=shown, boxes=(ShownBox(**SHOWN), dotted))
    queue = new_queue([task])
    add(queue, 1, boxes=boxes)
    (line,) = lines(queue)
    assert line["bounding-box-metadata"].get("adjustment-status") == status


def test_negatives_are_lines_and_skipped_unsure_and_bad_images_are_not(queue: Queue) -> None:
    add(queue, 1, boxes=[])
    for task, outcome in ((2, "skip"), (3, "unsure"), (4, "bad-image")):
        add(queue, task, outcome=outcome, boxes=[])
    result = finished(queue, PREFIX)
    assert (len(result.lines), result.negatives, result.unanswered) == (1, 1, 2)
    assert result.outcomes == {Outcome.BOXES: 1, Outcome.SKIP: 1, Outcome.UNSURE: 1, Outcome.BAD_IMAGE: 1}


def test_our_own_reader_reads_every_line_without_findings(queue: Queue) -> None:
    add(queue, 1)
    add(queue, 2, boxes=[])
    read = list(ManifestReader("bounding-box").read(iter(finished(queue, PREFIX).lines)))
    assert [line.status for line in read] == [LineStatus.LABELLED, LineStatus.NEGATIVE]
    assert not any(line.findings for line in read)


def test_a_label_that_cannot_be_read_is_not_written(new_queue: Callable[..., Queue]) -> None:
    queue = new_queue([NewTask(source_ref="0.png", width=0, height=0)])
    add(queue, 1)
    with pytest.raises(UserError, match="does not fit a manifest"):
        finished(queue, PREFIX)


def test_of_several_queues_the_newest_label_of_an_image_counts(new_queue: Callable[..., Queue], clock: Clock) -> None:
    first, second = new_queue(name="one"), new_queue(name="two")
    add(second, 1, boxes=[])
    clock.now += 60
    add(first, 1)
    add(second, 2)
    for queue in (first, second):
        queue.database.path.with_name("reviewed.manifest").write_bytes(as_manifest(finished(queue, PREFIX).lines))
    manifests = finished_queues(first.database.path.parent.parent)
    together = [json.loads(line) for line in union(manifests, "bounding-box")]
    assert [(line["source-ref"][-5:], line["groundloop-review"]["queue"]) for line in together] == [
        ("0.png", "one"),
        ("1.png", "two"),
    ]


def test_an_image_that_is_kept_to_train_stays_there_when_it_is_reviewed_again(
    new_queue: Callable[..., Queue], clock: Clock
) -> None:
    doubtful = NewTask(source_ref="s3://b/0.png", width=40, height=30, split="train")
    first, again = (
        new_queue([doubtful], name="one"),
        new_queue([msgspec.structs.replace(doubtful, split=None)], name="two"),
    )
    add(first, 1)
    clock.now += 60
    add(again, 1, boxes=[])
    for queue in (first, again):
        queue.database.path.with_name("reviewed.manifest").write_bytes(as_manifest(finished(queue, PREFIX).lines))
    (line,) = union(finished_queues(first.database.path.parent.parent), "bounding-box")
    review = json.loads(line)["groundloop-review"]
    assert (review["queue"], review["split"]) == ("two", "train")
    (line,) = finished(first, PREFIX).lines
    third = new_queue([msgspec.structs.replace(doubtful, split=None, line=line)], name="three")
    add(third, 1)
    assert lines(third)[0]["groundloop-review"]["split"] == "train"


def test_equal_content_has_an_equal_name() -> None:
    assert content_name(b"a") == content_name(b"a") != content_name(b"b")


def test_finishing_can_be_repeated_after_more_answers(queue: Queue, tmp_path: Path) -> None:
    add(queue, 1)
    before = finished(queue, PREFIX).lines
    add(queue, 2)
    assert finished(queue, PREFIX).lines[:1] == before
