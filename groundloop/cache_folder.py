"""The folder of what is made again when it is gone."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def cache_folder(kind: str) -> Path:
    """Return the folder of one kind of files: below `GROUNDLOOP_CACHE_DIR`, else the user's cache folder."""
    base = os.environ.get("GROUNDLOOP_CACHE_DIR") or platformdirs.user_cache_dir("groundloop", appauthor=False)
    return Path(base) / kind
