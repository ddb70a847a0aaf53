"""Image files on disk, asked for by the URIs that labels have for them, as jobs ask S3."""

from __future__ import annotations

from pathlib import Path

from labels.errors import UserError
from labels.findings import Code
from labels.image_folder import ImageFolder
from steps.prepare.images import UnusableImageError


class FolderImages:
    """Images below a folder. One that several files could be, or that shares its file with another, counts as missing.

    Raises:
        UserError: it is no folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = ImageFolder(folder)

    def size(self, source_ref: str) -> int:
        """Bytes of the encoded image."""
        return self._path(source_ref).stat().st_size

    def body(self, source_ref: str) -> bytes:
        """The encoded image."""
        try:
            return self._path(source_ref).read_bytes()
        except OSError as error:
            raise UnusableImageError(Code.INVALID_IMAGE, f"the image cannot be read: {error.strerror}") from None

    def _path(self, source_ref: str) -> Path:
        try:
            path = self._folder.find(source_ref)
        except UserError as error:
            raise UnusableImageError(Code.IMAGE_MISSING, str(error)) from None
        if path is None:
            told = f"no such image in {self._folder.path}: put it there, or correct the source-ref"
            raise UnusableImageError(Code.IMAGE_MISSING, told)
        return path
