"""The job code: one zip application per job, named by the hash of its content.

Each job has an archive of its own that holds just what the job imports, because a step's cache depends on its inputs:
a change to Evaluate, or to a command line, must not run Prepare, and with it a GPU training, again.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from steps import bootstrap

_HOUSE = Path(bootstrap.__file__).resolve().parents[1]
_OURS = {"steps", "groundloop"}
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
        """The S3 key; another content has another key, so nothing is ever overwritten.

        It ends as a script's: Python looks into the file to see that it is an archive, but spark-submit goes by the
        name.
        """
        return f"{prefix}/code/{self.sha256}/groundloop-{self.name}.py"

    def uri(self, bucket: str, prefix: str) -> str:
        return f"s3://{bucket}/{self.key(prefix)}"


@functools.cache
def job_archive(name: str) -> JobArchive:
    """The archive of ``prepare`` or ``evaluate``."""
    job = f"steps.{name}.job"
    files = {
        "__main__.py": Path(bootstrap.__file__).read_bytes(),
        bootstrap.JOB_FILE: job.encode(),
        bootstrap.REQUIREMENTS_FILE: (_HOUSE / "steps" / name / "requirements.txt").read_bytes(),
        **{path.relative_to(_HOUSE).as_posix(): path.read_bytes() for path in _imported_by(job)},
    }
    buffer = io.BytesIO()
    # Stored, not deflated: another zlib would give other bytes, and with them another hash.
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for inner, content in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(inner, _TIME), content)
    return JobArchive(name, buffer.getvalue())


def _imported_by(module: str) -> set[Path]:
    """The files of our packages that importing a module needs, its own included, whether imported at once or later."""
    found: set[Path] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        parts = name.split(".")
        # A module's parents are imported before it.
        for length in range(1, len(parts) + 1):
            path = _file_of(parts[:length])
            if path is not None and path not in found:
                found.add(path)
                waiting += _imports(path)
    return found


def _file_of(parts: list[str]) -> Path | None:
    """The file of a module of ours; None for a name that is no module (a class that was imported from one)."""
    place = _HOUSE.joinpath(*parts)
    return next((file for file in (place / "__init__.py", place.with_suffix(".py")) if file.is_file()), None)


def _imports(path: Path) -> Iterator[str]:
    for node in _executed(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        yield from (name for name in names if name.split(".")[0] in _OURS)


def _executed(node: ast.AST) -> Iterator[ast.AST]:
    """Walk a syntax tree without the bodies of `if TYPE_CHECKING:`, which never run in a job."""
    yield node
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING":
            for otherwise in child.orelse:
                yield from _executed(otherwise)
        else:
            yield from _executed(child)
