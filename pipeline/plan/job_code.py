"""Which files of a job's code changed: the archive in the bucket against the one built here."""

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
    """Return the paths of changed, added and removed files; none when the old archive can't be read."""
    match = _ARCHIVE.search(json.dumps(old.raw))
    desired = {archive.name: archive for archive in archives}
    if match is None or match[3] not in desired:
        return []
    try:
        before = _checksums(client("s3", region).get_object(Bucket=match[1], Key=match[2])["Body"].read())
    except (ClientError, zipfile.BadZipFile):
        return []
    after = _checksums(desired[match[3]].content)
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


def _checksums(archive: bytes) -> dict[str, int]:
    """Return the CRC of each file in an archive."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return {item.filename: item.CRC for item in opened.infolist()}
