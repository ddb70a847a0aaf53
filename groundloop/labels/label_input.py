"""The labels that a command is given: a path or S3 URI, and of a manifest the label attribute."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from groundloop.errors import UserError
from groundloop.images.access import SUFFIXES
from groundloop.labels.attributes import AUTO, choose_attribute, find_attributes
from groundloop.labels.boxes import CLIP_TOLERANCE
from groundloop.labels.duplicates import one_line_per_image
from groundloop.labels.manifest import ManifestReader, open_manifest, raw_lines
from groundloop.labels.records import Line


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


@contextmanager
def labels_at(
    place: str, region: str, progress: Callable[[int, int], None] | None = None, folders: bool = True
) -> Iterator[LabelInput]:
    """Provide the file or folder at a path or S3 URI on disk while the body runs.

    A folder in S3 comes without its image files, which are large and seldom needed.

    Args:
        progress: is called with how many objects are copied, of how many.
        folders: whether a folder will do.

    Raises:
        UserError: nothing is there in S3, or a folder that is not asked for; whatever the body raises, with S3 URIs for
            the names of the copies.
    """
    if not place.startswith("s3://"):
        yield LabelInput(Path(place), str, lambda: None)
        return
    from groundloop.s3_download import s3_download

    with s3_download(place, region, progress) as copy:
        if copy.is_folder and not folders:
            raise UserError(f"{place}: is a folder in S3: give the manifest in it")
        copy.fetch(lambda name: not _is_image(name))
        yield LabelInput(copy.path, copy.with_uris, lambda: copy.fetch(_is_image))


def read_manifest(
    place: str,
    region: str,
    attribute: str,
    classes: Collection[str] | None = None,
    clip_tolerance: float = CLIP_TOLERANCE,
) -> tuple[str, list[Line]]:
    """Read the label attribute and every line of a manifest on disk or in S3.

    Args:
        attribute: the label attribute, or ``auto`` for the only one there is.
        classes: the only class names that are allowed; None allows all.
        clip_tolerance: pixels beyond the image by which a box is clipped and not rejected.

    Raises:
        UserError: the manifest can't be read, or there is more than one candidate for ``auto``; it names ``place``.
    """
    try:
        with labels_at(place, region, folders=False) as source:
            if attribute == AUTO:
                with open_manifest(source.path) as stream:
                    attribute = choose_attribute(find_attributes(raw_lines(stream)))
            reader = ManifestReader(attribute, classes, clip_tolerance)
            with open_manifest(source.path) as stream:
                return attribute, list(one_line_per_image(list(reader.read(stream))))
    except UserError as error:
        raise UserError(str(error) if place in str(error) else f"{place}: {error}") from None


def _is_image(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in SUFFIXES
