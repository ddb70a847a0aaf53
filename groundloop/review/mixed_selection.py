"""Choosing captured images for review: some for doubt, some for being unlike the baseline, some at random."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from groundloop.detections.calibration import Calibration
from groundloop.detections.expected_mistakes import doubt
from groundloop.labels.split import Split, digest
from groundloop.review.candidates import Candidate, RankedCandidate, TaskMaker
from groundloop.review.diversity import NearCopies
from groundloop.review.queue import NewTask
from groundloop.review.selection import Selection, select

#: What the manifest says of an image that was chosen because it is unlike the baseline's.
STRANGE = "strange"


@dataclass(frozen=True, slots=True)
class Mix:
    """Shares of a queue, which sum up to 1."""

    doubtful: float = 0.6
    strange: float = 0.2
    random: float = 0.2


@dataclass(frozen=True, slots=True)
class Captured:
    """A captured image that may be reviewed.

    Attributes:
        candidate: the image with the detections that were answered.
        distance: how unlike the baseline's images it is.
        reasons: in which way, the most unusual first.
        image_hash: its difference hash; None where it can't be told.
    """

    candidate: Candidate
    distance: float
    reasons: tuple[str, ...]
    image_hash: int | None


def choose(
    captured: Sequence[Captured],
    calibration: Calibration,
    thresholds: Mapping[str, float],
    classes: Sequence[str],
    images: int,
    mix: Mix,
    *,
    train_only: bool = False,
) -> list[NewTask]:
    """Choose images and return them as tasks, in the order in which they are given out.

    Images that are chosen for doubt or strangeness are for the train split only; those drawn at random may get into
    any.

    Args:
        captured: all images that could be reviewed.
        calibration: of the model's scores.
        thresholds: score from which a detection counts, by class.
        classes: names in id order.
        images: how many at most.
        mix: shares of them.
        train_only: keep also those drawn at random to the train split.
    """
    hashes = {one.candidate.source_ref: one.image_hash for one in captured}
    copies = NearCopies(hashes.__getitem__)  # of nearly equal images, as of a fixed camera, one is chosen
    room = min(images, len(captured))
    strange: list[NewTask] = []
    wanted = round(mix.strange * room)
    make = TaskMaker(classes, thresholds).task
    for one in sorted(captured, key=lambda one: (-one.distance, one.candidate.source_ref)):
        if len(strange) == wanted:
            break
        candidate = one.candidate
        if not one.reasons or copies.is_copy(candidate.source_ref):
            continue
        copies.take(candidate.source_ref)
        found = doubt(candidate.detections, calibration, thresholds)
        ranked = RankedCandidate(candidate, found, digest(candidate.source_ref, 1), one.distance)
        strange.append(make(ranked, STRANGE, one.reasons, split=Split.TRAIN.value))
    taken = {task.source_ref for task in strange}
    rest = [one.candidate for one in captured if one.candidate.source_ref not in taken]
    room -= len(strange)
    others = mix.doubtful + mix.random
    selection = Selection(images=room, audit=mix.random / others if others else 0.0)
    tasks = [*strange, *select(rest, calibration, thresholds, classes, selection, new=True, copies=copies)]
    return [msgspec.structs.replace(task, split=Split.TRAIN.value) for task in tasks] if train_only else tasks
