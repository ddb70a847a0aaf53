"""The job code: one zip application per job, named by the hash of its content.

A job of its own archive each, because a step's cache depends on its inputs: a change to Evaluate must not run
Prepare, and with it a GPU training, again. For the same reason what only describes a step (``step.py``,
``settings.py``) stays out.
"""

from __future__ import annotations

import functools
import hashlib
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

from steps import bootstrap

_HOUSE = Path(bootstrap.__file__).resolve().parents[1]
_PACKAGES = {"prepare": ("labels",), "evaluate": ("labels", "detections")}
_DESCRIBES_ONLY = {"step.py", "settings.py"}
# A fixed time, the earliest that a zip can hold: the same code gives the same bytes.
_TIME = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class JobArchive:
    """A job's code as it is uploaded."""

    name: str
    content: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    def key(self, prefix: str) -> str:
        """The S3 key; another content has another key, so nothing is ever overwritten."""
        return f"{prefix}/code/{self.sha256}/groundloop-{self.name}.pyz"

    def uri(self, bucket: str, prefix: str) -> str:
        return f"s3://{bucket}/{self.key(prefix)}"


@functools.cache
def job_archive(name: str) -> JobArchive:
    """The archive of ``prepare`` or ``evaluate``."""
    files = {
        "__main__.py": Path(bootstrap.__file__).read_bytes(),
        bootstrap.JOB_FILE: f"steps.{name}.job".encode(),
        bootstrap.REQUIREMENTS_FILE: (_HOUSE / "steps" / name / "requirements.txt").read_bytes(),
        **{f"steps/{file}": (_HOUSE / "steps" / file).read_bytes() for file in ("__init__.py", "jobs.py")},
    }
    for package in (*_PACKAGES[name], f"steps/{name}"):
        for path in sorted((_HOUSE / package).rglob("*.py")):
            if path.name not in _DESCRIBES_ONLY:
                files[path.relative_to(_HOUSE).as_posix()] = path.read_bytes()
    buffer = io.BytesIO()
    # Stored, not deflated: another zlib would give other bytes, and with them another hash.
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for inner, content in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(inner, _TIME), content)
    return JobArchive(name, buffer.getvalue())
