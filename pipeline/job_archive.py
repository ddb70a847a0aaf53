"""The job code: one zip application per job, named by the hash of its content.

Each job has an archive of its own that holds only what the job imports, because a step's cache depends on its inputs:
a change to Evaluate, or to a command line, must not run Prepare, and with it a GPU training, again. Of files that are
not Python modules it holds the `templates` folders of the packages that the job imports.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.kept_texts import kept_text, key_of
from steps import bootstrap

_ROOT = Path(bootstrap.__file__).resolve().parents[1]
_PACKAGES = {"steps", "groundloop"}
#: The folder of a package whose files travel with it.
_DATA_FOLDER = "templates"
# A fixed time, the earliest that a zip can hold: the same code gives the same bytes.
_TIMESTAMP = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class JobArchive:
    """A job's code as it is uploaded."""

    name: str
    content: bytes

    @functools.cached_property
    def sha256(self) -> str:
        """SHA-256 of the content, in hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()

    def key(self, prefix: str) -> str:
        """Return the S3 key; another content has another key, so nothing is ever overwritten.

        It ends as a script's: Python looks into the file to see that it is an archive, but spark-submit goes by the
        name.
        """
        return f"{prefix}/code/{self.sha256}/groundloop-{self.name}.py"

    def uri(self, bucket: str, prefix: str) -> str:
        """Return the S3 URI of the archive in a bucket."""
        return f"s3://{bucket}/{self.key(prefix)}"


@functools.cache
def job_archive(name: str) -> JobArchive:
    """Build the archive of a job: `prepare`, `evaluate`, `deploy`, `select`, `collect` or `monitor`."""
    job = f"steps.{name}.job"
    # To find them, all sources are parsed: half a second, that commands would wait for each time.
    names = json.loads(kept_text(key_of("files", {"module": job}), lambda: json.dumps(_files_of(job))))
    files = {
        "__main__.py": Path(bootstrap.__file__).read_bytes(),
        bootstrap.JOB_FILE: job.encode(),
        bootstrap.REQUIREMENTS_FILE: (_ROOT / "steps" / name / "requirements.txt").read_bytes(),
        **{name: (_ROOT / name).read_bytes() for name in names},
    }
    buffer = io.BytesIO()
    # Stored, not deflated: another zlib would give other bytes, and with them another hash.
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for inner, content in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(inner, _TIMESTAMP), content)
    return JobArchive(name, buffer.getvalue())


def _files_of(module: str) -> list[str]:
    """Find the source files that a module needs, and the data files of their packages, as paths below the root."""
    sources = _imported_by(module)
    folders = {path.parent / _DATA_FOLDER for path in sources}
    files = sources | {path for folder in folders for path in folder.rglob("*") if path.is_file()}
    return sorted(path.relative_to(_ROOT).as_posix() for path in files)


def _imported_by(module: str) -> set[Path]:
    """Find the files of our packages that importing a module needs, its own included, at once or later."""
    found: set[Path] = set()
    seen: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        path = _file_of(name)
        if path is not None:
            found.add(path)
            waiting += _imports(path.read_bytes())
        parent, dot, _ = name.rpartition(".")
        # A module's parents are imported before it.
        waiting += [parent] if dot else []
    return found


def _file_of(name: str) -> Path | None:
    """Return the file of a module of ours; None for a name that is not a module, such as an imported class."""
    path = _ROOT.joinpath(*name.split("."))
    return next((file for file in (path / "__init__.py", path.with_suffix(".py")) if file.is_file()), None)


@functools.cache
def _imports(source: bytes) -> tuple[str, ...]:
    """Return the modules of ours that a source names; the jobs share most of theirs."""
    return tuple(_imported_names(ast.parse(source)))


def _imported_names(tree: ast.Module) -> Iterator[str]:
    for node in _executed(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        yield from (name for name in names if name.split(".")[0] in _PACKAGES)


def _executed(node: ast.AST) -> Iterator[ast.AST]:
    """Walk the statements of a syntax tree without the bodies of `if TYPE_CHECKING:`, which never run in a job."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.stmt | ast.excepthandler | ast.match_case):
            continue  # an expression holds no import
        if isinstance(child, ast.If) and _is_type_checking(child.test):
            for otherwise in child.orelse:
                yield from _executed(otherwise)
        else:
            yield from _executed(child)


def _is_type_checking(test: ast.expr) -> bool:
    """Tell whether a condition is `TYPE_CHECKING` or `typing.TYPE_CHECKING`."""
    return isinstance(test, ast.Name | ast.Attribute) and ast.unparse(test) in (
        "TYPE_CHECKING",
        "typing.TYPE_CHECKING",
    )
