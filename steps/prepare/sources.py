"""Where labels come from: one or several manifests, as plain files with one label attribute each."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from groundloop.errors import UserError
from groundloop.images.size import Size
from groundloop.labels.attributes import AUTO, CANONICAL, Attributes, choose_attribute, find_attributes
from groundloop.labels.formats.format_name import FormatName
from groundloop.labels.line_reader import is_compressed, raw_lines, unpack
from steps.jobs import say

if TYPE_CHECKING:
    from groundloop.labels.formats.dataset import LabelledDataset

NO_IMAGES = "none"
"""In place of a folder of images: the labels name their images by S3 URI."""


@dataclass(frozen=True)
class ManifestSource:
    """A manifest.

    Attributes:
        path: the file.
        name: its S3 URI, for messages.
        attribute: the label attribute; `auto` until it is resolved.
    """

    path: Path
    name: str
    attribute: str = AUTO


def find_manifest(folder: Path, uri: str) -> Path:
    """Find the manifest among what was downloaded: the URI's last part, or the only file.

    Raises:
        UserError: there is no such file, or several that could be meant.
    """
    if folder.is_file():
        return folder
    name = uri.rpartition("/")[2]
    if name:
        if (folder / name).is_file():
            return folder / name
        raise UserError(f"the manifest {uri} does not exist: there is no {name} in {folder}")
    if uri:
        raise UserError(f"the manifest URI {uri} names a folder: give the manifest itself, s3://.../output.manifest")
    files = sorted(path for path in folder.glob("*") if path.is_file())
    if len(files) == 1:
        return files[0]
    found = ", ".join(path.name for path in files[:5]) or "nothing"
    raise UserError(f"{folder} should hold one manifest but holds {found}: choose one with --manifest-uri")


#: Reads the sizes of images, by S3 URI.
ReadSizes = Callable[[Sequence[str]], Mapping[str, Size]]


@dataclass(frozen=True)
class SourceArgument:
    """Additional labels, as the job's arguments name them.

    Attributes:
        folder: where they were downloaded to.
        format: of `labels.formats`, or `auto`.
        attribute: the label attribute, of manifests.
        images: S3 URI of the folder of images, for formats that name images by file; else "".
        uri: the labels' own S3 URI.
    """

    folder: Path
    format: str
    attribute: str
    images: str
    uri: str


def resolve_additional_source(argument: SourceArgument, work: Path, sizes: ReadSizes) -> ManifestSource:
    """Return additional labels, in any format, as a manifest.

    Args:
        work: folder for the manifest, where they are none.
        sizes: reads the sizes of images from S3, for formats that don't say them.

    Raises:
        UserError: they can't be found or read; the message names their URI.
    """
    # Here, because the formats bring what decodes images, and most runs need neither.
    from groundloop.labels.formats.groundtruth.writer import manifest
    from groundloop.labels.formats.registry import FORMATS, Options, detect

    name = argument.uri.rstrip("/").rpartition("/")[2]
    file = argument.folder / name
    path = file if file.is_file() else argument.folder
    try:
        label_format = detect(path) if argument.format == AUTO else FormatName(argument.format)
        if label_format is FormatName.GROUNDTRUTH:
            return ManifestSource(find_manifest(argument.folder, argument.uri), argument.uri, argument.attribute)
        dataset = FORMATS[label_format].read(path, Options())
    except UserError as error:
        raise UserError(str(error).replace(str(path), argument.uri.rstrip("/"))) from None
    stored = _in_s3(dataset, argument, sizes)
    for note in stored.notes:
        say(f"{argument.uri}: {note}")
    target = work / f"additional-source-{len(list(work.iterdir()))}.manifest"
    target.write_bytes(manifest(stored, CANONICAL, confidence=0, target=argument.uri))
    say(f"{argument.uri}: {len(stored.images)} images, read as {label_format.value}")
    return ManifestSource(target, argument.uri, CANONICAL)


def _in_s3(dataset: LabelledDataset, argument: SourceArgument, sizes: ReadSizes) -> LabelledDataset:
    """Name the images by S3 URI, look up sizes that the labels don't say, and put boxes onto the pixels as stored."""
    from groundloop.labels.formats.orientation import as_stored

    images = dataset.images
    if not dataset.in_s3:
        if not argument.images:
            raise UserError(
                f"{argument.uri} names its images by file, such as {images[0].name}: say which folder in S3 holds them "
                "(in a pipeline: images, beside its uri)"
            )
        images = tuple(replace(image, name=f"{argument.images.rstrip('/')}/{image.name}") for image in images)
    unknown = [image.name for image in images if not (image.width and image.height)]
    if unknown:
        known = sizes(unknown)
        images = tuple(
            replace(image, width=size.width, height=size.height, orientation=size.orientation)
            if (size := known.get(image.name))
            else image
            for image in images
        )
    return as_stored(replace(dataset, images=images), None)


def unpacked(source: ManifestSource, folder: Path) -> ManifestSource:
    """Return the source as a plain file, since a compressed one can't be read from the middle.

    Args:
        folder: where to put it.

    Raises:
        UserError: the file is compressed and damaged, or holds a line that no manifest has.
    """
    if not is_compressed(source.path):
        return source
    plain = folder / f"{len(list(folder.iterdir()))}-{source.path.name}"
    try:
        with gzip.open(source.path) as packed, plain.open("wb") as stream:
            unpack(cast(BinaryIO, packed), stream, source.name)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise UserError(
            f"the compressed manifest {source.name} is damaged ({error}): download or pack it again"
        ) from None
    return replace(source, path=plain)


def is_blank(manifest: Path) -> bool:
    """Return whether a manifest has no line with anything in it."""
    with manifest.open("rb") as stream:
        return not any(map(bytes.strip, stream))


def reviewed_attribute(source: ManifestSource) -> ManifestSource:
    """Return a manifest of reviewed labels with its label attribute.

    Lines keep the labels that they came with, so there may be several attributes: reviews write `bounding-box`.
    """
    with source.path.open("rb") as stream:
        found = find_attributes(raw_lines(stream))
    return replace(source, attribute=CANONICAL if CANONICAL in found.detection else AUTO)


def with_attribute(
    source: ManifestSource, read_attributes: Callable[[ManifestSource], Iterable[Attributes]]
) -> ManifestSource:
    """Return the source with its label attribute; `auto` is resolved by looking at all lines.

    Args:
        source: the manifest.
        read_attributes: returns the attributes of all its lines, range by range.

    Raises:
        UserError: several attributes hold boxes, or none does.
    """
    if source.attribute not in ("", AUTO):
        return source
    attributes = Attributes()
    for part in read_attributes(source):
        attributes.detection += part.detection
        attributes.other = part.other | attributes.other
    return replace(source, attribute=choose_attribute(attributes))
