"""The images of a transform job: listed, checked one by one, and kept with the model that predicts them.

A single object that can't be decoded fails a whole transform job. So every image is read and decoded before; one that
can't be used is skipped, with its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice, takewhile
from pathlib import Path
from typing import TypeAlias

import msgspec

from groundloop.aws import client
from groundloop.errors import UserError
from groundloop.images.access import MAX_THREADS, MEGABYTE, Images, UnusableImageError
from groundloop.images.decoding import image_problem
from groundloop.images.s3 import S3Images
from groundloop.images.size import encoded_size
from groundloop.labels.image_check import size_problem
from groundloop.labels.manifest import source_ref_of
from groundloop.models.packages import Package
from groundloop.review.image_list import s3_image_names
from groundloop.s3 import SCHEME, read_bytes, split_uri

#: File names: what Batch Transform reads, and what the results are written from.
MANIFEST_FILE = "manifest.json"
SELECTION_FILE = "selection.json"
_MANIFEST_SUFFIXES = (".manifest", ".jsonl", ".json")
_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")
# What is in flight at a time, however many images there are.
_BATCH = 256

#: Called with the number of images that are checked, and of all images.
Progress: TypeAlias = Callable[[int, int], None]


class SelectedImage(msgspec.Struct, frozen=True, omit_defaults=True):
    """An image that is predicted.

    Attributes:
        source_ref: its S3 URI.
        width, height: pixels as stored.
        orientation: of EXIF, 1 to 8.
    """

    source_ref: str
    width: int
    height: int
    orientation: int = 1


class SkippedImage(msgspec.Struct, frozen=True):
    """An image that can't be predicted, and why."""

    source_ref: str
    reason: str


class Selection(msgspec.Struct, frozen=True):
    """The content of `selection.json`: what a transform job predicts, and how its outputs are decoded.

    Attributes:
        model_package: ARN of the version.
        classes: its class list, in id order.
        thresholds: its operating threshold by class.
        images: those that are predicted, all different.
        skipped: those that can't be.
        notes: what else was left out, such as files that are not images.
    """

    model_package: str
    classes: list[str]
    thresholds: dict[str, float]
    images: list[SelectedImage]
    skipped: list[SkippedImage] = []
    notes: list[str] = []

    def encoded(self) -> bytes:
        """Return the content of `selection.json`."""
        return msgspec.json.encode(self) + b"\n"

    def manifest(self) -> bytes:
        """Return Batch Transform's ManifestFile: `[{"prefix": "s3://bucket/folder/"}, "a.jpg", ...]`.

        Raises:
            UserError: the images lie in several buckets, which one prefix can't say.
        """
        prefix, names = self.relative_names()
        return msgspec.json.encode([{"prefix": prefix}, *names])

    def relative_names(self) -> tuple[str, list[str]]:
        """Return the prefix of all images, and the rest of each image's URI.

        Raises:
            UserError: the images lie in several buckets, which one prefix can't say.
        """
        names = [image.source_ref for image in self.images]
        if len(buckets := sorted({split_uri(name)[0] for name in names})) > 1:
            raise UserError(
                f"the images lie in {len(buckets)} buckets ({', '.join(buckets)}), but a transform job reads one: "
                "predict the images of each bucket by themselves"
            )
        # What the first and the last in order share at the start, all share.
        pairs = zip(min(names), max(names), strict=False)
        common = "".join(left for left, _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
        prefix = common[: common.rindex("/") + 1]
        return prefix, [name.removeprefix(prefix) for name in names]


def decode_selection(content: bytes, name: str) -> Selection:
    """Read the content of a `selection.json`.

    Args:
        content: of the file.
        name: its path or URI, for the error message.

    Raises:
        UserError: it is something else.
    """
    try:
        return msgspec.json.decode(content, type=Selection)
    except msgspec.DecodeError as error:
        raise UserError(f"{name} is not the list of images of a batch prediction: {error}") from None


def write_selection(selection: Selection, folder: Path) -> None:
    """Write the ManifestFile and `selection.json` into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST_FILE).write_bytes(selection.manifest())
    (folder / SELECTION_FILE).write_bytes(selection.encoded())


def select_images(
    source: str, package: Package, region: str, *, max_payload_mb: int, progress: Progress | None = None
) -> Selection:
    """List the images of an S3 prefix or manifest and check each of them.

    Args:
        source: S3 prefix, below which all JPEG and PNG images are taken; or a manifest (`.manifest`, `.jsonl`,
            `.json`), whose lines name their image as `source-ref`.
        package: the version that predicts them.
        region: AWS region.
        max_payload_mb: larger images are skipped.
        progress: called after each image.

    Raises:
        UserError: S3 can't be read, the manifest is damaged, or there is no image that can be predicted.
    """
    names, notes = _names(source, region)
    images: list[SelectedImage] = []
    skipped: list[SkippedImage] = []
    for number, checked in enumerate(_checked(names, S3Images(region), max_payload_mb * MEGABYTE), start=1):
        if isinstance(checked, SelectedImage):
            images.append(checked)
        else:
            skipped.append(checked)
        if progress:
            progress(number, len(names))
    if not images:
        first = f"; {skipped[0].source_ref}: {skipped[0].reason}" if skipped else "".join(f"; {note}" for note in notes)
        raise UserError(f"{source} holds no image that can be predicted{first}")
    return Selection(package.arn, package.classes, package.thresholds, images, skipped, notes)


def _names(source: str, region: str) -> tuple[list[str], list[str]]:
    """Return the URIs of the images, sorted and each once, and notes on what is left out."""
    split_uri(source)
    if not source.endswith(_MANIFEST_SUFFIXES):
        return s3_image_names(source, region)
    lines = read_bytes(client("s3", region), source).splitlines()
    names = [_source_ref(line, f"{source}, line {number}") for number, line in enumerate(lines, 1) if line.strip()]
    return sorted(set(names)), []


def _source_ref(line: bytes, place: str) -> str:
    name = source_ref_of(line)
    if not name or not name.startswith(SCHEME):
        raise UserError(f"{place}: a manifest's line is a JSON object whose source-ref is the S3 URI of an image")
    return name


def _checked(names: list[str], images: Images, max_bytes: int) -> Iterator[SelectedImage | SkippedImage]:
    remaining = iter(names)
    with ThreadPoolExecutor(MAX_THREADS) as pool:
        while batch := list(islice(remaining, _BATCH)):
            yield from pool.map(lambda name: _check(images, name, max_bytes), batch)


def _check(images: Images, name: str, max_bytes: int) -> SelectedImage | SkippedImage:
    try:
        body = images.body(name)
    except UnusableImageError as error:
        return SkippedImage(name, str(error))
    if problem := size_problem(len(body), max_bytes):
        return SkippedImage(name, problem[1])
    if not body.startswith(_SIGNATURES):
        return SkippedImage(name, "the object is neither a JPEG nor a PNG image, which the algorithm takes")
    try:
        size = encoded_size(body)
    except UserError as error:
        return SkippedImage(name, str(error))
    # A size says how an image is shown; boxes are on the pixels as they are stored.
    width, height = size.stored
    problem = image_problem(body, width, height)
    if problem and not problem[0].value.startswith("WARNING"):
        return SkippedImage(name, problem[1])
    return SelectedImage(name, width, height, size.orientation)
