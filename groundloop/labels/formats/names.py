"""Image names: S3 URIs in manifests, file names elsewhere, and one label file for each image."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import takewhile
from pathlib import PurePosixPath

from groundloop.errors import UserError
from groundloop.labels.formats.dataset import LabelledDataset

_S3 = "s3://"


def as_file_names(dataset: LabelledDataset, prefix: str | None = None) -> LabelledDataset:
    """Turn S3 URIs into names below one folder; other names stay.

    Args:
        prefix: S3 URI of that folder; None: the deepest one that holds all images.

    Returns:
        The data set with a note that names the folder: `under_prefix` needs it for the way back.

    Raises:
        UserError: an image is not below the prefix.
    """
    if not dataset.images or not dataset.in_s3:
        return dataset
    folder = _common_folder(image.name for image in dataset.images) if prefix is None else _folder(prefix)
    images = []
    for image in dataset.images:
        name = image.name.removeprefix(folder)
        if name == image.name or not name:
            raise UserError(
                f"the image {image.name} is not below --prefix {folder}: give a folder that holds all images"
            )
        images.append(replace(image, name=name))
    note = f"S3 URIs became file names below {folder}: give it as --prefix to convert back"
    return replace(dataset, images=tuple(images), notes=(*dataset.notes, note))


def under_prefix(dataset: LabelledDataset, prefix: str | None, target: str) -> LabelledDataset:
    """Put file names below an S3 folder; S3 URIs stay.

    Raises:
        UserError: there is no prefix to put them below, or nothing that needs one.
    """
    if not dataset.images:
        return dataset
    if dataset.in_s3:
        if prefix is not None:
            raise UserError(f"--prefix {prefix} is not needed: the source names its images by S3 URIs; leave it out")
        return dataset
    if prefix is None:
        raise UserError(
            f"{target} names images by S3 URIs, and the source by file names, such as {dataset.images[0].name}: "
            "say where the images are with --prefix s3://bucket/images/"
        )
    folder = _folder(prefix)
    return replace(dataset, images=tuple(replace(image, name=folder + image.name) for image in dataset.images))


class NameReader:
    r"""Reads image names as tools write them: Windows' `\` between folders is read as `/`."""

    def __init__(self) -> None:
        self._changed = 0
        self._first = ""

    def __call__(self, name: str) -> str:
        r"""Return the name with `/` between its parts; S3 URIs stay, as a key may hold a `\`."""
        if "\\" not in name or name.startswith(_S3):
            return name
        self._changed += 1
        self._first = self._first or name
        return name.replace("\\", "/").removeprefix("./")

    @property
    def notes(self) -> list[str]:
        """Return a line on the changed names, if there are any."""
        if not self._changed:
            return []
        return [f"{self._changed} image names have a backslash, which is read as /, first: {self._first}"]


def check_file_name(name: str) -> PurePosixPath:
    """Return the name as a path that stays below the folder it is put into.

    Raises:
        UserError: it does not, or is not a file name.
    """
    parts = name.split("/")
    if any(part in ("", ".", "..") for part in parts) or "\\" in name or "\0" in name:
        raise UserError(f"the image name {name!r} cannot be a file below a folder: rename the image")
    return PurePosixPath(name)


def label_files(names: Iterable[str], suffix: str) -> dict[str, PurePosixPath]:
    """Return one label file for each image: its name with another suffix (`a.b.jpg` has `a.b.txt`).

    Raises:
        UserError: two images would share a file, or a name is not a file name.
    """
    files: dict[str, PurePosixPath] = {}
    owner: dict[PurePosixPath, str] = {}
    for name in names:
        image = check_file_name(name)
        file = image.with_name(image.stem + suffix)
        if file in owner:
            raise UserError(
                f"the images {owner[file]} and {name} would share the label file {file}: rename one of them"
            )
        owner[file] = name
        files[name] = file
    return files


def _folder(prefix: str) -> str:
    # s3:// alone stands for names that begin with the bucket.
    if not prefix.startswith(_S3) or (prefix != _S3 and prefix.startswith(_S3 + "/")):
        raise UserError(f"--prefix {prefix} is not an S3 folder: give one such as s3://bucket/images/")
    return prefix if prefix.endswith("/") else prefix + "/"


def _common_folder(uris: Iterable[str]) -> str:
    folders = [uri.removeprefix(_S3).split("/")[:-1] for uri in uris]
    # What the first and the last in order share, all between them share too.
    pairs = zip(min(folders), max(folders), strict=False)
    return _S3 + "".join(f"{one}/" for one, _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
