"""The data model of all formats: images with boxes, and an ordered list of classes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from groundloop.errors import UserError
from groundloop.labels.boxes import CLIP_TOLERANCE, fit_box
from groundloop.labels.class_maps import check_class_count
from groundloop.labels.findings import LabelCode
from groundloop.labels.records import Box


@dataclass(frozen=True, slots=True)
class LabelledImage:
    """One image that has been labelled, with or without boxes.

    Attributes:
        name: the S3 URI, or the file's name below the folder of images, its parts joined by `/`.
        width, height: pixels; 0 where the source does not say.
        boxes: may be empty (a negative).
        orientation: of EXIF, where the boxes are on the image as shown and reading looked into its file; else 1.
        confidences: of the boxes, 0 to 1, where they are several people's; else empty.
    """

    name: str
    width: int
    height: int
    boxes: tuple[Box, ...] = ()
    orientation: int = 1
    confidences: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class LabelledDataset:
    """A labelled data set.

    Attributes:
        images: in the source's order, each name once.
        classes: names in the order of their ids, each once; holds every box's class, and maybe unused ones.
        notes: what reading left out or changed, one line each.
        on_stored_pixels: whether boxes are on images as stored, and not as shown, where the sizes don't tell.
        left_out: why images were left out, one message each, where reading was asked to go on.
    """

    images: tuple[LabelledImage, ...]
    classes: tuple[str, ...]
    notes: tuple[str, ...] = ()
    on_stored_pixels: bool = False
    left_out: tuple[str, ...] = ()

    @property
    def boxes(self) -> int:
        """Count the boxes of all images."""
        return sum(len(image.boxes) for image in self.images)

    @property
    def negatives(self) -> int:
        """Count the images without boxes."""
        return sum(not image.boxes for image in self.images)

    @property
    def in_s3(self) -> bool:
        """Return whether the images are named by S3 URIs.

        Raises:
            UserError: some are and some are not.
        """
        named = {image.name.startswith("s3://"): image.name for image in self.images}
        if len(named) > 1:
            raise UserError(
                f"some images are S3 URIs ({named[True]}) and some are file names ({named[False]}): name all alike"
            )
        return True in named

    def require_sizes(self, target: str) -> None:
        """Check that the size of every image is known, for formats that hold sizes or need them.

        Raises:
            UserError: the size of an image is not known.
        """
        unknown = [image.name for image in self.images if not (image.width and image.height)]
        if unknown:
            raise UserError(
                f"{target} needs the size of each image, and the source does not say it for {len(unknown)} of "
                f"{len(self.images)}, such as {unknown[0]}: give the folder with the images by --images"
            )


class BoxCheck:
    """Checks boxes as they are read: valid ones pass, those a little beyond the image are clipped, others rejected."""

    def __init__(self) -> None:
        self._clipped = 0
        self._first = ""

    def __call__(self, where: str, box: Box, width: int, height: int) -> Box:
        """Check one box and return the box to use.

        Args:
            where: file and line or element, for messages.
            width, height: of the image, pixels; 0 where they are not known.

        Raises:
            UserError: no numbers, no area, or beyond the image.
        """
        sides = (box.left, box.top, box.width, box.height)
        if not all(map(math.isfinite, sides)):
            raise UserError(f"{where}: the box {sides} is not made of finite numbers: correct or remove it")
        fitted, problem = fit_box(box, width or 2**53, height or 2**53, CLIP_TOLERANCE)
        if problem is None:
            return fitted
        if problem[0] is not LabelCode.BOX_CLIPPED:
            raise UserError(f"{where}: the box of class {box.class_name!r} {problem[1]}: correct or remove it")
        self._clipped += 1
        self._first = self._first or where
        return fitted

    @property
    def notes(self) -> list[str]:
        """Return a line on the clipped boxes, if there are any."""
        if not self._clipped:
            return []
        left = f"{self._clipped} boxes left their image by up to {CLIP_TOLERANCE:g} pixels and were clipped to it"
        return [f"{left}, first: {self._first}"]


class LeftOut:
    """The faults for which images are left out: without the faulty box, an image would teach that nothing is there.

    Args:
        strict: the first fault is raised.
    """

    def __init__(self, strict: bool) -> None:
        self._strict = strict
        self._messages: list[str] = []

    def add(self, error: UserError) -> None:
        """Keep a fault.

        Raises:
            UserError: the fault itself, if strict.
        """
        if self._strict:
            raise error
        self._messages.append(str(error))

    def messages(self, images: Sequence[LabelledImage]) -> tuple[str, ...]:
        """Return all faults.

        Raises:
            UserError: no image is left.
        """
        if self._messages and not images:
            others = f" ({len(self._messages)} faults, and no image is left)" if len(self._messages) > 1 else ""
            raise UserError(f"{self._messages[0]}{others}")
        return tuple(self._messages)


def check_unique(images: Iterable[LabelledImage], source: Path) -> None:
    """Check that no two images have the same name.

    Raises:
        UserError: two have.
    """
    seen: set[str] = set()
    for image in images:
        if image.name in seen:
            raise UserError(f"{source}: the image {image.name} appears twice: join its labels or remove one")
        seen.add(image.name)


def check_classes(names: Sequence[str], source: Path) -> None:
    """Check that every class has a name of its own.

    Raises:
        UserError: a class has no name, two have the same, or there are more than can be trained on.
    """
    try:
        check_class_count(names)
    except UserError as error:
        raise UserError(f"{source}: {error}") from None
    seen: set[str] = set()
    for position, name in enumerate(names, start=1):
        if not name:
            raise UserError(f"{source}: class {position} of {len(names)} has an empty name: give it one")
        if name in seen:
            raise UserError(f"{source}: the class {name!r} is named twice: give each class one name and one id")
        seen.add(name)


def used_classes(images: Iterable[LabelledImage]) -> tuple[str, ...]:
    """Return every class that a box has, sorted."""
    return tuple(sorted({box.class_name for image in images for box in image.boxes}))


def as_json_number(value: float) -> int | float:
    """Return the number as other tools write it: 417, not 417.0."""
    return int(value) if float(value).is_integer() else value
