"""The tasks of a queue of images whose labels look wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.output import print_json, print_line
from pipeline.cli.review.doubtful import local_images, model_info, model_with_classes
from pipeline.cli.review.making import make_queue, print_made
from pipeline.cli.review.places import on_disk
from pipeline.cli.review.queues import queue_folder
from pipeline.cli.review.selecting import SelectionOptions

if TYPE_CHECKING:
    from groundloop.review.label_errors import SuspiciousImage
    from groundloop.review.queue import NewTask, QueueInfo
    from pipeline.cli.review.settings import ReviewConfig
    from pipeline.review.evaluated_model import EvaluatedModel

#: In the queue's folder: suspicion and ObjectLab's scores of each task.
FILE_NAME = "label-errors.json"


@dataclass(frozen=True)
class LabelErrorOptions:
    """The options of queues of suspicious labels."""

    errors: Annotated[
        bool, typer.Option("--errors", help="With --from: images whose labels look wrong by the model's detections.")
    ] = False
    blind_test: Annotated[
        bool,
        typer.Option(
            "--blind-test/--no-blind-test",
            help="With --errors: test images without labels and reasons, so that corrections don't follow the model.",
        ),
    ] = True
    as_json: Annotated[bool, typer.Option("--json", help="With --errors: print the suspicious labels as JSON.")] = False


@dataclass(frozen=True)
class LabelErrorQueue:
    """A queue of suspicious labels before it is made.

    Attributes:
        info: its description.
        suspicious: its images, most suspicious first.
        named: by kind, how many errors all images of the model's evaluation have.
        images: how many images were looked at.
        images_with_errors: how many of them have an error that is named.
        blind: the splits that are shown without labels.
    """

    info: QueueInfo
    suspicious: tuple[SuspiciousImage, ...]
    named: dict[str, int]
    images: int
    images_with_errors: int
    blind: tuple[str, ...]

    @property
    def tasks(self) -> list[NewTask]:
        """The tasks in the order in which they are given out."""
        return [one.task(self.info.classes, blind=self._is_blind(one)) for one in self.suspicious]

    def as_json(self) -> dict[str, Any]:
        """Return suspicion, ObjectLab's scores and the named errors of each task."""
        return {
            "queue": self.info.name,
            "model": self.info.source,
            "images": self.images,
            "suspicious_images": self.images_with_errors,
            "errors": self.named,
            "tasks": [one.as_json(blind=self._is_blind(one)) for one in self.suspicious],
        }

    def make(self, *, as_json: bool) -> None:
        """Make the queue, write the scores into its folder, and print what was found.

        Args:
            as_json: print the scores on standard output, and sentences on standard error.
        """
        import msgspec

        queue = make_queue(self.info.name, self.info, self.tasks)
        content = msgspec.json.format(msgspec.json.encode(self.as_json()), indent=2)
        (queue_folder(self.info.name) / FILE_NAME).write_bytes(content + b"\n")
        if as_json:
            print_json(self.as_json())
        for line in self._sentences():
            print_line(line, to_stderr=as_json)
        print_made(queue, to_stderr=as_json)
        print_line(f"serve its page:  groundloop review serve {self.info.name}", to_stderr=as_json)

    def _sentences(self) -> Iterator[str]:
        kinds = ", ".join(f"{count} {kind}" for kind, count in self.named.items() if count)
        yield f"{self.images_with_errors} of {self.images} validation and test images have suspicious labels: {kinds}"
        yield "not all label errors are found: those that the model agrees with look right"
        unseen = sum(map(self._is_blind, self.suspicious))
        if unseen:
            yield f"{unseen} test images are shown without labels and reasons; --no-blind-test shows them"

    def _is_blind(self, one: SuspiciousImage) -> bool:
        return one.image.split in self.blind


def label_error_queue(
    given: QueueInfo,
    which: str,
    settings: ReviewConfig,
    selection: SelectionOptions,
    options: LabelErrorOptions,
    *,
    images: str | None = None,
    classes: list[str] | None = None,
) -> LabelErrorQueue:
    """Return the images of validation and test whose labels look most suspicious.

    Args:
        given: what the options say of the queue.
        which: execution, version, or folder of a local run.
        settings: the configuration.
        selection: how many images.
        options: what is shown.
        images: folder with the images; None where the model's run says it.
        classes: names as the option has them, which must be the model's.

    Raises:
        UserError: there is no such model, it has other classes, or no label is suspicious.
    """
    from groundloop.detections.calibration import Calibration
    from groundloop.errors import UserError
    from groundloop.review.label_errors import errors_by_kind, suspicious_images
    from pipeline.review.label_errors import labelled_images

    if replace(selection, limit=None) != SelectionOptions():
        raise typer.BadParameter("--errors takes the most suspicious images: of the options that choose, only --limit")
    model: EvaluatedModel = model_with_classes(which, settings, classes)
    labelled = labelled_images(model)
    suspicious = suspicious_images(labelled, model.classes, Calibration.fit(model.rows))
    if not suspicious:
        raise UserError(
            f"no label of the {len(labelled)} validation and test images is suspicious by the detections of "
            f"{model.name}, so there is nothing to review"
        )
    folder = on_disk(images) if images else local_images(model)
    return LabelErrorQueue(
        info=model_info(given, model, model.name, folder, None if folder else settings().aws.region),
        suspicious=tuple(suspicious[: selection.limit or settings.review.select.images]),
        named=errors_by_kind(suspicious),
        images=len(labelled),
        images_with_errors=len(suspicious),
        blind=("test",) if options.blind_test else (),
    )
