"""Reads the configuration from files, environment variables and the command line.

Later wins: `base.yaml` < overlays in the order given < `GROUNDLOOP__A__B` variables < `--set a.b=value`.
Mappings merge key by key; lists and scalars replace.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from groundloop.errors import ConfigError
from groundloop.suggestions import near_misses
from pipeline.config.models import Config
from pipeline.config.positions import Key, Source, read_yaml

OVERLAY_VARIABLE = "GROUNDLOOP_CONFIG"
_SETTING_PREFIX = "GROUNDLOOP__"
_PACKAGED = Path(__file__).resolve().parents[2] / "configs"


def configs_folder() -> Path:
    """Return the folder `configs` of the working folder, or the one that came with the package."""
    own = Path("configs")
    return own if (own / "base.yaml").is_file() else _PACKAGED


def load_config(
    overlays: Sequence[Path] = (),
    assignments: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
) -> Config:
    """Read and validate the configuration.

    Args:
        overlays: YAML files over `base.yaml`; empty: those that `GROUNDLOOP_CONFIG` names, joined as in PATH.
        assignments: texts of the form `a.b=value`, the value in YAML.
        environment: environment variables; None: those of the process.

    Raises:
        ConfigError: the message has one line per error, each with file and line, key, value and remedy.
    """
    environment = os.environ if environment is None else environment
    source = Source()
    overlays = overlays or [Path(name) for name in environment.get(OVERLAY_VARIABLE, "").split(os.pathsep) if name]
    base = _base_beside(overlays)
    tree: dict[str, Any] = read_yaml(base, source)
    for overlay in overlays:
        if overlay.resolve() != base.resolve():
            _merge(tree, read_yaml(overlay, source))
    for name in sorted(environment):
        if name.startswith(_SETTING_PREFIX):
            key = _key_path(name[len(_SETTING_PREFIX) :].lower().split("__"))
            _assign(tree, key, environment[name], f"environment variable {name}", source)
    for assignment in assignments:
        dotted, equals, value = assignment.partition("=")
        if not equals or not dotted:
            raise ConfigError(f"--set {assignment}: write it as --set key.path=value")
        _assign(tree, _key_path(dotted.split(".")), value, f"--set {assignment}", source)
    try:
        return Config.model_validate(tree)
    except ValidationError as error:
        raise ConfigError("\n".join(_explain(fault, source, tree) for fault in error.errors())) from None


def _base_beside(overlays: Sequence[Path]) -> Path:
    for overlay in overlays:
        if (overlay.parent / "base.yaml").is_file():
            return overlay.parent / "base.yaml"
    return configs_folder() / "base.yaml"


def _merge(under: dict[str, Any], over: Mapping[str, Any]) -> None:
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(under.get(key), dict):
            _merge(under[key], value)
        else:
            under[key] = value


def _assign(tree: dict[str, Any], key: Sequence[str], text: str, place: str, source: Source) -> None:
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        raise ConfigError(f"{place}: {text!r} is not a YAML value; quote it") from None
    node = tree
    for part in key[:-1]:
        child = node.get(part)
        if not isinstance(child, dict):
            child = node[part] = {}
        node = child
    node[key[-1]] = value
    source.record(tuple(key), place)


def _key_path(parts: Sequence[str]) -> Sequence[str]:
    """Join the parts of a free-form key, such as `count.mae` in `gate.thresholds.count.mae`."""
    for length in range(1, len(parts) - 1):
        field = _field_at(tuple(parts[:length]))
        if field is None or get_origin(field.annotation) is not dict:
            continue
        value = get_args(field.annotation)[1]
        if isinstance(value, type) and issubclass(value, BaseModel):
            continue
        return [*parts[:length], ".".join(parts[length:])]
    return parts


def _written_key(fault: ErrorDetails, tree: Mapping[str, Any]) -> Key:
    """Return the key of an error without the parts by which pydantic names the alternatives of a union."""
    key: Key = fault["loc"]
    node: Any = tree
    written: list[str | int] = []
    for index, part in enumerate(key):
        is_member = isinstance(node, dict) and part in node
        is_item = isinstance(node, list) and isinstance(part, int)
        if is_member or is_item:
            node = node[part]
            written.append(part)
        elif fault["type"] == "missing" and index == len(key) - 1:
            written.append(part)
    return tuple(written)


def _explain(fault: ErrorDetails, source: Source, tree: Mapping[str, Any]) -> str:
    key = _written_key(fault, tree)
    dotted = ".".join(map(str, key)) or "configuration"
    place = source.place_of(key)
    given = fault.get("input")
    kind = fault["type"]
    if kind == "extra_forbidden":
        return f"{place}: unknown key {dotted}{_near_miss(key)}"
    if kind == "missing":
        return (
            f"{dotted} is not set: give it in a file under configs/, with --set {dotted}=..., "
            f"or as {_SETTING_PREFIX}{'__'.join(map(str, key)).upper()}"
        )
    if kind == "value_error":
        return f"{place}: {dotted}: {fault['ctx']['error']!s}" if key else str(fault["ctx"]["error"])
    message = fault["msg"].removeprefix("Input ").removeprefix("Value ").removeprefix("String ")
    described = _field_description(key)
    hint = f" ({described})" if described else ""
    return f"{place}: {dotted} is {_shown(given)}, but {message}{hint}"


def _shown(value: Any) -> str:
    text = "null" if value is None else repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _model_at(key: Key) -> type[BaseModel] | None:
    """Return the settings class that a key leads to; None for a plain value."""
    model: type[BaseModel] | None = Config
    for part in key:
        field = model.model_fields.get(str(part)) if model else None
        annotation = field.annotation if field else None
        options = [annotation, *get_args(annotation)]
        model = next((o for o in options if isinstance(o, type) and issubclass(o, BaseModel)), None)
    return model


def _near_miss(key: Key) -> str:
    model = _model_at(key[:-1])
    if model is None:
        return ""
    names = list(model.model_fields)
    near = near_misses(str(key[-1]), names, count=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else f"; there are: {', '.join(names)}"


def _field_at(key: Key) -> FieldInfo | None:
    model = _model_at(key[:-1]) if key else None
    return model.model_fields.get(str(key[-1])) if model else None


def _field_description(key: Key) -> str:
    field = _field_at(key)
    return (field.description or "").rstrip(".") if field else ""
