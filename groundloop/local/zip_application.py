"""Runs a zip application as Python does, and keeps what its modules are compiled to.

    python zip_application.py KEPT_FILE ARCHIVE ARGUMENT ...

Python keeps no bytecode of archives: it compiles every module in every process, and even twice, to find its file name
and to run it. That is half the time in which a job starts. The program finds all as with `python ARCHIVE ARGUMENT ...`:
its `__main__`, arguments, import path, and modules that are loaded from the archive.
"""

from __future__ import annotations

import contextlib
import importlib.util
import marshal
import os
import runpy
import sys
import zipimport
from types import CodeType
from typing import ClassVar

#: Hash of the source, and the code, by the module's file in the archive.
Bytecode = dict[str, tuple[bytes, bytes]]


class Importer(zipimport.zipimporter):
    """The importer of archives, which compiles only what isn't kept."""

    kept: ClassVar[Bytecode] = {}
    compiled: ClassVar[Bytecode] = {}
    #: The module that was asked for last, and its source: Python asks for the file's name first, then for the code.
    _last: tuple[str, tuple[str, bytes] | None] = ("", None)

    def get_filename(self, fullname: str) -> str:
        """Return the path of a module's file, which begins with that of the archive."""
        source = self._read_source(fullname)
        return source[0] if source else super().get_filename(fullname)

    def get_code(self, fullname: str) -> CodeType:
        """Return the code of a module."""
        source = self._read_source(fullname)
        if source is None:
            return super().get_code(fullname)
        path, content = source
        file, digest = path.removeprefix(self.archive), importlib.util.source_hash(content)
        known, bytecode = self.kept.get(file, (b"", b""))
        if known == digest:
            return _moved(marshal.loads(bytecode), path)  # noqa: S302  written below
        code = super().get_code(fullname)
        self.compiled[file] = digest, marshal.dumps(code)
        return code

    def _read_source(self, fullname: str) -> tuple[str, bytes] | None:
        """Return the path of a module's source, and its content; None if the archive holds none."""
        asked, source = self._last
        if asked != fullname:
            name = self.prefix + fullname.rpartition(".")[2]
            path = os.path.join(self.archive, name + ("/__init__.py" if self.is_package(fullname) else ".py"))  # noqa: PTH118
            source = None
            with contextlib.suppress(OSError):
                source = path, self.get_data(path)
            self._last = fullname, source
        return source


def _moved(code: CodeType, path: str) -> CodeType:
    """Return code with its file's present path, for tracebacks: each job has its archive in a folder of its own."""
    constants = tuple(_moved(item, path) if isinstance(item, CodeType) else item for item in code.co_consts)
    return code.replace(co_filename=path, co_consts=constants)


def main(kept_file: str, archive: str) -> None:
    """Run an application with the arguments of this program that follow its path."""
    sys.argv = sys.argv[2:]
    del sys.path[0]  # this file's folder
    Importer.kept = _read(kept_file)
    sys.path_hooks[sys.path_hooks.index(zipimport.zipimporter)] = Importer
    try:
        runpy.run_path(archive, run_name="__main__")
    finally:
        if Importer.compiled:
            # A folder that can't be written only costs the time to compile.
            with contextlib.suppress(OSError):
                _write(kept_file, Importer.kept | Importer.compiled)


def _read(kept_file: str) -> Bytecode:
    try:
        with open(kept_file, "rb") as file:  # noqa: PTH123
            if file.read(len(importlib.util.MAGIC_NUMBER)) != importlib.util.MAGIC_NUMBER:
                return {}
            kept: Bytecode = marshal.load(file)  # noqa: S302  written below
    except (OSError, EOFError, ValueError, TypeError):
        return {}
    return kept


def _write(kept_file: str, kept: Bytecode) -> None:
    os.makedirs(os.path.dirname(kept_file), exist_ok=True)  # noqa: PTH103, PTH120
    beside = f"{kept_file}.{os.getpid()}"
    with open(beside, "wb") as file:  # noqa: PTH123
        file.write(importlib.util.MAGIC_NUMBER)
        marshal.dump(kept, file)
    os.replace(beside, kept_file)  # noqa: PTH105


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
