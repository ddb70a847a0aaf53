"""From answers to labels: the Ground Truth manifest of a queue, and the union over all queues.

Format: Amazon SageMaker developer guide, "Bounding box job output", one line for each image whose answer is boxes.
Other keys of the line that an image came with stay as they are. `groundloop-review` says how the label came about.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import msgspec

from groundloop.errors import UserError
from groundloop.labels.attributes import METADATA
from groundloop.labels.classes import ClassList
from groundloop.labels.findings import Severity
from groundloop.labels.label_types import DETECTION_TYPE
from groundloop.labels.manifest import ManifestReader, source_ref_of
from groundloop.labels.review_key import REVIEW_KEY, is_for_train_only, review_value
from groundloop.labels.split import Split
from groundloop.review.decisions import Counted, CountedBox
from groundloop.review.queue import FILE_NAME, NewTask, Queue, QueueInfo
from groundloop.review.reviewers import pseudonym
from groundloop.review.wire import AnsweredBox, Outcome, Shown, ShownBox
from groundloop.s3 import SCHEME, join_uri

#: The manifest of a queue, in its folder, and that of all queues, in the folder of the queues.
MANIFEST = "reviewed.manifest"
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])


@dataclass(frozen=True, slots=True)
class Finished:
    """The labels of a queue.

    Attributes:
        lines: of the manifest, in the queue's order.
        tasks: how many images the queue has.
        outcomes: how many images by the answer that counts.
        boxes: on all lines.
        negatives: lines without boxes.
        changed: lines whose boxes differ from those that were shown.
        train_only: lines whose new images may get into the train split only.
        train_negatives: negatives among them.
        late: how many answers came late.
        consolidated: lines whose boxes were consolidated from several people's.
        disputed: images whose answers disagree, so that they have no line until one more person answers.
    """

    lines: tuple[bytes, ...]
    tasks: int
    outcomes: dict[Outcome, int]
    boxes: int
    negatives: int
    changed: int
    train_only: int
    train_negatives: int
    late: int
    consolidated: int
    disputed: int

    @property
    def unanswered(self) -> int:
        """Images that nobody has answered."""
        return self.tasks - sum(self.outcomes.values()) - self.disputed


def finished(queue: Queue, image_prefix: str) -> Finished:
    """Return the labels that the answers of a queue give.

    `groundloop.review.decisions` says what counts. `skip`, `bad-image` and `unsure` give no line, and neither do images
    whose answers disagree.

    Args:
        queue: the queue; it stays as it is, and can be finished again after more answers.
        image_prefix: S3 prefix of the images that are named by file.

    Raises:
        UserError: a line would not be readable, such as for an image whose size is not known.
    """
    tasks = dict(queue.tasks())
    lines: list[bytes] = []
    outcomes = dict.fromkeys(Outcome, 0)
    boxes = negatives = changed = train_only = train_negatives = consolidated = disputed = 0
    for counted in queue.answers.counted():
        task = tasks[counted.task]
        if counted.disputed:
            disputed += 1
            continue
        outcomes[counted.outcome] += 1
        if counted.outcome is not Outcome.BOXES:
            continue
        lines.append(_line(queue.info, task, counted, image_prefix))
        empty = not counted.boxes
        boxes += len(counted.boxes)
        negatives += empty
        consolidated += len(counted.reviewers) > 1 and not counted.adjudicated
        changed += task.shown is not Shown.NOTHING and is_changed(task.boxes, counted.boxes)
        train_only += task.split is not None
        train_negatives += empty and task.split is not None
    _check(lines, queue.info.label_attribute)
    return Finished(
        lines=tuple(lines),
        tasks=len(tasks),
        outcomes=outcomes,
        boxes=boxes,
        negatives=negatives,
        changed=changed,
        train_only=train_only,
        train_negatives=train_negatives,
        late=queue.answers.late(),
        consolidated=consolidated,
        disputed=disputed,
    )


def is_changed(shown: Sequence[ShownBox], boxes: Sequence[AnsweredBox | CountedBox]) -> bool:
    """Return whether boxes differ from those that were shown as counting."""
    before = sorted((box.class_id, box.left, box.top, box.width, box.height) for box in shown if box.counted)
    after = sorted((box.class_id, box.left, box.top, box.width, box.height) for box in boxes)
    return before != after


def union(manifests: Iterable[Path], label_attribute: str) -> tuple[bytes, ...]:
    """Return the lines of several queues' manifests, for each image the newest, sorted by image.

    An image that one of them keeps to the train split stays there.

    Args:
        manifests: files that finishing wrote.
        label_attribute: whose creation date tells how old a line is.
    """
    newest: dict[str, tuple[str, bytes]] = {}
    train_only: set[str] = set()
    for path in sorted(manifests):
        for line in path.read_bytes().splitlines():
            metadata = _FIELDS.decode(line).get(label_attribute + METADATA)
            if metadata is None:  # of a queue with another label attribute
                continue
            created = msgspec.json.decode(metadata, type=_Created).created
            source_ref = source_ref_of(line)
            if is_for_train_only(line):
                train_only.add(source_ref)
            if source_ref not in newest or newest[source_ref][0] <= created:
                newest[source_ref] = (created, line)
    return tuple(
        _kept_to_train(newest[source_ref][1]) if source_ref in train_only else newest[source_ref][1]
        for source_ref in sorted(newest)
    )


def _kept_to_train(line: bytes) -> bytes:
    if is_for_train_only(line):
        return line
    fields = _FIELDS.decode(line)
    review = msgspec.json.decode(fields.get(REVIEW_KEY, msgspec.Raw(b"{}")), type=dict[str, msgspec.Raw])
    review["split"] = msgspec.Raw(msgspec.json.encode(Split.TRAIN.value))
    return msgspec.json.encode({**fields, REVIEW_KEY: review})


def finished_queues(folder: Path) -> list[Path]:
    """Return the manifests of the finished queues in a folder of queues."""
    return sorted(path for path in folder.glob(f"*/{MANIFEST}") if (path.parent / FILE_NAME).is_file())


def content_name(content: bytes) -> str:
    """Return a file name made from the content: SageMaker's cache compares names, not contents."""
    return f"{hashlib.sha256(content).hexdigest()}.manifest"


