"""The images of a folder, on disk or in S3, with their sizes as stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from groundloop.errors import UserError
from groundloop.images.access import MAX_THREADS, Images, UnusableImageError
from groundloop.images.local import ImageFolder
from groundloop.images.s3 import S3Images
from groundloop.images.size import Size, encoded_size, image_size
from groundloop.s3 import split_uri

#: What the built-in algorithm takes.
_SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})


@dataclass(frozen=True, slots=True)
class ListedImage:
    """An image of a folder.

    Attributes:
        source_ref: S3 URI, or the name below the folder.
        width, height: pixels as stored.
    """

    source_ref: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class ImageList:
    """The images of a folder.

    Attributes:
        images: sorted by name.
        notes: which files were left out, and why.
    """

    images: tuple[ListedImage, ...]
    notes: tuple[str, ...]


def list_folder(folder: Path) -> ImageList:
    """List the images below a folder on disk.

    Raises:
        UserError: it is not a folder, or holds no JPEG or PNG.
    """
    names, notes = _usable(ImageFolder(folder).names())
    listed: list[ListedImage] = []
    unreadable: list[str] = []
    for name in names:
        try:
            listed.append(_listed(name, image_size(folder / name)))
        except UserError:
            unreadable.append(name)
    return _list(str(folder), listed, [*notes, *_unreadable(unreadable)])


def list_s3(uri: str, region: str) -> ImageList:
    """List the images below a prefix in S3. Their sizes are read from the images themselves.

    Raises:
        UserError: S3 can't be read, or there is no JPEG or PNG.
    """
    names, notes = s3_image_names(uri, region)
    images = S3Images(region)
    with ThreadPoolExecutor(MAX_THREADS) as pool:
        sizes = list(pool.map(lambda name: _size(images, name), names))
    listed = [_listed(name, size) for name, size in zip(names, sizes, strict=True) if size]
    unreadable = [name for name, size in zip(names, sizes, strict=True) if size is None]
    return _list(uri, listed, [*notes, *_unreadable(unreadable)])


def s3_image_names(uri: str, region: str) -> tuple[list[str], list[str]]:
    """Return the S3 URIs of the JPEG and PNG images below a prefix, sorted, and notes on what is left out.

    Args:
        uri: the prefix.
        region: AWS region.
    """
    return _usable(sorted(_objects(uri, region)))


def _objects(uri: str, region: str) -> Iterator[str]:
    from groundloop.aws import client

    bucket, prefix = split_uri(uri.rstrip("/") + "/")
    pages = client("s3", region).get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    for page in pages:
        for item in page.get("Contents", []):
            if item["Size"]:
                yield f"s3://{bucket}/{item['Key']}"


def _size(images: Images, source_ref: str) -> Size | None:
    try:
        body = images.body(source_ref)
    except UnusableImageError:
        return None
    try:
        return encoded_size(body)
    except UserError:
        return None


def _listed(name: str, size: Size) -> ListedImage:
    # A size says how an image is shown; boxes are on the pixels as they are stored.
    width, height = size.stored
    return ListedImage(name, width, height)


def _usable(names: Iterable[str]) -> tuple[list[str], list[str]]:
    usable: list[str] = []
    others: Counter[str] = Counter()
    for name in names:
        suffix = PurePosixPath(name).suffix.lower()
        if suffix in _SUFFIXES:
            usable.append(name)
        else:
            others[suffix or "no suffix"] += 1
    if not others:
        return usable, []
    kinds = ", ".join(f"{count} {suffix}" for suffix, count in sorted(others.items()))
    return usable, [f"{sum(others.values())} files are left out, as the built-in algorithm takes JPEG and PNG: {kinds}"]


def _unreadable(names: list[str]) -> list[str]:
    if not names:
        return []
    return [f"{len(names)} images are left out, as they can't be read, first: {names[0]}"]


def _list(place: str, listed: list[ListedImage], notes: list[str]) -> ImageList:
    if not listed:
        why = f": {'; '.join(notes)}" if notes else ""
        raise UserError(f"{place} holds no JPEG or PNG image{why}")
    return ImageList(tuple(listed), tuple(notes))
