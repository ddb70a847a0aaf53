"""model.tar.gz archives: packed reproducibly, unpacked only inside their folder."""

from __future__ import annotations

import gzip
import tarfile
import zlib
from pathlib import Path

from groundloop.local.errors import JobError

#: What `tarfile` raises on damaged archives; a link to itself makes it recurse.
DAMAGED_ARCHIVE = (tarfile.TarError, OSError, EOFError, ValueError, KeyError, zlib.error, RecursionError)


def pack(folder: Path, archive: Path) -> None:
    """Pack a folder's files as SageMaker packs `/opt/ml/model`: no top folder; the same files give the same bytes."""
    with (
        archive.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0, compresslevel=6) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = tarfile.TarInfo(path.relative_to(folder).as_posix())
            entry.size, entry.mode = path.stat().st_size, 0o644
            with path.open("rb") as file:
                tar.addfile(entry, file)


def unpack(archive: Path, folder: Path, name: str) -> None:
    """Unpack an archive that nobody vouches for; `name` is what messages call it.

    Raises:
        JobError: not a gzipped tar, or an entry that would leave the folder (absolute, `..`, a link or a device).
    """
    try:
        with tarfile.open(archive, mode="r:gz") as tar:
            tar.extractall(folder, filter="data")
    except DAMAGED_ARCHIVE as error:
        raise JobError("ClientError", f"{name} can't be unpacked: {error}") from error