def as_manifest(lines: Iterable[bytes]) -> bytes:
    """Return the content of a manifest."""
    return b"".join(line + b"\n" for line in lines)


class _Created(msgspec.Struct, rename={"created": "creation-date"}):
    created: str = ""


def image_uri(source_ref: str, image_prefix: str) -> str:
    """Return the S3 URI of an image."""
    return source_ref if source_ref.startswith(SCHEME) else join_uri(image_prefix, source_ref)


def _line(info: QueueInfo, task: NewTask, counted: Counted, image_prefix: str) -> bytes:
    attribute = info.label_attribute
    other = {} if task.line is None else dict(_FIELDS.decode(task.line))
    for key in ("source-ref", attribute, attribute + METADATA, REVIEW_KEY):
        other.pop(key, None)
    created = datetime.fromtimestamp(counted.received, timezone.utc).replace(tzinfo=None)
    metadata: dict[str, object] = {
        # Ground Truth writes 0 for the work of one person, and a number up to 1 after consolidation.
        "objects": [{"confidence": round(box.confidence, 4) or 0} for box in counted.boxes],
        "class-map": ClassList(info.classes).class_map,
        "type": DETECTION_TYPE,
        "human-annotated": "yes",
        "creation-date": created.isoformat(timespec="microseconds"),
        "job-name": f"labeling-job/{info.name}",
    }
    if task.shown is not Shown.NOTHING:
        metadata["adjustment-status"] = "adjusted" if is_changed(task.boxes, counted.boxes) else "unadjusted"
    for_train = task.split is not None or (task.line is not None and is_for_train_only(task.line))
    review = review_value(
        queue=info.name,
        selected_by=task.selected_by,
        shown=task.shown.value,
        split=Split.TRAIN.value if for_train else None,
        model_package=None if info.model is None else info.model.package,
        expected_mistakes=task.expected_mistakes,
    )
    review["answers"] = counted.answers
    review["workers"] = [pseudonym(info.name, reviewer) for reviewer in counted.reviewers]
    if counted.adjudicated:
        review["adjudicated"] = True
    label = {
        "image_size": [{"width": task.width, "height": task.height, "depth": 3}],
        "annotations": [
            {"class_id": box.class_id, "left": box.left, "top": box.top, "width": box.width, "height": box.height}
            for box in counted.boxes
        ],
    }
    return msgspec.json.encode(
        {
            "source-ref": image_uri(task.source_ref, image_prefix),
            **other,
            attribute: label,
            attribute + METADATA: metadata,
            REVIEW_KEY: review,
        }
    )


def _check(lines: Sequence[bytes], label_attribute: str) -> None:
    """Check that what is written can be read: our own reader knows every rule of the format."""
    reader = ManifestReader(label_attribute)
    for number, line in enumerate(lines, start=1):
        for finding in reader.read_line(number, line).findings:
            if finding.severity is Severity.ERROR:
                raise UserError(f"the label of {source_ref_of(line)} does not fit a manifest: {finding.message}")
