"""Names and values that every MLflow server takes.

The limits are those of MLflow's `mlflow.utils.validation`. Parameters are cut at the limit of servers before 2.10; a
colon in a metric's name, which servers on Windows refuse, is replaced everywhere.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence

MAX_NAME_LENGTH = 250
MAX_PARAM_LENGTH = 500
MAX_TAG_LENGTH = 5000
_REFUSED = re.compile(r"[^\w.\- ]")
_DIGEST_LENGTH = 6


def metric_names(paths: Iterable[Sequence[str]]) -> dict[tuple[str, ...], str]:
    """Return a name for each path of a metric, each another.

    Characters that MLflow refuses become underscores. Where that makes two names equal, or a name is too long, it ends
    with a digest of its path, so that it is the same in every export.

    Example:
        >>> list(metric_names([("per_class", "usb-c", "ap_50"), ("per_class", "M4:8/10", "ap_50")]).values())
        ['per_class/usb-c/ap_50', 'per_class/M4_8_10/ap_50']
    """
    allowed = {tuple(path): "/".join(map(_allowed, path)) for path in paths}
    count: dict[str, int] = {}
    for name in allowed.values():
        count[name] = count.get(name, 0) + 1
    return {
        path: name
        if len(name) <= MAX_NAME_LENGTH and (count[name] == 1 or name == "/".join(path))
        else _with_digest(name, path)
        for path, name in allowed.items()
    }


def cut(text: str, length: int) -> str:
    """Return a text of at most so many characters, with an ellipsis where it was longer."""
    return text if len(text) <= length else text[: length - 1] + "\u2026"


def _allowed(part: str) -> str:
    """Return a part of a path; one that is only dots would mean another folder."""
    allowed = _REFUSED.sub("_", part)
    return "_" * max(1, len(allowed)) if not allowed.strip(". ") else allowed


def _with_digest(name: str, path: tuple[str, ...]) -> str:
    digest = hashlib.sha256("\0".join(path).encode()).hexdigest()[:_DIGEST_LENGTH]
    return f"{name[: MAX_NAME_LENGTH - _DIGEST_LENGTH - 1]}-{digest}"
