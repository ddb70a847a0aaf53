"""`groundloop local clean`: remove what offline runs left behind."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import typer

from groundloop.errors import UserError
from pipeline.cli.local.environment import FOLDER, is_alive
from pipeline.cli.options import Yes
from pipeline.cli.output import is_interactive, print_line, print_table

#: Date, time and process of a run, as `pipeline.demo.offline_run.new_home` writes them.
_RUN = re.compile(r"\d{8}-\d{6}-(\d+)")


def clean(
    yes: Yes = False,
) -> None:
    """Remove the folders of ended offline runs.

    They lie in .groundloop/ and hold job folders, logs, reports and annotated images of `demo`, `local` and
    `local run`. Asks on a terminal. Folders of runs that have not ended, and state that `--keep` keeps, stay.

    Example: groundloop local clean
    """
    folders = run_folders(FOLDER)
    if not folders:
        print_line(f"no ended run has a folder in {FOLDER}/")
        return
    sizes = [_size(folder) for folder in folders]
    rows = [(str(folder), _megabytes(size)) for folder, size in zip(folders, sizes, strict=True)]
    print_table(("folder", "size"), rows, right=("size",))
    if not yes:
        if not is_interactive():
            raise UserError("nothing was removed: add --yes to remove them without confirmation")
        noun = "this folder" if len(folders) == 1 else f"these {len(folders)} folders"
        if not typer.confirm(f"Remove {noun}, {_megabytes(sum(sizes))}?"):
            print_line("nothing was removed")
            return
    for folder in folders:
        shutil.rmtree(folder)
    print_line(f"removed {_megabytes(sum(sizes))}")


def run_folders(parent: Path) -> list[Path]:
    """Return the folders of runs that have ended, oldest first."""
    if not parent.is_dir():
        return []
    found = [(path, _RUN.fullmatch(path.name)) for path in sorted(parent.iterdir())]
    return [
        path
        for path, match in found
        if match and path.is_dir() and not path.is_symlink() and not is_alive(int(match[1]))
    ]


def _size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
