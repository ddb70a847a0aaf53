"""Finds the configuration's files: the base, the project's own file, and those that come with the package.

Other programs have files of these names too, so a file counts as ours by its content, not by its name alone.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from groundloop.errors import ConfigError

#: The file of a project's own settings, found in the working folder; `groundloop init` writes the first.
PROJECT_FILES = ("groundloop.yaml", "groundloop.yml")
OVERLAY_VARIABLE = "GROUNDLOOP_CONFIG"
PACKAGED_CONFIGS = Path(__file__).resolve().parents[2] / "configs"

_BASE = Path("configs/base.yaml")
#: Sections that every base file of ours has. Read from the text, so that a file with a mistake is known too.
_BASE_SECTIONS = {"aws", "labels", "prepare"}


def packaged_or_own(name: str) -> Path:
    """Return a file of the folder `configs`: the working folder's, if that folder is ours; else the packaged one."""
    own = _BASE.parent / name
    return own if is_base_file(_BASE) and own.is_file() else PACKAGED_CONFIGS / name


def base_file(overlays: Sequence[Path] = ()) -> Path:
    """Return the file with every setting: beside an overlay, in the working folder's `configs`, or the packaged one."""
    beside = (overlay.parent / "base.yaml" for overlay in overlays)
    return next(filter(is_base_file, (*beside, _BASE)), PACKAGED_CONFIGS / "base.yaml")


def is_base_file(path: Path) -> bool:
    """Tell whether a file is a base file of ours: one of the same name may belong to another program."""
    return _top_level_keys(path) >= _BASE_SECTIONS


def project_file(sections: Sequence[str], folder: Path = Path()) -> Path | None:
    """Return the project's own file in a folder; None if there is none.

    Args:
        sections: the names of the configuration's sections.
        folder: the folder; default: the working folder.

    Raises:
        ConfigError: a file of that name holds settings, but none of ours.
    """
    for name in PROJECT_FILES:
        path = folder / name
        if not path.is_file():
            continue
        keys = _top_level_keys(path)
        if keys and not keys & set(sections):
            raise ConfigError(
                f"{path}: has none of the sections {', '.join(sections[:3])}, ..., so it belongs to another program; "
                "rename it, or correct its sections"
            )
        return path
    return None


def overlays_of(environment: Mapping[str, str]) -> list[Path]:
    """Return the files that `GROUNDLOOP_CONFIG` names, joined as in PATH."""
    return [Path(name) for name in environment.get(OVERLAY_VARIABLE, "").split(os.pathsep) if name]


def _top_level_keys(path: Path) -> set[str]:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return set()
    return set(re.findall(r"^([^\s#:]+)\s*:(?:\s|$)", text, re.MULTILINE))
