"""The settings by their keys: which there are, what is known of each, and which one a misspelt key meant."""

from __future__ import annotations

import functools
import types
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from groundloop.suggestions import near_misses
from pipeline.config.models import Config
from pipeline.config.positions import Key


def key_path(parts: Sequence[str]) -> Sequence[str]:
    """Join the parts of a free-form key, such as `count.mae` in `gate.thresholds.count.mae`.

    Example:
        >>> key_path(["gate", "thresholds", "count", "mae"])
        ['gate', 'thresholds', 'count.mae']
    """
    for length in range(1, len(parts) - 1):
        field = field_at(tuple(parts[:length]))
        if field is None or get_origin(field.annotation) is not dict:
            continue
        value = get_args(field.annotation)[1]
        if isinstance(value, type) and issubclass(value, BaseModel):
            continue
        return [*parts[:length], ".".join(parts[length:])]
    return parts


def model_at(key: Key) -> type[BaseModel] | None:
    """Return the settings class that a key leads to, also through a list or a mapping; None for a plain value."""
    annotation: Any = Config
    for part in key:
        model = _model_of(annotation)
        if model is not None:
            field = model.model_fields.get(str(part))
            annotation = field.annotation if field else None
        else:
            annotation = get_args(annotation)[-1] if get_origin(annotation) in {dict, list} else None
    return _model_of(annotation)


def field_at(key: Key) -> FieldInfo | None:
    """Return what is known of a setting; None for a key that no settings class names."""
    model = model_at(key[:-1]) if key else None
    return model.model_fields.get(str(key[-1])) if model else None


def is_section(key: Key) -> bool:
    """Tell whether a key holds further keys, and null is no value for it."""
    field = field_at(key)
    if field is None or type(None) in get_args(field.annotation):
        return False
    return _model_of(field.annotation) is not None or get_origin(field.annotation) is dict


def is_text(key: Key) -> bool:
    """Tell whether the values of a setting are texts: strings, or words to choose from."""
    field = field_at(key)
    if field is None:
        return False
    return {_value_type(option) for option in _options(field.annotation)} - {type(None)} == {str}


@functools.cache
def all_keys() -> tuple[str, ...]:
    """Return every key of the configuration, dotted, in the order of `configs/base.yaml`."""
    return tuple(_keys(Config, ""))


def suggestion(key: Key) -> str:
    """Return the end of a message on an unknown key: the key that was meant, or those that there are."""
    model = model_at(key[:-1])
    if model is None:
        return ""
    name, names = str(key[-1]), list(model.model_fields)
    if near := near_misses(name, names, count=1, cutoff=0.75):
        return f"; did you mean {near[0]}?"
    leaves = {dotted.rpartition(".")[2] for dotted in all_keys()}
    for leaf in near_misses(name, leaves, count=1, cutoff=0.85):
        places = [dotted for dotted in all_keys() if dotted.rpartition(".")[2] == leaf]
        section = ".".join(map(str, key[:-1]))
        inside = [dotted for dotted in places if dotted.startswith(f"{section}.")]
        if len(inside or places) == 1:
            return f"; did you mean {(inside or places)[0]}?"
    if near := near_misses(name, names, count=1, cutoff=0.6):
        return f"; did you mean {near[0]}?"
    return f"; there are: {', '.join(names)}"


def _keys(model: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield prefix + name
        inner = _model_of(field.annotation)
        if inner is not None:
            yield from _keys(inner, f"{prefix}{name}.")


def _model_of(annotation: Any) -> type[BaseModel] | None:
    """Return the settings class of an annotation, also of one that may be null instead."""
    return next((o for o in _options(annotation) if isinstance(o, type) and issubclass(o, BaseModel)), None)


def _options(annotation: Any) -> tuple[Any, ...]:
    """Return the alternatives of a union; of any other annotation, itself."""
    return get_args(annotation) if get_origin(annotation) in {Union, types.UnionType} else (annotation,)


def _value_type(annotation: Any) -> Any:
    """Return the type of an annotation's values, `str` for a choice of words."""
    if get_origin(annotation) is Annotated:
        return get_args(annotation)[0]
    if get_origin(annotation) is Literal:
        types_of_values = {type(value) for value in get_args(annotation)}
        return types_of_values.pop() if len(types_of_values) == 1 else object
    return annotation
