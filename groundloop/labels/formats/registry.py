"""All formats by name, and the recognition of the format of a file or folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from groundloop.errors import UserError
from groundloop.images.local import ImageFolder
from groundloop.labels.attributes import AUTO, CANONICAL
from groundloop.labels.formats.a2i import from_a2i
from groundloop.labels.formats.coco import as_coco, from_coco
from groundloop.labels.formats.csv import as_csv, from_csv
from groundloop.labels.formats.dataset import LabelledDataset
from groundloop.labels.formats.format_name import FormatName, WrittenFormat
from groundloop.labels.formats.groundtruth import as_groundtruth, from_groundtruth
from groundloop.labels.formats.jumpstart import as_jumpstart, from_jumpstart
from groundloop.labels.formats.orientation import as_shown, as_stored
from groundloop.labels.formats.recognition import (
    nearest,
    why_not_a2i,
    why_not_coco,
    why_not_csv,
    why_not_jumpstart,
    why_not_manifest,
    why_not_video,
    why_not_voc,
    why_not_yolo,
)
from groundloop.labels.formats.rekognition import as_rekognition
from groundloop.labels.formats.video import from_video
from groundloop.labels.formats.video.reader import Fetch
from groundloop.labels.formats.voc import as_voc, from_voc
from groundloop.labels.formats.yolo import as_yolo, from_yolo


@dataclass(frozen=True, slots=True)
class Options:
    """Options of reading and writing beside the path; each format takes those that concern it.

    Attributes:
        images: the folder with the image files.
        label_attribute: of manifests; `auto` means the only one when read, `bounding-box` when written.
        fetch: reads what is in S3, for labels that are spread over files there.
        strict: whether COCO, YOLO, Pascal VOC and CSV raise the first fault; else they leave out what is faulty.
    """

    images: ImageFolder | None = None
    label_attribute: str = AUTO
    fetch: Fetch | None = None
    strict: bool = True

    @property
    def written_attribute(self) -> str:
        """Return the label attribute to write."""
        return CANONICAL if self.label_attribute == AUTO else self.label_attribute


@dataclass(frozen=True, slots=True)
class Format:
    """One format.

    Attributes:
        read: the data set at a path. Raises UserError.
        why_not: why what is at a path is not in this format; "" when it is.
        uris, file_names: how it can name images.
        keeps_images: whether it has a folder of image files.
        measures_images: whether reading looks into that folder.
    """

    read: Callable[[Path, Options], LabelledDataset]
    why_not: Callable[[Path], str]
    uris: bool = False
    file_names: bool = True
    keeps_images: bool = False
    measures_images: bool = False


FORMATS = {
    FormatName.GROUNDTRUTH: Format(
        lambda path, options: from_groundtruth(path, options.label_attribute),
        why_not_manifest,
        uris=True,
        file_names=False,
    ),
    FormatName.COCO: Format(
        lambda path, options: from_coco(path, options.images, options.strict),
        why_not_coco,
    ),
    FormatName.YOLO: Format(
        lambda path, options: from_yolo(path, options.images, options.strict),
        why_not_yolo,
        keeps_images=True,
        measures_images=True,
    ),
    FormatName.VOC: Format(
        lambda path, options: from_voc(path, options.images, options.strict),
        why_not_voc,
        keeps_images=True,
    ),
    FormatName.CSV: Format(
        lambda path, options: from_csv(path, options.images, options.strict),
        why_not_csv,
        uris=True,
    ),
    FormatName.JUMPSTART: Format(
        lambda path, _: from_jumpstart(path),
        why_not_jumpstart,
        keeps_images=True,
    ),
    FormatName.REKOGNITION: Format(
        lambda path, options: from_groundtruth(path, options.label_attribute),
        lambda path: why_not_manifest(path) or "its lines are Ground Truth's, and read as such",
        uris=True,
        file_names=False,
    ),
    FormatName.A2I: Format(
        lambda path, options: from_a2i(path, images=options.images),
        why_not_a2i,
        uris=True,
        file_names=False,
    ),
    FormatName.VIDEO: Format(
        lambda path, options: from_video(path, options.label_attribute, options.images, options.fetch),
        why_not_video,
        uris=True,
    ),
}

_Write = Callable[[LabelledDataset, Path, Options], list[str]]


def _turned(turn: Callable[[LabelledDataset, ImageFolder | None], LabelledDataset], write: _Write) -> _Write:
    """Return a function that turns boxes as a format wants them, and writes them."""

    def turned(dataset: LabelledDataset, path: Path, options: Options) -> list[str]:
        changed = turn(dataset, options.images)
        return [*changed.notes[len(dataset.notes) :], *write(changed, path, options)]

    return turned


WRITERS: dict[WrittenFormat, _Write] = {
    WrittenFormat.GROUNDTRUTH: _turned(
        as_stored, lambda dataset, path, options: as_groundtruth(dataset, path, options.written_attribute)
    ),
    WrittenFormat.COCO: _turned(as_shown, lambda dataset, path, _: as_coco(dataset, path)),
    WrittenFormat.YOLO: lambda dataset, path, options: as_yolo(dataset, path, options.images),
    WrittenFormat.VOC: lambda dataset, path, options: as_voc(dataset, path, options.images),
    WrittenFormat.CSV: _turned(as_shown, lambda dataset, path, _: as_csv(dataset, path)),
    WrittenFormat.JUMPSTART: lambda dataset, path, options: as_jumpstart(dataset, path, options.images),
    WrittenFormat.REKOGNITION: _turned(
        as_stored,
        lambda dataset, path, options: as_rekognition(dataset, path, options.written_attribute, options.images),
    ),
}
"""Each writes a data set to a new path and returns notes on what was lost; raises UserError."""


def detect(path: Path) -> FormatName:
    """Return the format of what is at the path.

    Raises:
        UserError: there is nothing, it is in none of the formats (with the reason against the closest), or could be in
            several.
    """
    if not path.exists():
        raise UserError(f"{path} does not exist: check the path")
    reasons = {name: known.why_not(path) for name, known in FORMATS.items()}
    fitting = [name for name, reason in reasons.items() if not reason]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        names = " and ".join(name.value for name in fitting)
        raise UserError(f"{path} could be {names}: choose one with --from")
    closest = nearest(path)
    raise UserError(
        f"{path} is in no supported format; the closest is {closest.value}: {_after(path, reasons[closest])}. "
        f"Supported are {', '.join(name.value for name in FORMATS)}"
    )


def _after(path: Path, reason: str) -> str:
    """Return a reason that follows the path's name, without it."""
    return reason.removeprefix(f"{path}: ").removeprefix(f"{path} ")
