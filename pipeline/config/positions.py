"""Reads YAML with the position of every key, so that an error can name file and line."""

from __future__ import annotations

import copy
import functools
from pathlib import Path
from typing import Any

import yaml

from groundloop.errors import ConfigError
from groundloop.yaml_text import YamlError, load_yaml

Key = tuple[str | int, ...]


class Source:
    """Positions of settings: `file:line`, `--set` or an environment variable, by key."""

    def __init__(self) -> None:
        self._places: dict[Key, str] = {}
        self.files: list[Path] = []

    def record(self, key: Key, place: str) -> None:
        """Record the position of a key."""
        self._places[key] = place

    def replace(self, key: Key, place: str) -> None:
        """Record the position of a key whose whole value is new."""
        self._places = {other: at for other, at in self._places.items() if other[: len(key)] != key}
        self._places[key] = place

    def place_of(self, key: Key) -> str:
        """Return the position of a key, or of its nearest ancestor that has one."""
        for length in range(len(key), 0, -1):
            if key[:length] in self._places:
                return self._places[key[:length]]
        return "configuration"

    @property
    def last_file(self) -> str | None:
        """The file over the base that was read last, in which a setting belongs; None if there is only the base."""
        return str(self.files[-1]) if len(self.files) > 1 else None


def read_yaml(path: Path, source: Source) -> dict[str, Any]:
    """Read a YAML file (safe tags only) as a mapping, and record the positions of its keys in `source`.

    Raises:
        ConfigError: the file is missing, is not YAML, is not a mapping or has a key twice.
    """
    source.files.append(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"no such file: {path}") from None
    except OSError as error:
        raise ConfigError(f"{path}: can't be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 (byte {error.start})") from None
    try:
        data, node = _parsed(text)
    except YamlError as error:
        raise ConfigError(f"{path}:{error.line}: is not valid YAML: {error}") from None
    if node is None:
        return {}
    if not isinstance(data, dict):
        raise ConfigError(f"{path}:1: must be a mapping of settings, not a {type(data).__name__}")
    _record(node, (), path, source)
    return copy.deepcopy(data)


# A process that loads several configurations, such as the offline AWS's, reads the same base each time.
_parsed = functools.lru_cache(maxsize=16)(load_yaml)


def _record(node: yaml.Node, key: Key, path: Path, source: Source) -> None:
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for name, value in node.value:
            line = name.start_mark.line + 1
            if not isinstance(name, yaml.ScalarNode):
                raise ConfigError(f"{path}:{line}: a key must be a name, not a list or a mapping")
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
