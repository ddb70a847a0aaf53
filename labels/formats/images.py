"""A folder of image files: their names, their sizes, and which file belongs to which label."""

from __future__ import annotations

import os
import struct
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from labels.errors import UserError
from labels.formats.dataset import LabelledImage

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp"})

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


class ImageFolder:
    """Finds the files of labelled images below one folder.

    Raises:
        UserError: it is no folder.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_dir():
            raise UserError(f"the folder of images {path} does not exist: give the folder that holds the image files")
        self.path = path
        self._owner: dict[Path, str] = {}

    def names(self) -> list[str]:
        """Image files, relative to the folder and joined by `/`, sorted.

        Raises:
            UserError: a file's name is no text.
        """
        found = []
        for folder, _, files in os.walk(self.path):
            relative = Path(folder).relative_to(self.path)
            found += [(relative / name).as_posix() for name in files if Path(name).suffix.lower() in SUFFIXES]
        for name in found:
            if not name.isascii() and any("\ud800" <= letter <= "\udfff" for letter in name):
                raise UserError(f"{self.path}: the file name {name!r} is not UTF-8: rename it")
        return sorted(found)

    def find(self, name: str) -> Path:
        """The image's file: at its name below the folder or, leading folders dropped, at the longest tail of it.

        Raises:
            UserError: there is none, or it belongs to another image already.
        """
        parts = name.removeprefix("s3://").split("/")
        for start in range(len(parts)):
            tail = parts[start:]
            if any(part in ("", ".", "..") or "\0" in part for part in tail):
                continue
            file = self.path.joinpath(*tail)
            if file.is_file():
                owner = self._owner.setdefault(file, name)
                if owner != name:
                    raise UserError(
                        f"{file} would stand for two images, {owner} and {name}: put the images into folders "
                        "named as in the labels"
                    )
                return file
        raise UserError(
            f"the image {name} is not in the folder {self.path}: complete the folder, or give the right one"
        )

    def size(self, name: str) -> Size:
        """Of the image with that name.

        Raises:
            UserError: there is no such file, or it is no image.
        """
        return image_size(self.find(name))

    def files(self, images: Iterable[LabelledImage]) -> dict[str, Path]:
        """The file of each image, by name.

        Raises:
            UserError: one is missing, no image, or of another size than its labels say.
        """
        found = {}
        for image in images:
            file = self.find(image.name)
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
        return (0, 0) if self._images is None else self.measure(self._images.path, self._images.find(name))

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
