"""Texts that take long to make, kept in the user's cache folder between commands.

Each is a file under a key of everything that it depends on. Another key is another file, so nothing that is kept can be
out of date.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import platformdirs

#: The code that a definition depends on: what builds it, and what its job archives hold.
CODE_FOLDERS = tuple(Path(__file__).resolve().parents[1] / name for name in ("groundloop", "pipeline", "steps"))
MAX_AGE_DAYS = 30


def kept_text(key: str, make: Callable[[], str]) -> str:
    """Return the text that is kept under a key; `make` makes it where none is."""
    text = read_kept(key)
    if text is None:
        text = make()
        # A folder that can't be written only costs the time to make it again.
        with contextlib.suppress(OSError):
            _write(_file(key), text)
    return text


def read_kept(key: str) -> str | None:
    """Return the text that is kept under a key; None when there is none, or not the whole of it."""
    try:
        checksum, _, text = _file(key).read_text(encoding="utf-8").partition("\n")
    except (OSError, UnicodeDecodeError):
        return None
    return text if checksum == hashlib.sha256(text.encode()).hexdigest() else None


def is_kept(key: str) -> bool:
    """Return whether a file is kept under a key."""
    return _file(key).exists()


def cache_folder() -> Path:
    """Return the folder of kept texts: below `GROUNDLOOP_CACHE_DIR`, else the user's cache folder."""
    base = os.environ.get("GROUNDLOOP_CACHE_DIR") or platformdirs.user_cache_dir("groundloop", appauthor=False)
    return Path(base) / "definitions"


def key_of(kind: str, inputs: Mapping[str, object]) -> str:
    """Return the SHA-256 of a kind of text, what it is made from, the code and the version of Python."""
    everything = {"kind": kind, **inputs, "code": code_sha256(), "python": platform.python_version()}
    return hashlib.sha256(json.dumps(everything, sort_keys=True).encode()).hexdigest()


def code_sha256() -> str:
    """Return the SHA-256 of the names and contents of the code, templates and pinned requirements."""
    return _sha256_of(CODE_FOLDERS)


@functools.lru_cache(maxsize=4)
def _sha256_of(folders: tuple[Path, ...]) -> str:
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                content = path.read_bytes()
                digest.update(f"{folder.name}/{path.relative_to(folder).as_posix()}\0{len(content)}\0".encode())
                digest.update(content)
    return digest.hexdigest()


def _file(key: str) -> Path:
    return cache_folder() / f"{key}.json"


def _write(file: Path, text: str) -> None:
    """Keep a text, and remove those that nothing has made for `MAX_AGE_DAYS`."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=file.parent, delete=False) as stream:
        stream.write(f"{hashlib.sha256(text.encode()).hexdigest()}\n{text}")
    Path(stream.name).replace(file)
    oldest = time.time() - MAX_AGE_DAYS * 86400
    for other in file.parent.iterdir():
        if other.stat().st_mtime < oldest:
            other.unlink(missing_ok=True)
