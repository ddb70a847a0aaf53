"""Reading manifests for the commands on labels: from disk or S3, with the label attribute that is meant."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from labels.attributes import choose_attribute, find_attributes
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


def read_lines(path: Path, attribute: str) -> list[Line]:
    """Every line of a manifest, read with the given label attribute or the only one there is.

    Raises:
        UserError: the file can't be read, or there is more than one candidate for ``auto``.
    """
    if attribute == AUTO:
        with open_manifest(path) as stream:
            attribute = choose_attribute(find_attributes(raw_lines(stream)))
    with open_manifest(path) as stream:
        return list(ManifestReader(attribute, None).read(stream))
