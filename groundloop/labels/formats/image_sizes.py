"""Sizes of image files for labels that come without, and whether files are those that were labelled."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from groundloop.errors import UserError
from groundloop.images.local import ImageFolder
from groundloop.images.size import Size, image_size
from groundloop.labels.formats.dataset import LabelledImage


def files_of(images: Iterable[LabelledImage], folder: ImageFolder) -> dict[str, Path]:
    """Return the file of each image, by name.

    Raises:
        UserError: one is missing, no image, or of another size than its labels say.
    """
    found = {}
    for image in images:
        file = folder.file(image.name)
        size = image_size(file)
        sizes = [(size.width, size.height)]
        if size.rotated:  # labels of older tools are on the image as it is stored
            sizes.append((size.height, size.width))
        if (image.width, image.height) not in sizes:
            raise UserError(
                f"{file} is {size.width} x {size.height} pixels, but its labels were made on "
                f"{image.width} x {image.height}: give the images that were labelled"
            )
        found[image.name] = file
    return found


class Sizes:
    """Sizes from the image files for labels that come without; remembers which images EXIF rotates."""

    def __init__(self, images: ImageFolder | None) -> None:
        self._images = images
        self._rotated = 0
        self._first = ""

    def of(self, name: str) -> tuple[int, int]:
        """Return width and height in pixels; 0, 0 when there is no folder of images."""
        if self._images is None:
            return 0, 0
        size = self.measure(self._images.path, self._images.file(name))
        return size.width, size.height

    def measure(self, folder: Path, file: Path) -> Size:
        """Return the size of one file."""
        size = image_size(file)
        if size.rotated:
            self._rotated += 1
            self._first = self._first or file.relative_to(folder).as_posix()
        return size

    @property
    def notes(self) -> list[str]:
        """Return a line on images that EXIF rotates, if there are any."""
        if not self._rotated:
            return []
        rotated = f"{self._rotated} images are rotated by their EXIF orientation, first {self._first}"
        return [
            f"{rotated}: labels are taken to be on the image as it is shown; save such images upright before training"
        ]
