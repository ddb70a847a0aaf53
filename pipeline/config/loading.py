"""Reads the configuration from files, environment variables and the command line.

Later wins: `base.yaml` < the project's `groundloop.yaml` < overlays in the order given < `GROUNDLOOP__A__B` variables <
`--set a.b=value`. Mappings merge key by key; lists and scalars replace.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from groundloop.errors import ConfigError
from groundloop.suggestions import near_misses
from groundloop.yaml_text import YamlError, load_yaml
from pipeline.config.files import OVERLAY_VARIABLE, base_file, overlays_of, project_file
from pipeline.config.keys import all_keys, is_section, is_text, key_path
from pipeline.config.messages import SETTING_PREFIX, explain, written_key
from pipeline.config.models import Config
from pipeline.config.positions import Key, Source, read_yaml

#: What stands for a required setting that is not set, where the rest of the configuration is of use without it.
PLACEHOLDERS = {
    "aws.role": "arn:aws:iam::111122223333:role/groundloop",
    "aws.bucket": "amzn-s3-demo-bucket",
    "labels.manifest": "s3://amzn-s3-demo-bucket/labels/output.manifest",
}
_VARIABLE_PREFIX = "GROUNDLOOP_"
_OTHER_VARIABLES = frozenset(
    {
        OVERLAY_VARIABLE,
        *(f"GROUNDLOOP_{name}" for name in ("CACHE_DIR", "CHROMIUM", "DEBUG", "PYSPARK", "PYTHON312", "REQUIREMENTS")),
    }
)


@dataclass(frozen=True)
class LoadedConfig:
    """A configuration, and where its settings come from.

    Attributes:
        config: the validated settings.
        source: the origin of each setting.
        missing: required settings that are not set, in which case `config` has `PLACEHOLDERS` for them.
    """

    config: Config
    source: Source
    missing: tuple[str, ...] = ()

    def require(self, *keys: str) -> Config:
        """Return the configuration of a command that can do without some of the required settings.

        Args:
            keys: of the settings that it can't do without.

        Raises:
            ConfigError: one of them is not set.
        """
        lacking = [key for key in keys if key in self.missing]
        if lacking:
            raise ConfigError(*(f"{key} is required, and not set: --set {key}=..." for key in lacking))
        return self.config


def load_config(
    overlays: Sequence[Path] = (),
    assignments: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    *,
    project: bool = True,
) -> Config:
    """Read and validate the configuration.

    Args:
        overlays: YAML files over `base.yaml`; empty: those that `GROUNDLOOP_CONFIG` names, joined as in PATH.
        assignments: texts of the form `a.b=value`, the value in YAML.
        environment: environment variables; None: those of the process.
        project: read `groundloop.yaml` of the working folder, if there is one.

    Raises:
        ConfigError: the message has one line per error, each with file and line, key, value and remedy.
    """
    return load_with_origins(overlays, assignments, environment, project=project).config


def load_with_origins(
    overlays: Sequence[Path] = (),
    assignments: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    *,
    project: bool = True,
    incomplete: bool = False,
) -> LoadedConfig:
    """Read and validate the configuration, as `load_config` does, and keep where each setting comes from.

    Args:
        overlays: YAML files over `base.yaml`.
        assignments: texts of the form `a.b=value`, the value in YAML.
        environment: environment variables; None: those of the process.
        project: read `groundloop.yaml` of the working folder, if there is one.
        incomplete: accept that the settings of `PLACEHOLDERS` are not set.

    Raises:
        ConfigError: the message has one line per error, each with file and line, key, value and remedy.
    """
    environment = os.environ if environment is None else environment
    source = Source()
    tree: dict[str, Any] = {}
    for file in _files(overlays or overlays_of(environment), project):
        _merge(tree, read_yaml(file, source))
    for name in sorted(environment):
        if name.startswith(SETTING_PREFIX):
            key = key_path(name[len(SETTING_PREFIX) :].lower().split("__"))
            _assign(tree, key, environment[name], f"environment variable {name}", source)
    for assignment in assignments:
        dotted, equals, value = assignment.partition("=")
        if not equals or not dotted:
            raise ConfigError(f"--set {assignment}: write it as --set key.path=value")
        _assign(tree, key_path(dotted.split(".")), value, f"--set {assignment}", source)
    missing = tuple(dotted for dotted in PLACEHOLDERS if _is_missing(tree, dotted)) if incomplete else ()
    for dotted in missing:
        _assign(tree, dotted.split("."), PLACEHOLDERS[dotted], "not set", source)
    try:
        return LoadedConfig(Config.model_validate(tree), source, missing)
    except ValidationError as error:
        # A value of several alternatives has an error for each; one line per key is enough.
        lines = {written_key(fault, tree): explain(fault, source, tree) for fault in reversed(error.errors())}
        # Nor is the section of a wrong key wrong itself, for all that it isn't the list which it might be instead.
        deepest = [key for key in lines if not any(other[: len(key)] == key != other for other in lines)]
        raise ConfigError(*(lines[key] for key in reversed(deepest))) from None


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """Return a message for each variable that looks like a setting's but is not read."""
    return [
        f"environment variable {name} is not used; a setting's name is written like {_meant_variable(name)}"
        for name in sorted(environment)
        if name.startswith(_VARIABLE_PREFIX) and not name.startswith(SETTING_PREFIX) and name not in _OTHER_VARIABLES
    ]


def _meant_variable(name: str) -> str:
    keys = {dotted.replace(".", "_"): dotted for dotted in all_keys() if not is_section(tuple(dotted.split(".")))}
    rest = name[len(_VARIABLE_PREFIX) :].lower()
    section = next((field for field in Config.model_fields if rest.startswith(f"{field}_")), "section")
    near = near_misses(rest, keys, count=1, cutoff=0.75)
    meant = keys[near[0]] if near else f"{section}.key"
    return SETTING_PREFIX + meant.replace(".", "__").upper()


def _files(overlays: Sequence[Path], project: bool) -> list[Path]:
    """Return the files to read, the lowest precedence first, each once."""
    own = project_file(list(Config.model_fields)) if project else None
    files = [base_file([*overlays, *([own] if own else [])])]
    given = {overlay.resolve() for overlay in overlays}
    if own and own.resolve() not in given:
        files.append(own)
    return [*files, *(overlay for overlay in overlays if overlay.resolve() != files[0].resolve())]


def _merge(under: dict[str, Any], over: Mapping[str, Any], key: Key = ()) -> None:
    for name, value in over.items():
        path = (*key, name)
        if value is None and is_section(path):
            under.setdefault(name, {})  # a section whose settings are all commented out
        elif isinstance(value, dict) and isinstance(under.get(name), dict):
            _merge(under[name], value, path)
        else:
            under[name] = value


def _assign(tree: dict[str, Any], key: Sequence[str], text: str, place: str, source: Source) -> None:
    try:
        value, _ = load_yaml(text)
    except YamlError:
        raise ConfigError(f"{place}: {text!r} is not a YAML value; quote it") from None
    if value is not None and not isinstance(value, str | list | dict) and is_text(tuple(key)):
        value = text  # an account ID is no number here, nor "off" a boolean
    node = tree
    for part in key[:-1]:
        child = node.get(part)
        if not isinstance(child, dict):
            child = node[part] = {}
        node = child
    node[key[-1]] = value
    source.replace(tuple(key), place)


def _is_missing(tree: Mapping[str, Any], dotted: str) -> bool:
    node: Any = tree
    for part in dotted.split("."):
        if not isinstance(node, dict):
            return False  # a wrong section has a message of its own
        if part not in node:
            return True
        node = node[part]
    return False
