"""Definitions and samples from files; every mistake in a file is reported in one line."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from groundloop.errors import UserError
from groundloop.labels.duplicate_keys import duplicate_key


def read_definition(path: Path) -> tuple[dict[str, Any], int]:
    """Read a definition and the size of its text in bytes; `-` is standard input.

    An answer of DescribePipeline is taken for the definition inside it.

    Raises:
        UserError: the file can't be read, is not JSON, or its JSON is not an object.
    """
    content = _content(path)
    found = _object(content, path)
    inner = found.get("PipelineDefinition")
    if isinstance(inner, str):
        content = inner.encode()
        found = _object(content, path)
    return found, len(content)


def read_sample(assignment: str) -> tuple[str, Any]:
    """Parse `Prepare.Summary=summary.json` into the name of the property file and the content of the file.

    Raises:
        UserError: not of that form, or the file can't be read or is not JSON.
    """
    name, equals, file = assignment.partition("=")
    if not equals or name.count(".") != 1 or not file:
        raise UserError(f"--sample {assignment}: write Step.PropertyFile=FILE, e.g. Prepare.Summary=summary.json")
    path = Path(file)
    return name, _json(_content(path), path)


def _content(path: Path) -> bytes:
    if str(path) == "-":
        return sys.stdin.buffer.read()
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: can't be read: {error.strerror}") from None


def _json(content: bytes, path: Path) -> Any:
    try:
        found = json.loads(content)
    except json.JSONDecodeError as error:
        raise UserError(f"{path}: line {error.lineno}, column {error.colno}: not JSON: {error.msg}") from None
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: not JSON: {error}") from None
    if (key := duplicate_key(content)) is not None:
        raise UserError(f"{path}: the key {key!r} appears twice in one object; remove one of them")
    return found


def _object(content: bytes, path: Path) -> dict[str, Any]:
    found = _json(content, path)
    if not isinstance(found, dict):
        raise UserError(
            f"{path}: not a pipeline definition: the JSON is not an object with Version, Parameters and Steps"
        )
    return found
