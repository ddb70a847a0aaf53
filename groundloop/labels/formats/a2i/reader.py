"""Reader of the output of Amazon A2I's human loops."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from groundloop.errors import UserError
from groundloop.images.local import ImageFolder
from groundloop.labels.box_groups import MIN_IOU, WorkerBoxes
from groundloop.labels.consolidation import consolidated
from groundloop.labels.formats.a2i.output_file import OUTPUT, HumanLoop, read_output
from groundloop.labels.formats.dataset import BoxCheck, LabelledDataset, LabelledImage, check_classes, used_classes
from groundloop.labels.formats.image_sizes import Sizes

MAX_DRAWN = 1_000
"""Boxes of all workers on one image; each is compared with each."""
_NOT_KEPT = "not kept: who answered, when, and whether the boxes shown to them were changed"


def from_a2i(path: Path, classes: Sequence[str] | None = None, images: ImageFolder | None = None) -> LabelledDataset:
    """Read an `output.json`, or all of them below a folder.

    Args:
        classes: the class names in the order of their ids; a box of another class is rejected.
        images: where to look up sizes that no answer gives.

    Raises:
        UserError: naming the file that is wrong.
    """
    files = sorted(path.rglob(OUTPUT)) if path.is_dir() else [path]
    if not files:
        raise UserError(f"{path}: holds no {OUTPUT}: give the folder that the flow writes to")
    loops = [read_output(file) for file in files]
    answered = [loop for loop in loops if loop.answers]
    if not answered:
        raise UserError(
            f"{path}: {len(loops)} human loops and no answer of a person: they failed, were stopped or expired"
        )
    counting = _newest(answered)
    reading = _Reading(images)
    images_found = tuple(image for loop in counting if (image := reading.image(loop)))
    if not images_found:
        raise UserError(f"{path}: the workers agree on no box on any of {len(counting)} images: review them again")
    if classes is None:
        names, class_notes = _classes(counting, images_found)
    else:
        names, class_notes = tuple(classes), []
        check_classes(names, path)
        _reject_others(counting, names)
    unanswered = [loop for loop in loops if not loop.answers]
    files_that_count = {loop.file for loop in counting}
    replaced = [loop for loop in answered if loop.file not in files_that_count]
    notes = [
        *_first(unanswered, "human loops ended without an answer and say nothing of their images"),
        *_first(replaced, "human loops left out, because their images were reviewed again later"),
        *reading.notes,
        *class_notes,
        _NOT_KEPT,
    ]
    return LabelledDataset(images_found, names, tuple(notes))


def _newest(loops: Iterable[HumanLoop]) -> list[HumanLoop]:
    """Return one loop for each image: the one answered last."""
    newest: dict[str, HumanLoop] = {}
    for loop in loops:
        other = newest.setdefault(loop.image, loop)
        if other is loop:
            continue
        if loop.answered is None or other.answered is None:
            undated = loop if loop.answered is None else other
            raise UserError(
                f"{undated.file}: has no submissionTime, and {(other if undated is loop else loop).file} is on the "
                f"same image {loop.image}: remove the one that does not count"
            )
        # At the same moment the path decides: A2I has the time in it.
        if loop.answered >= other.answered:
            newest[loop.image] = loop
    return list(newest.values())


class _Reading:
    """Checks and joins answers, and keeps count of what to report."""

    def __init__(self, images: ImageFolder | None) -> None:
        self._check = BoxCheck()
        self._sizes = Sizes(images)
        self._joined = 0
        self._dropped: list[tuple[str, int]] = []
        self._undecided: list[HumanLoop] = []

    def image(self, loop: HumanLoop) -> LabelledImage | None:
        """Return the image with the boxes that count; None when the workers do not agree on anything."""
        width, height = loop.width, loop.height
        if not width:
            width, height = self._sizes.of(loop.image)
        answers = [
            [self._check(f"{loop.file}: answer {number}", box, width, height) for box in boxes]
            for number, boxes in enumerate(loop.answers, start=1)
        ]
        drawn = sum(map(len, answers))
        if len(answers) > 1 and drawn > MAX_DRAWN:
            raise UserError(
                f"{loop.file}: {len(answers)} workers drew {drawn:,} boxes, more than the {MAX_DRAWN:,} that can be "
                "compared: have the image reviewed again"
            )
        result = consolidated([WorkerBoxes(str(number), tuple(boxes)) for number, boxes in enumerate(answers)])
        self._joined += len(answers) > 1
        if not result.agreed:
            self._undecided.append(loop)
            return None
        if result.left_out:
            self._dropped.append((loop.file, result.left_out))
        boxes = tuple(one.box for one in result.boxes)
        confidences = tuple(one.confidence for one in result.boxes) if len(answers) > 1 else ()
        return LabelledImage(loop.image, width, height, boxes, confidences=confidences)

    @property
    def notes(self) -> list[str]:
        """Return what reading left out or changed, one line each."""
        notes: list[str] = []
        if self._joined:
            notes.append(
                f"{self._joined} images have answers of several workers: boxes with an IoU of {MIN_IOU} that more than "
                "half of the workers drew are joined, by their mean or, from three on, their median"
            )
        if self._dropped:
            notes.append(
                f"{sum(count for _, count in self._dropped)} boxes on {len(self._dropped)} images left out, because "
                f"no majority of the workers drew them, or agrees on their class, first: {self._dropped[0][0]}"
            )
        notes += _first(self._undecided, "images left out, because the workers agree on no box, nor that there is none")
        return [*notes, *self._check.notes, *self._sizes.notes]


def _classes(loops: Sequence[HumanLoop], images: Iterable[LabelledImage]) -> tuple[tuple[str, ...], list[str]]:
    """Return the classes in the order of the loops' input where there is one, else alphabetical."""
    used = used_classes(images)
    lists = {loop.labels for loop in loops if loop.labels}
    if len(lists) == 1 and set(used) <= set(listed := next(iter(lists))):
        return listed, []
    if not lists:
        return used, []
    return used, ["the loops do not agree on one list of labels: the classes are in alphabetical order"]


def _reject_others(loops: Iterable[HumanLoop], classes: Sequence[str]) -> None:
    for loop in loops:
        for name in sorted({box.class_name for boxes in loop.answers for box in boxes}.difference(classes)):
            raise UserError(
                f"{loop.file}: the label {name!r} is in no list of classes ({', '.join(classes)}): add it there, or "
                "correct the labels that the flow offers"
            )


def _first(loops: Sequence[HumanLoop], text: str) -> list[str]:
    return [f"{len(loops)} {text}, first: {loops[0].file}"] if loops else []
