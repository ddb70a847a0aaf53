"""Reading manifests for the commands on labels: from disk or S3, with the label attribute that is meant."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from labels.attributes import choose_attribute, find_attributes
from labels.boxes import CLIP_TOLERANCE
from labels.duplicates import one_line_per_image
from labels.errors import UserError
from labels.manifest import ManifestReader, open_manifest, raw_lines
from labels.records import Line

AUTO = "auto"


@contextmanager
def on_disk(place: str, region: str) -> Iterator[Path]:
    """The manifest at a path or S3 URI, as a file while the body runs.

    Raises:
        UserError: an S3 object that is not there.
    """
    if not place.startswith("s3://"):
        yield Path(place)
        return
    from pipeline.packages import read_bytes

    with tempfile.NamedTemporaryFile(suffix=".manifest") as file:
        file.write(read_bytes(region, place))
        file.flush()
        yield Path(file.name)


def read_manifest(
    place: str,
    region: str,
    attribute: str,
    classes: Collection[str] | None = None,
    clip_tolerance: float = CLIP_TOLERANCE,
) -> tuple[str, list[Line]]:
    """The label attribute and every line of a manifest on disk or in S3; of an image labelled twice the last counts.

    Args:
        attribute: the label attribute, or ``auto`` for the only one there is.
        classes: the only class names that are allowed; None allows all.
        clip_tolerance: pixels beyond the image by which a box is clipped and not refused.

    Raises:
        UserError: the manifest can't be read, or there is more than one candidate for ``auto``; it names ``place``.
    """
    with on_disk(place, region) as path:
        try:
            if attribute == AUTO:
                with open_manifest(path) as stream:
                    attribute = choose_attribute(find_attributes(raw_lines(stream)))
            reader = ManifestReader(attribute, classes, clip_tolerance)
            with open_manifest(path) as stream:
                return attribute, list(one_line_per_image(list(reader.read(stream))))
        except UserError as error:
            text = str(error).replace(str(path), place)  # an S3 object's copy has a name that nobody knows
            raise UserError(text if place in text else f"{place}: {text}") from None
