"""Image files: their sizes, and whether they are those that were labelled."""

from __future__ import annotations

import struct
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from labels.errors import UserError
from labels.formats.dataset import LabelledImage
from labels.image_folder import ImageFolder

_ORIENTATION = 0x0112
_ON_ITS_SIDE = range(5, 9)


@dataclass(frozen=True, slots=True)
class Size:
    """Of an image as viewers and training tools show it, in pixels.

    Attributes:
        turned: its EXIF orientation swaps the sides that are stored.
    """

    width: int
    height: int
    turned: bool = False


def image_size(path: Path) -> Size:
    """Read from the file's header; the pixels are not decoded.

    Raises:
        UserError: it is no image.
    """
    try:
        with warnings.catch_warnings():
            # Nothing is decoded, so a large image cannot fill the memory.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                width, height = image.size
                # Asking every image for its EXIF would decode PNGs to the end.
                orientation = image.getexif().get(_ORIENTATION) if "exif" in image.info else None
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError, struct.error) as e:
        raise UserError(f"{path}: cannot be read as an image ({type(e).__name__}): replace or remove it") from None
    if orientation in _ON_ITS_SIDE:
        return Size(height, width, True)
    return Size(width, height)


def files_of(images: Iterable[LabelledImage], folder: ImageFolder) -> dict[str, Path]:
    """The file of each image, by name.

    Raises:
        UserError: one is missing, no image, or of another size than its labels say.
    """
    found = {}
    for image in images:
        file = folder.file(image.name)
        size = image_size(file)
        sizes = [(size.width, size.height)]
        if size.turned:  # labels of older tools are on the image as it is stored
            sizes.append((size.height, size.width))
        if (image.width, image.height) not in sizes:
            raise UserError(
                f"{file} is {size.width} x {size.height} pixels, but its labels were made on "
                f"{image.width} x {image.height}: give the images that were labelled"
            )
        found[image.name] = file
    return found


class Sizes:
    """Sizes from the image files for labels that come without; remembers which images EXIF turns."""

    def __init__(self, images: ImageFolder | None) -> None:
        self._images = images
        self._turned = 0
        self._first = ""

    def of(self, name: str) -> tuple[int, int]:
        """Width and height in pixels; 0, 0 when there is no folder to look into."""
        return (0, 0) if self._images is None else self.measure(self._images.path, self._images.file(name))

    def measure(self, folder: Path, file: Path) -> tuple[int, int]:
        size = image_size(file)
        if size.turned:
            self._turned += 1
            self._first = self._first or file.relative_to(folder).as_posix()
        return size.width, size.height

    @property
    def notes(self) -> list[str]:
        if not self._turned:
            return []
        turned = f"{self._turned} images are turned by their EXIF orientation, first {self._first}"
        return [
            f"{turned}: labels are taken to be on the image as it is shown; save such images upright before training"
        ]
