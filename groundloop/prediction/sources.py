"""The images that a user names: files, folders, patterns, S3 objects and prefixes, manifests."""

from __future__ import annotations

import fnmatch
import glob
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import msgspec

from groundloop.errors import UserError
from groundloop.images.access import SUFFIXES, Images, UnusableImageError
from groundloop.images.local import FolderImages, ImageFolder
from groundloop.s3 import SCHEME, split_uri

#: File names that are taken for images in a folder: what Pillow opens. A file that is named itself may have any.
IMAGE_SUFFIXES = SUFFIXES | {".avif", ".dib", ".j2k", ".jfif", ".jp2", ".jpe", ".pbm", ".pgm", ".ppm", ".tga"}
_MANIFEST_SUFFIXES = (".manifest", ".manifest.gz", ".jsonl", ".json")
_WILDCARDS = "*?["


class _Line(msgspec.Struct):
    source_ref: str = msgspec.field(name="source-ref")


@dataclass(frozen=True)
class SourceImage:
    """An image to predict on.

    Attributes:
        name: its path or S3 URI, under which results are kept.
        file_name: a relative path for files that are made from it.
        read: returns the encoded image, or raises UserError.
    """

    name: str
    file_name: str
    read: Callable[[], bytes]


class ImageSources:
    """Finds the images that a user names.

    Args:
        s3_images: reads images in S3; called once, with the first of them.
        s3_client: returns boto3's S3 client, for listing prefixes.
        folder: holds the images of manifests, found by the ends of their names; None reads them where they say.
    """

    def __init__(
        self, s3_images: Callable[[], Images], s3_client: Callable[[], object], folder: Path | None = None
    ) -> None:
        self._make_s3_images, self._s3_client = s3_images, s3_client
        self._s3_images: Images | None = None
        self._folder = FolderImages(folder) if folder is not None else None

    def find(self, sources: Sequence[str]) -> list[SourceImage]:
        """Return the images of all sources in their order, each once.

        Raises:
            UserError: a source does not exist or has no images.
        """
        found: dict[str, SourceImage] = {}
        for source in sources:
            images = list(self._of(source))
            if not images:
                raise UserError(f"{source}: there are no images: {', '.join(sorted(IMAGE_SUFFIXES))} are looked for")
            for image in images:
                found.setdefault(image.name, image)
        return list(found.values())

    def _of(self, source: str) -> Iterator[SourceImage]:
        if source.startswith(SCHEME):
            return self._in_s3(source)
        path = Path(source)
        if path.is_dir():
            return (_file(path / name, name) for name in _names(path))
        if path.name.lower().endswith(_MANIFEST_SUFFIXES) and path.is_file():
            return self._in_manifest(path)
        if any(sign in source for sign in _WILDCARDS) and not path.exists():
            matching = sorted(Path(one) for one in glob.glob(source, recursive=True))  # noqa: PTH207 - absolute ones too
            return (_file(one, one.name) for one in matching if one.is_file() and _is_image(one.name))
        if not path.exists():
            raise UserError(f"{source}: can't be read: there is no such file or folder")
        return iter([_file(path, path.name)])

    def _in_manifest(self, path: Path) -> Iterator[SourceImage]:
        from groundloop.labels.manifest import open_manifest

        with open_manifest(path) as stream:
            for number, line in enumerate(stream, start=1):
                if not line.strip():
                    continue
                try:
                    name = msgspec.json.decode(line.removeprefix(b"\xef\xbb\xbf"), type=_Line).source_ref
                except (msgspec.DecodeError, UnicodeDecodeError) as error:
                    raise UserError(f"{path}, line {number}: not a line of a manifest: {error}") from None
                yield self._named(name, path)

    def _named(self, name: str, manifest: Path) -> SourceImage:
        if self._folder is not None:
            folder = self._folder
            return SourceImage(name, PurePosixPath(name).name, lambda: _body(folder, name))
        if name.startswith(SCHEME):
            return self._object(name, split_uri(name)[1])
        path = manifest.parent / name
        return SourceImage(name, PurePosixPath(name).name, lambda: _read(path))

    def _in_s3(self, uri: str) -> Iterator[SourceImage]:
        if uri.lower().endswith(_MANIFEST_SUFFIXES):
            raise UserError(f"{uri}: download the manifest first and give its path; its images are read from S3")
        bucket, key = split_uri(uri)
        pattern = any(sign in key for sign in _WILDCARDS)
        if _is_image(key) and not pattern:
            yield self._object(uri, PurePosixPath(key).name)
            return
        prefix = key
        if pattern:
            prefix = key[: min(key.index(sign) for sign in _WILDCARDS if sign in key)]
        elif key and not key.endswith("/"):
            prefix = f"{key}/"
        client: object = self._s3_client()
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)  # type: ignore[attr-defined]
        for page in pages:
            for item in page.get("Contents", ()):
                name = str(item["Key"])
                if _is_image(name) and (not pattern or fnmatch.fnmatchcase(name, key)):
                    below = name.removeprefix(prefix) if not pattern else PurePosixPath(name).name
                    yield self._object(f"{SCHEME}{bucket}/{name}", below)

    def _object(self, uri: str, file_name: str) -> SourceImage:
        if self._s3_images is None:
            self._s3_images = self._make_s3_images()
        images = self._s3_images
        return SourceImage(uri, file_name, lambda: _body(images, uri))


def _names(folder: Path) -> list[str]:
    return ImageFolder(folder).names(IMAGE_SUFFIXES)


def _is_image(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in IMAGE_SUFFIXES


def _file(path: Path, file_name: str) -> SourceImage:
    return SourceImage(str(path), file_name, lambda: _read(path))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"can't be read: {error.strerror}") from None


def _body(images: Images, name: str) -> bytes:
    try:
        return images.body(name)
    except UnusableImageError as error:
        raise UserError(str(error)) from None
