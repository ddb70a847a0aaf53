"""Image files on disk, found by the names that labels have for them: S3 URIs, or paths below some other folder."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Collection
from functools import cached_property
from itertools import takewhile
from pathlib import Path, PurePosixPath

from groundloop.errors import UserError
from groundloop.images.access import SUFFIXES, ImageFault, UnusableImageError


class ImageFolder:
    """The files below one folder, other than those in hidden folders.

    Raises:
        UserError: it is not a folder.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_dir():
            raise UserError(f"{path} is not a folder: give the folder that holds the image files")
        self.path = path
        self._owner: dict[Path, str] = {}

    def names(self, suffixes: Collection[str] = SUFFIXES) -> list[str]:
        """Return the image files by suffix, relative to the folder and joined by `/`, sorted.

        Raises:
            UserError: a file's name is not a string.
        """
        suffixed = (name for name in self._by_name if Path(name).suffix.lower() in suffixes)
        found = ["/".join(parts) for name in suffixed for parts in self._by_name[name]]
        for name in found:
            if not name.isascii() and any("\ud800" <= letter <= "\udfff" for letter in name):
                raise UserError(f"{self.path}: the file name {name!r} is not UTF-8: rename it")
        return sorted(found)

    def find(self, name: str) -> Path | None:
        """Return the file that shares the longest tail with the name; None when not even the last part is shared.

        Of several, the one that has no folders beyond that tail.

        Raises:
            UserError: several fit equally well, or the file is another image's already.
        """
        parts = PurePosixPath(name.removeprefix("s3://")).parts
        same_name = self._by_name.get(parts[-1], []) if parts else []
        if not same_name:
            return None
        shared = [_shared_tail(parts, one) for one in same_name]
        most = max(shared)
        fitting = [one for one, count in zip(same_name, shared, strict=True) if count == most]
        if len(fitting) > 1 and parts[-most:] in fitting:
            fitting = [parts[-most:]]
        if len(fitting) > 1:
            shown = ", ".join("/".join(one) for one in sorted(fitting)[:3])
            raise UserError(f"{self.path}: {len(fitting)} files fit {name} equally well ({shown}): keep one")
        file = self.path.joinpath(*fitting[0])
        owner = self._owner.setdefault(file, name)
        if owner != name:
            raise UserError(
                f"{file} would stand for two images, {owner} and {name}: put the images into folders named as in the "
                "labels"
            )
        return file

    def file(self, name: str) -> Path:
        """Find the file of an image that must be there.

        Raises:
            UserError: it is not, or see `find`.
        """
        found = self.find(name)
        if found is None:
            raise UserError(
                f"the image {name} is not in the folder {self.path}: complete the folder, or give the right one"
            )
        return found

    @cached_property
    def _by_name(self) -> dict[str, list[tuple[str, ...]]]:
        """Return paths relative to the folder, as parts, by the file's own name."""
        found: defaultdict[str, list[tuple[str, ...]]] = defaultdict(list)
        for folder, folders, names in os.walk(self.path):
            # The files of runs, of environments and of Git lie in such folders.
            folders[:] = [one for one in folders if not one.startswith(".")]
            parts = Path(folder).relative_to(self.path).parts
            for name in names:
                found[name].append((*parts, name))
        return dict(found)


class FolderImages:
    """Images below a folder, read by the URIs that labels have for them, as jobs read them from S3.

    An image for which several files fit equally well, or whose file is another image's, counts as missing.

    Raises:
        UserError: it is not a folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = ImageFolder(folder)

    def size(self, source_ref: str) -> int:
        """Return the size of the encoded image in bytes."""
        return self._path(source_ref).stat().st_size

    def body(self, source_ref: str) -> bytes:
        """Return the encoded image."""
        try:
            return self._path(source_ref).read_bytes()
        except OSError as error:
            raise UnusableImageError(ImageFault.INVALID, f"the image cannot be read: {error.strerror}") from None

    def _path(self, source_ref: str) -> Path:
        try:
            path = self._folder.find(source_ref)
        except UserError as error:
            raise UnusableImageError(ImageFault.MISSING, str(error)) from None
        if path is None:
            message = f"no such image in {self._folder.path}: put it there, or correct the source-ref"
            raise UnusableImageError(ImageFault.MISSING, message)
        return path


def _shared_tail(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    """Count the parts at the end that are the same."""
    pairs = zip(reversed(one), reversed(other), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
