"""The labels that a command is given: a path or S3 URI, in any format, read as a manifest."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import NamedTuple

from groundloop.errors import UserError
from groundloop.images.access import SUFFIXES
from groundloop.images.local import ImageFolder
from groundloop.labels.attributes import AUTO, CANONICAL, choose_attribute, find_attributes
from groundloop.labels.boxes import CLIP_TOLERANCE
from groundloop.labels.duplicates import one_line_per_image
from groundloop.labels.formats.format_name import FormatName
from groundloop.labels.manifest import ManifestReader, open_manifest, raw_lines, source_ref_of
from groundloop.labels.records import Line

#: The S3 folder of images that labels name by file, where nobody says which it is.
LOCAL_PREFIX = "s3://groundloop-local/images/"


@dataclass(frozen=True)
class LabelInput:
    """Labels on disk.

    Attributes:
        path: file or folder.
        named: replaces the names of the copies in a text by those that the user knows.
        fetch_images: for formats that need the image files beside the labels: puts them there too.
    """

    path: Path
    named: Callable[[str], str]
    fetch_images: Callable[[], None]


class ManifestInput(NamedTuple):
    """Labels as a manifest on disk.

    Attributes:
        path: the manifest: the given file, or a converted copy.
        label_attribute: to read; `auto` where it is still to be found.
        notes: what the conversion left out or changed, one line each.
    """

    path: Path
    label_attribute: str
    notes: tuple[str, ...] = ()


class ManifestLines(NamedTuple):
    """The lines of labels that were read as a manifest.

    Attributes:
        label_attribute: whose labels were read.
        lines: all lines, in their order.
        notes: what the conversion from another format left out or changed, one line each.
    """

    label_attribute: str
    lines: list[Line]
    notes: tuple[str, ...]


@contextmanager
def labels_at(place: str, region: str, progress: Callable[[int, int], None] | None = None) -> Iterator[LabelInput]:
    """Provide the file or folder at a path or S3 URI on disk while the body runs.

    A folder in S3 comes without its image files, which are large and seldom needed.

    Args:
        place: the path or S3 URI.
        region: AWS region, for an S3 URI.
        progress: is called with how many objects are copied, of how many.

    Raises:
        UserError: nothing is there in S3; whatever the body raises, with S3 URIs for the names of the copies.
    """
    if not place.startswith("s3://"):
        yield LabelInput(Path(place), str, lambda: None)
        return
    from groundloop.s3_download import s3_download

    with s3_download(place, region, progress) as copy:
        copy.fetch(lambda name: not _is_image(name))
        yield LabelInput(copy.path, copy.with_uris, lambda: copy.fetch(_is_image))


@contextmanager
def as_manifest(place: str, region: str, attribute: str = AUTO, images: Path | None = None) -> Iterator[ManifestInput]:
    """Provide labels in any format as a manifest on disk while the body runs.

    A manifest is given as it is. Labels that name images by file get S3 URIs below `LOCAL_PREFIX`.

    Args:
        place: path or S3 URI of a file or folder, in any format of `groundloop labels convert`.
        region: AWS region, for an S3 URI.
        attribute: the label attribute to read of a manifest, and to write; `auto` for the only one there is.
        images: folder with the image files, for formats that don't hold the images' sizes.

    Raises:
        UserError: there are no labels, or they can't be read.
    """
    with labels_at(place, region) as source:
        if not source.path.exists():
            raise UserError(f"{place} does not exist: check the path")
        name = _recognise(source.path)
        if name is FormatName.GROUNDTRUTH:
            yield ManifestInput(source.path, attribute)
            return
        with TemporaryDirectory() as folder:
            converted = Path(folder, "labels.manifest")
            notes = _convert(source, name, converted, region, attribute, images)
            written = CANONICAL if attribute == AUTO else attribute
            yield ManifestInput(converted, written, tuple(source.named(note) for note in notes))


def read_manifest(
    place: str,
    region: str,
    attribute: str,
    classes: Collection[str] | None = None,
    clip_tolerance: float = CLIP_TOLERANCE,
    images: Path | None = None,
) -> ManifestLines:
    """Read the label attribute and every line of labels on disk or in S3; other formats are read as a manifest.

    Args:
        place: path or S3 URI of a file or folder, in any format of `groundloop labels convert`.
        region: AWS region, for an S3 URI.
        attribute: the label attribute, or `auto` for the only one there is.
        classes: the only class names that are allowed; None allows all.
        clip_tolerance: pixels beyond the image by which a box is clipped and not rejected.
        images: folder with the image files, for formats that don't hold the images' sizes.

    Raises:
        UserError: the labels can't be read, or there is more than one candidate for `auto`; it names `place`.
    """
    try:
        with as_manifest(place, region, attribute, images) as source:
            attribute = source.label_attribute
            if attribute == AUTO:
                with open_manifest(source.path) as stream:
                    attribute = choose_attribute(find_attributes(raw_lines(stream)))
            reader = ManifestReader(attribute, classes, clip_tolerance)
            with open_manifest(source.path) as stream:
                lines = list(one_line_per_image(list(reader.read(stream))))
            return ManifestLines(attribute, lines, source.notes)
    except UserError as error:
        raise UserError(str(error) if place in str(error) else f"{place}: {error}") from None


def fetch_from_s3(region: str) -> Callable[[str], bytes]:
    """Return a function that reads an object by its S3 URI, with a client that is made when it is first called."""

    def fetch(uri: str) -> bytes:
        from groundloop.aws import client
        from groundloop.s3 import read_bytes

        return read_bytes(client("s3", region), uri)

    return fetch


def _recognise(path: Path) -> FormatName:
    """Return the format; a file in none of them is a manifest, if it is empty or any of its lines names an image.

    Raises:
        UserError: it is in no format, or could be in several.
    """
    from groundloop.labels.formats.recognition import why_not_manifest
    from groundloop.labels.formats.registry import detect

    if not why_not_manifest(path):
        return FormatName.GROUNDTRUTH
    try:
        return detect(path)
    except UserError:
        if path.is_dir():
            raise
        with open_manifest(path) as stream:
            lines = [line for line in raw_lines(stream) if line.strip()]
        if lines and not any(map(source_ref_of, lines)):
            raise
        return FormatName.GROUNDTRUTH


def _convert(
    source: LabelInput, name: FormatName, target: Path, region: str, attribute: str, images: Path | None
) -> tuple[str, ...]:
    """Write labels in another format as a manifest, and return the notes on it."""
    # Here, because the formats bring what reads images, and manifests need neither.
    from groundloop.labels.formats.groundtruth.writer import manifest
    from groundloop.labels.formats.names import under_prefix
    from groundloop.labels.formats.orientation import as_stored
    from groundloop.labels.formats.registry import FORMATS, Options

    if images is None and FORMATS[name].measures_images:
        source.fetch_images()
    folder = None if images is None else ImageFolder(images)
    options = Options(folder, attribute, fetch_from_s3(region), strict=False)
    dataset = FORMATS[name].read(source.path, options)
    if not dataset.images:
        raise UserError(f"{source.path}: holds no labelled image")
    stored = as_stored(dataset, folder)
    named = stored if stored.in_s3 else under_prefix(stored, LOCAL_PREFIX, name.value)
    target.write_bytes(manifest(named, options.written_attribute, confidence=0, target=name.value))
    return (f"read as {name.value}", *named.notes, *(f"left out: {message}" for message in named.left_out))


def _is_image(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in SUFFIXES
