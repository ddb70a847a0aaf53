"""A zip application runs as Python runs it, also where what its modules were compiled to is kept."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from groundloop.local import zip_application

MAIN = """
import json, sys, package, package.module
found = {
    "argv": sys.argv, "path": sys.path, "name": __name__, "file": __file__, "spec": __spec__.name,
    "modules": [package.__file__, package.module.__file__, package.module.where()],
    "packages": [package.__path__, package.module.__package__, package.__spec__.origin],
    "loaded by": isinstance(package.__loader__, __import__("zipimport").zipimporter),
    "data": package.__loader__.get_data(sys.argv[0] + "/package/data.txt").decode(),
    "missing": __import__("importlib").util.find_spec("package.none"),
}
print(json.dumps(found))
sys.exit(package.module.CODE)
"""
MODULE = """
CODE = {code}
def where():
    return (lambda: where.__code__.co_filename)()
def fail():
    raise RuntimeError("no")
"""


def archive_at(path: Path, main: str = MAIN, code: int = 3) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("__main__.py", main)
        archive.writestr("package/__init__.py", "")
        archive.writestr("package/module.py", MODULE.format(code=code))
        archive.writestr("package/data.txt", "data")
    return path


def run(*command: Path | str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *command], capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "kept"


def kept_run(kept: Path, *command: Path | str) -> subprocess.CompletedProcess[str]:
    return run(zip_application.__file__, kept, *command)


def test_the_program_finds_all_as_with_python(tmp_path: Path, kept: Path) -> None:
    archive = archive_at(tmp_path / "program.py")
    by_python = run(archive, "--one", "2")
    assert by_python.returncode == 3
    for _ in ("compiled", "kept"):
        ran = kept_run(kept, archive, "--one", "2")
        assert (ran.returncode, ran.stdout, ran.stderr) == (3, by_python.stdout, by_python.stderr)


def test_what_is_kept_serves_an_archive_elsewhere_and_is_compiled_where_it_changed(tmp_path: Path, kept: Path) -> None:
    kept_run(kept, archive_at(tmp_path / "program.py"))
    before = kept.read_bytes()
    other = archive_at(tmp_path / "other.py")
    assert kept_run(kept, other).stdout == run(other).stdout
    assert kept.read_bytes() == before
    assert kept_run(kept, archive_at(tmp_path / "changed.py", code=4)).returncode == 4
    assert kept.read_bytes() != before


@pytest.mark.parametrize("content", [b"", b"not of this Python", None], ids=["empty", "foreign", "cut off"])
def test_a_damaged_file_is_made_again(tmp_path: Path, kept: Path, content: bytes | None) -> None:
    archive = archive_at(tmp_path / "program.py")
    kept_run(kept, archive)
    whole = kept.read_bytes()
    kept.write_bytes(whole[:100] if content is None else content)
    assert kept_run(kept, archive).returncode == 3
    assert kept.read_bytes() == whole


def test_a_traceback_shows_where_the_archive_is_now(tmp_path: Path, kept: Path) -> None:
    main = "import package.module\npackage.module.fail()"
    kept_run(kept, archive_at(tmp_path / "program.py", main))
    archive = archive_at(tmp_path / "other.py", main)
    _, _, of_the_program = run(archive).stderr.partition(str(archive))
    assert "/other.py/package/module.py" in of_the_program
    assert kept_run(kept, archive).stderr.endswith(of_the_program)


def test_a_folder_that_cannot_be_written_costs_time_only(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert kept_run(tmp_path / "file" / "kept", archive_at(tmp_path / "program.py")).returncode == 3
