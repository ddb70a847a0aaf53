"""Reader of YOLO folders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from groundloop.errors import UserError
from groundloop.images.local import ImageFolder
from groundloop.labels.formats.dataset import (
    BoxCheck,
    LabelledDataset,
    LabelledImage,
    LeftOut,
    check_classes,
    check_unique,
)
from groundloop.labels.formats.disk import read_text
from groundloop.labels.formats.image_sizes import Sizes
from groundloop.labels.formats.names import label_files
from groundloop.labels.formats.yolo.class_names import dataset_folder, names_file, read_names, splits
from groundloop.labels.records import Box
from groundloop.suggestions import first_of

_CLASSES = "classes.txt"  # stands among the label files of some tools and is none

# The least digits that tools write: a number such as 0.5 has fewer because its zeros are left out.
_MIN_DECIMALS = 6


def from_yolo(path: Path, images: ImageFolder | None = None, strict: bool = True) -> LabelledDataset:
    """Read a folder with labels, a list of classes, and images.

    Args:
        path: the folder, or its `data.yaml`.
        images: where the images of `labels/` are; None: in the folder's own `images/`, or beside the label files.
        strict: whether a fault is raised; else the image is left out.

    Raises:
        UserError: naming the file and line that is wrong.
    """
    names = read_names(path)
    check_classes(list(names.values()), path)
    reading = _Reading(names, LeftOut(strict))
    found = []
    for prefix, image_folder, labels in _parts(dataset_folder(path), images):
        found += list(reading.part(prefix, image_folder, labels))
    check_unique(found, path)
    file = names_file(path) if path.is_dir() else path
    split = ", ".join(splits(file)) if file else ""
    notes = [f"the split of {file.name} ({split}) is not kept: all images are read"] if file and split else []
    return LabelledDataset(
        tuple(found), tuple(names.values()), (*notes, *reading.notes), left_out=reading.left_out.messages(found)
    )


def _parts(path: Path, images: ImageFolder | None) -> list[tuple[str, ImageFolder, Path]]:
    """Return the beginning of the images' names, their folder, and the folder of their labels."""
    labels = path / "labels"
    beside = not labels.is_dir()  # LabelImg's label files are in no folder of that name
    inside = [folder.parent for folder in sorted(path.glob("*/images")) if folder.is_dir()]
    if images is not None and not (inside and beside) and images.path.resolve() != path.resolve():
        return [("", images, path if beside else labels)]
    if (path / "images").is_dir():
        return [("", ImageFolder(path / "images"), path if beside else labels)]
    if not inside and beside:
        folder = ImageFolder(path.parent / "images" if path.name == "labels" else path)
        if folder.names():
            return [("", folder, path)]
    if not inside:
        raise UserError(f"{path}: holds no folder images/, and the boxes are fractions of the images: give --images")
    return [(f"{part.name}/", ImageFolder(part / "images"), part / "labels") for part in inside]


class _Reading:
    """Reads label files and keeps count of what to report."""

    def __init__(self, names: Mapping[int, str], left_out: LeftOut) -> None:
        self.left_out = left_out
        self._names = {str(class_id): name for class_id, name in names.items()}
        self._check = BoxCheck()
        self._sizes = Sizes(None)
        self._without = 0
        self._confidences = 0

    def part(self, prefix: str, images: ImageFolder, labels: Path) -> Iterator[LabelledImage]:
        """Yield the images of one folder."""
        files = label_files(images.names(), ".txt")
        if labels.is_dir():
            left = {file.relative_to(labels).as_posix() for file in labels.rglob("*.txt") if file.name != _CLASSES}
            left -= {str(file) for file in files.values()}
            if left:
                self.left_out.add(
                    UserError(
                        f"{labels / min(left)}: there is no image for it in {images.path} ({len(left)} such files): "
                        "add the images, or remove the label files"
                    )
                )
        for name, file in files.items():
            label = labels / file
            try:
                size = self._sizes.measure(images.path, images.path / name)
                boxes = tuple(self._boxes(label, size.width, size.height)) if label.is_file() else ()
            except UserError as error:
                self.left_out.add(error)
                continue
            self._without += not label.is_file()
            yield LabelledImage(prefix + name, size.width, size.height, boxes, size.orientation)

    @property
    def notes(self) -> list[str]:
        """Return what reading left out or changed, one line each."""
        notes: list[str] = []
        if self._without:
            notes.append(f"{self._without} images have no label file and are taken for negatives, as Ultralytics does")
        if self._confidences:
            notes.append(f"{self._confidences} confidences not kept")
        return [*notes, *self._check.notes, *self._sizes.notes]

    def _boxes(self, label: Path, width: int, height: int) -> Iterator[Box]:
        for number, line in enumerate(read_text(label).splitlines(), start=1):
            words = line.split()
            if words:
                where = f"{label}, line {number}"
                yield self._check(where, self._box(where, words, width, height), width, height)

    def _box(self, where: str, words: list[str], width: int, height: int) -> Box:
        if len(words) not in (5, 6):
            hint = "a polygon? Boxes only" if len(words) > 6 else "a line needs class x y width height"
            raise UserError(f"{where}: {len(words)} numbers, not 5: {hint}")
        self._confidences += len(words) == 6
        class_name = self._names.get(words[0])
        if class_name is None:
            known = first_of([f"{class_id} {name}" for class_id, name in self._names.items()])
            raise UserError(f"{where}: the class {words[0]!r} is not in the list of classes ({known})")
        try:
            x, y, w, h = map(float, words[1:5])
        except ValueError:
            raise UserError(f"{where}: {' '.join(words[1:5])!r} are not four numbers: correct the line") from None
        if not all(-0.5 <= value <= 1.5 for value in (x, y, w, h)):
            raise UserError(f"{where}: {' '.join(words[1:5])!r} are not fractions of the image, from 0 to 1")
        # Half of the last digit, for the middle and half of the size; and the arithmetic's own error.
        decimals = max(_MIN_DECIMALS, *(len(word.partition(".")[2]) for word in words[1:5]))
        error = 0.75 * 10.0**-decimals + 1e-15
        return Box(
            class_name,
            _snapped((x - w / 2) * width, error * width),
            _snapped((y - h / 2) * height, error * height),
            _snapped(w * width, error * width),
            _snapped(h * height, error * height),
        )


def _snapped(value: float, error: float) -> float:
    """Return the whole number that the value stands for, if one is within its error."""
    nearest = round(value)
    return float(nearest) if abs(value - nearest) <= error else value
