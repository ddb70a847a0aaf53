"""Which files of a job's code changed, from the archive that is in the bucket and the one that is made here."""

from __future__ import annotations

import io
import json
import re
import zipfile

from botocore.exceptions import ClientError

from groundloop.aws import client
from pipeline.job_archive import JobArchive
from pipeline.plan.flatten import FlatStep

_ARCHIVE = re.compile(r"s3://([^/\"]+)/([^\"]*/code/[0-9a-f]{64}/groundloop-([a-z]+)\.py)")


def changed_files(region: str, old: FlatStep, archives: list[JobArchive]) -> list[str]:
    """Paths of the files that differ, come or go; empty when the old archive can't be had (any more)."""
    found = _ARCHIVE.search(json.dumps(old.raw))
    ours = {archive.name: archive for archive in archives}
    if found is None or found[3] not in ours:
        return []
    try:
        before = client("s3", region).get_object(Bucket=found[1], Key=found[2])["Body"].read()
        files = _files(before)
    except (ClientError, zipfile.BadZipFile):
        return []
    new = _files(ours[found[3]].content)
    return sorted(name for name in files.keys() | new.keys() if files.get(name) != new.get(name))


def _files(archive: bytes) -> dict[str, int]:
    """Name to checksum of what is in an archive."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return {item.filename: item.CRC for item in opened.infolist()}
