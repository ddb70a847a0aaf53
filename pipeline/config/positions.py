"""YAML as plain data plus the place of every key, so that an error can name file and line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from groundloop.errors import ConfigError

Key = tuple[str | int, ...]


class Source:
    """Where values came from: a key path to ``file:line``, ``--set`` or an environment variable."""

    def __init__(self) -> None:
        self._places: dict[Key, str] = {}

    def record(self, key: Key, place: str) -> None:
        self._places[key] = place

    def place_of(self, key: Key) -> str:
        """The place of a key, or of the nearest key above it that was written somewhere."""
        for length in range(len(key), 0, -1):
            if key[:length] in self._places:
                return self._places[key[:length]]
        return "configuration"


def read_yaml(path: Path, source: Source) -> dict[str, Any]:
    """One YAML file (safe tags only) as a mapping; the places of its keys go to ``source``.

    Raises:
        ConfigError: the file is missing, is not YAML, is no mapping or names a key twice.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: can't be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 (byte {error.start})") from None
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"{path}:{line}: is not valid YAML: {error.problem}") from None
    if node is None:
        return {}
    if not isinstance(data, dict):
        raise ConfigError(f"{path}:1: must be a mapping of settings, not a {type(data).__name__}")
    _record(node, (), path, source)
    return data


def _record(node: yaml.Node, key: Key, path: Path, source: Source) -> None:
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for name, value in node.value:
            line = name.start_mark.line + 1
            if name.value in seen:
                raise ConfigError(
                    f"{path}:{line}: {'.'.join(map(str, (*key, name.value)))} is given twice, "
                    f"first on line {seen[name.value]}; keep one"
                )
            seen[name.value] = line
            source.record((*key, name.value), f"{path}:{line}")
            _record(value, (*key, name.value), path, source)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            source.record((*key, index), f"{path}:{value.start_mark.line + 1}")
            _record(value, (*key, index), path, source)
