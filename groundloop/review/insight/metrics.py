"""The metrics of some answers: those of a worker, a day, both, or all."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from groundloop.labels.agreement import BoxAgreement
from groundloop.labels.worker_answers import Outcome, WorkerAnswer
from groundloop.review.insight.changes import Changes

#: Active seconds under which nobody can have looked at an image with boxes; those who do accept what they are shown.
FAST_SECONDS = 1.5


@dataclass(frozen=True, slots=True)
class ScoredAnswer:
    """An answer and what it is compared with.

    Attributes:
        counts: whether it is the worker's label of the image.
        changes: against the boxes that were shown; None when none were.
        consolidated: agreement with the consolidated label; None where the worker was the only one, or nobody agrees.
        gold: agreement with the gold label; None where there is none.
    """

    answer: WorkerAnswer
    day: str | None
    counts: bool
    changes: Changes | None = None
    consolidated: BoxAgreement | None = None
    gold: BoxAgreement | None = None


@dataclass(frozen=True, slots=True)
class LabelAgreement:
    """How far answers agree with labels.

    Attributes:
        images: that were compared.
        f1: harmonic mean of precision and recall at IoU 0.5; None without any box.
        mean_iou: of the matched boxes; None without any.
    """

    images: int
    f1: float | None
    mean_iou: float | None


@dataclass(frozen=True, slots=True)
class WorkMetrics:
    """The metrics of some answers. What the source doesn't record is None.

    Attributes:
        labels: answers that say what is on an image; one of each worker to each image.
        images: different ones that got a label.
        boxes: of these labels.
        active_seconds: of work on them.
        elapsed_seconds: from getting these images to giving the answers.
        median_seconds_per_image: active.
        median_seconds_per_box: active seconds of an image by its boxes, over the images that have any.
        images_with_shown_boxes: labels that began with boxes of a model or with labels.
        changed: of these, how many labels differ from what was shown; `changed_share` of them.
        added, deleted, moved, relabelled: boxes, against the shown ones.
        accepted_fast: labels with boxes that were accepted unchanged in under 1.5 active seconds.
        skipped, unsure, bad_images: answers that give no label.
        late: answers that came when somebody else had the image.
        adjudicated: answers that decide between those of others.
        replaced: labels that their worker changed later.
        other_seconds: active seconds of all these answers that are no labels.
        consolidated: agreement with the consolidated label, on images that several workers labelled.
        blind: the same, on images drawn at random and shown without boxes.
        gold: agreement with the gold labels.
    """

    labels: int
    images: int
    boxes: int
    active_seconds: float | None
    elapsed_seconds: float | None
    median_seconds_per_image: float | None
    median_seconds_per_box: float | None
    images_with_shown_boxes: int
    changed: int
    changed_share: float | None
    added: int
    deleted: int
    moved: int
    relabelled: int
    accepted_fast: int | None
    skipped: int | None
    unsure: int | None
    bad_images: int | None
    late: int | None
    adjudicated: int | None
    replaced: int | None
    other_seconds: float | None
    consolidated: LabelAgreement
    blind: LabelAgreement
    gold: LabelAgreement | None


#: The metrics that files of Ground Truth and A2I have no place for.
QUEUE_METRICS = ("skipped", "unsure", "bad_images", "late", "adjudicated", "replaced", "other_seconds")


def work_metrics(scored: Sequence[ScoredAnswer], *, is_queue: bool, has_gold: bool) -> WorkMetrics:
    """Return the metrics of some answers.

    Args:
        scored: the answers.
        is_queue: whether the source holds all answers, and not labels only.
        has_gold: whether there are gold labels to compare with.
    """
    labels = [one for one in scored if one.counts]
    others = [one for one in scored if not one.counts]
    timed = [(one.answer.seconds, len(one.answer.boxes)) for one in labels if one.answer.seconds is not None]
    compared = [one.changes for one in labels if one.changes is not None]
    total = sum(compared, Changes())
    changed = sum(one.is_changed for one in compared)

    def other(is_meant: Callable[[WorkerAnswer], bool]) -> int | None:
        return sum(is_meant(one.answer) for one in scored) if is_queue else None

    return WorkMetrics(
        labels=len(labels),
        images=len({one.answer.image for one in labels}),
        boxes=sum(len(one.answer.boxes) for one in labels),
        active_seconds=_sum(one.answer.seconds for one in labels),
        elapsed_seconds=_sum(one.answer.elapsed for one in labels),
        median_seconds_per_image=_median(seconds for seconds, _ in timed),
        median_seconds_per_box=_median(seconds / boxes for seconds, boxes in timed if boxes),
        images_with_shown_boxes=len(compared),
        changed=changed,
        changed_share=changed / len(compared) if compared else None,
        added=total.added,
        deleted=total.deleted,
        moved=total.moved,
        relabelled=total.relabelled,
        accepted_fast=sum(map(_is_fast, labels)) if timed or not labels else None,
        skipped=other(lambda answer: answer.outcome is Outcome.SKIP),
        unsure=other(lambda answer: answer.outcome is Outcome.UNSURE),
        bad_images=other(lambda answer: answer.outcome is Outcome.BAD_IMAGE),
        late=other(lambda answer: answer.late),
        adjudicated=other(lambda answer: answer.adjudicates),
        replaced=sum(map(_is_replaced, others)) if is_queue else None,
        other_seconds=round(math.fsum(one.answer.seconds or 0 for one in others), 3) if is_queue else None,
        consolidated=_agreement(one.consolidated for one in labels),
        blind=_agreement(one.consolidated for one in labels if one.answer.blind),
        gold=_agreement(one.gold for one in labels) if has_gold else None,
    )


def _is_replaced(one: ScoredAnswer) -> bool:
    return one.answer.outcome is Outcome.BOXES and not one.answer.adjudicates and not one.answer.late


def _is_fast(one: ScoredAnswer) -> bool:
    seconds = one.answer.seconds
    accepted = one.changes is not None and one.changes.kept > 0 and not one.changes.is_changed
    return accepted and seconds is not None and seconds < FAST_SECONDS


def _agreement(found: Iterable[BoxAgreement | None]) -> LabelAgreement:
    compared = [one for one in found if one is not None]
    total = sum(compared, BoxAgreement())
    return LabelAgreement(len(compared), total.f1, total.mean_iou)


def _sum(values: Iterable[float | None]) -> float | None:
    """Return the sum of those that are known, in milliseconds' precision; None where none is."""
    known = [value for value in values if value is not None]
    return round(math.fsum(known), 3) if known else None


def _median(values: Iterable[float]) -> float | None:
    known = list(values)
    return round(median(known), 3) if known else None
