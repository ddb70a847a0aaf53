"""Images that a model's doubts brought into the data set are trained on, and never tested on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from groundloop.review.finish import as_manifest, finished
from groundloop.review.queue import NewTask, Queue, QueueInfo
from groundloop.review.wire import Answer, AnsweredBox, Outcome
from tests.steps.prepare.conftest import ManifestLine, Prepared

SPLITS = ("train", "validation", "test")


def splits_of(done: Prepared) -> dict[str, str]:
    """Return the split of each image by its name."""
    assert done.code == 0, done.err
    return {line["source-ref"].rpartition("/")[2]: split for split in SPLITS for line in done.lines(split)}


@pytest.fixture
def known(manifest_line: ManifestLine) -> list[dict[str, Any]]:
    """Forty labelled images."""
    return [manifest_line(f"{number:02}.jpg", "bolt") for number in range(40)]


@pytest.fixture
def reviewed(manifest_line: ManifestLine) -> Callable[..., dict[str, Any]]:
    """A line that a review wrote; without a split it was drawn at random."""

    def make(key: str, split: str | None = "train", **others: Any) -> dict[str, Any]:
        review = {"queue": "week-47", **({} if split is None else {"split": split})}
        return {**manifest_line(key, "bolt"), "groundloop-review": review, **others}

    return make


def test_new_doubtful_images_are_in_train_only_and_drawn_ones_in_all_splits(
    prepare: Callable[..., Prepared], known: list[dict[str, Any]], reviewed: Callable[..., dict[str, Any]]
) -> None:
    doubtful = [reviewed(f"doubtful-{number}.jpg") for number in range(30)]
    drawn = [reviewed(f"drawn-{number}.jpg", None) for number in range(30)]
    splits = splits_of(prepare([*known, *doubtful, *drawn]))
    assert {split for name, split in splits.items() if name.startswith("doubtful")} == {"train"}
    assert {split for name, split in splits.items() if name.startswith("drawn")} == set(SPLITS)


def test_images_that_were_there_keep_their_split_when_they_are_reviewed(
    prepare: Callable[..., Prepared], known: list[dict[str, Any]], reviewed: Callable[..., dict[str, Any]]
) -> None:
    before = splits_of(prepare(known))
    after = splits_of(prepare([*known, *(reviewed(f"{number:02}.jpg") for number in range(40))]))
    assert after == before


def test_a_doubtful_image_stays_with_its_group(
    prepare: Callable[..., Prepared], known: list[dict[str, Any]], reviewed: Callable[..., dict[str, Any]]
) -> None:
    group = ("--group-key", "video")
    grouped = [{**line, "video": number // 4} for number, line in enumerate(known)]
    before = splits_of(prepare(grouped, *group))
    more = [reviewed(f"more-{number}.jpg", video=number) for number in range(12)]
    after = splits_of(prepare([*grouped, *more], *group))
    assert {name: after[name] for name in before} == before
    # Ten videos are known, the last two of these are new.
    for number in range(12):
        expected = before[f"{4 * number:02}.jpg"] if number < 10 else "train"
        assert after[f"more-{number}.jpg"] == expected


def test_a_key_that_only_looks_like_a_reviews_changes_nothing(
    prepare: Callable[..., Prepared], known: list[dict[str, Any]], tmp_path: Path
) -> None:
    odd = [{**line, "groundloop-review": "train"} for line in known]
    assert splits_of(prepare(odd)) == splits_of(prepare(known))


def test_a_finished_queue_is_read_whole_and_its_labels_take_precedence(
    prepare: Callable[..., Prepared], known: list[dict[str, Any]], tmp_path: Path
) -> None:
    tasks = [
        NewTask(source_ref=f"s3://bucket/{number:02}.jpg", width=64, height=48, selected_by="audit")
        for number in range(35, 45)
    ] + [
        NewTask(source_ref=f"s3://bucket/doubtful-{number}.jpg", width=64, height=48, split="train")
        for number in range(20)
    ]
    queue = Queue.create(tmp_path / "queue", QueueInfo(name="week-47", classes=("bolt", "nut")), tasks)
    box = AnsweredBox(class_id=1, left=1, top=2, width=30, height=30)
    for task in range(1, len(tasks) + 1):
        given: dict[str, Any] = dict.fromkeys(("lease", "accepted_at", "submitted_at"), "") | {
            "client_id": f"answer-{task}"
        }
        queue.answers.add("ann", Answer(task=task, outcome=Outcome.BOXES, boxes=(box,), **given))
    (tmp_path / "reviewed").mkdir()
    (tmp_path / "reviewed" / "r.manifest").write_bytes(as_manifest(finished(queue, "").lines))
    queue.close()
    before = splits_of(prepare(known))
    source = ("--additional-source", str(tmp_path / "reviewed"), "groundtruth", "auto", "none", "s3://b/r.manifest")
    done = prepare(known, *source)
    after = splits_of(done)
    assert done.summary["findings"].keys() <= {"WARNING_DUPLICATE_SOURCE_REF", "ERROR_DUPLICATE_SOURCE_REF"}
    assert len(after) == 65
    assert {name: after[name] for name in before} == before
    assert {split for name, split in after.items() if name.startswith("doubtful")} == {"train"}
    nuts = [
        line["source-ref"]
        for split in SPLITS
        for line in done.lines(split)
        if line["bounding-box"]["annotations"][0]["class_id"] == 1
    ]
    assert len(nuts) == 30
