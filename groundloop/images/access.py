"""The interface, the faults and the limits that all readers of images share."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple, Protocol

#: AWS does not say whether its MB is 10^6 or 2^20 bytes: the smaller one is right either way.
MEGABYTE = 1_000_000
#: Images that are read at the same time.
MAX_THREADS = 16
#: File names that are taken for images.
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp"})


class ImageFault(str, Enum):
    """Why an image can't be used, or should be looked at; the value is the code of the label finding."""

    INVALID_URI = "ERROR_INVALID_SOURCE_REF_FORMAT"
    INVALID = "ERROR_INVALID_IMAGE"
    MISSING = "ERROR_IMAGE_MISSING"
    FORBIDDEN = "ERROR_IMAGE_FORBIDDEN"
    TOO_LARGE = "ERROR_IMAGE_TOO_LARGE"
    SIZE_DIFFERS = "ERROR_IMAGE_SIZE_DIFFERS"
    CHANNELS = "ERROR_IMAGE_CHANNELS"
    EXIF_ROTATED = "WARNING_IMAGE_ROTATED_BY_EXIF"


class UnusableImageError(Exception):
    """An image can't be read; the text says why and what to do."""

    def __init__(self, fault: ImageFault, message: str) -> None:
        super().__init__(message)
        self.fault = fault


class Images(Protocol):
    """A place where images are kept. Both methods are called from several threads.

    Raises:
        UnusableImageError: this image can't be read.
        UserError: no image can be read.
    """

    def size(self, source_ref: str) -> int:
        """Return the size of the encoded image in bytes."""

    def body(self, source_ref: str) -> bytes:
        """Return the encoded image."""


class ImageVersion(NamedTuple):
    """What S3 says of an object without reading it: its size in bytes, and the ETag that a new content changes."""

    size: int
    etag: str


class VersionedImages(Images, Protocol):
    """A place that tells an image's version; called from several threads, as the other methods are."""

    def version(self, source_ref: str) -> ImageVersion:
        """Return an image's version."""


def one_line(error: Exception) -> str:
    """Return an error's text on one line, or the error's type when it has no text."""
    return " ".join(str(error).split()) or type(error).__name__
