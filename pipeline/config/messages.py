"""Messages on wrong settings: what pydantic found, in the words of whoever wrote the YAML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from pydantic import StringConstraints
from pydantic_core import ErrorDetails

from groundloop.suggestions import near_misses
from pipeline.config.keys import field_at, suggestion
from pipeline.config.positions import Key, Source
from pipeline.config.triggers import Schedule
from steps import settings

SETTING_PREFIX = "GROUNDLOOP__"
_MAX_SHOWN, _MAX_CHOICES = 80, 8


def _pattern(annotated: Any) -> str:
    """Return the regular expression of a type, by which pydantic names it in an error."""
    constraints = next(item for item in get_args(annotated) if isinstance(item, StringConstraints))
    return str(constraints.pattern)


_FORMS = {
    _pattern(settings.S3Uri): "an S3 URI with a key, such as s3://bucket/folder/file",
    _pattern(settings.InstanceType): "an instance type, such as ml.m5.xlarge",
    _pattern(settings.RoleArn): "the ARN of a role, such as arn:aws:iam::111122223333:role/groundloop",
    _pattern(settings.BucketName): "a bucket name (3 to 63 lowercase letters, digits, dots and hyphens)",
    _pattern(settings.ResourceName): "a name of at most 63 letters, digits and hyphens",
    _pattern(settings.PipelineName): "a name of at most 160 letters, digits and hyphens",
    _pattern(settings.AccountId): "an account ID of 12 digits in quotes",
    _pattern(settings.KeyPrefix): "a key prefix of letters, digits, and . _ - /, without a / at its ends",
    _pattern(settings.CacheAge): "an ISO 8601 duration, such as P30D or PT12H",
    _pattern(Schedule): "a schedule, such as cron(0 3 ? * MON *) or rate(7 days)",
}

_NUMBER = "must be a number"
_INTEGER = "must be an integer"
_BOOLEAN = "must be true or false"
_TEXT = "must be text"
_SECTION = "must be a section of settings"
_LIST = "must be a list"
#: What each type of pydantic's errors asks for; the context of an error has its limits.
_EXPECTATIONS: dict[str, str] = {
    "int_type": _INTEGER,
    "int_parsing": _INTEGER,
    "int_from_float": _INTEGER,
    "int_parsing_size": _INTEGER,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "finite_number": "must be a finite number",
    "bool_type": _BOOLEAN,
    "bool_parsing": _BOOLEAN,
    "string_type": _TEXT,
    "list_type": _LIST,
    "dict_type": _SECTION,
    "model_type": _SECTION,
    "model_attributes_type": _SECTION,
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "too_long": "must have at most {max_length} entries",
    "too_short": "must have at least {min_length} entries",
}


def explain(fault: ErrorDetails, source: Source, tree: Mapping[str, Any]) -> str:
    """Return the line on one error: where, which key, what is wrong and what would be right."""
    key = written_key(fault, tree)
    dotted = ".".join(map(str, key)) or "configuration"
    place, kind, given = source.place_of(key), fault["type"], fault.get("input")
    if kind == "extra_forbidden":
        return f"{place}: unknown key {dotted}{suggestion(key)}"
    if kind == "missing":
        return (
            f"{dotted} is not set: set it in {_file_to_edit(source)}, with --set {dotted}=..., "
            f"or as {SETTING_PREFIX}{'__'.join(map(str, key)).upper()}"
        )
    if kind == "value_error":
        return f"{place}: {dotted}: {fault['ctx']['error']!s}" if key else str(fault["ctx"]["error"])
    described = (field.description or "").rstrip(".") if (field := field_at(key)) else ""
    return f"{place}: {dotted} {expectation(fault)}, got {_shown(given)}" + (f" ({described})" if described else "")


def written_key(fault: ErrorDetails, tree: Mapping[str, Any]) -> Key:
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


def _file_to_edit(source: Source) -> str:
    return source.last_file or "groundloop.yaml (`groundloop init` writes it)"


def expectation(fault: ErrorDetails) -> str:
    """Return what a value should be, as `must be ...`, with the remedy for the usual traps of YAML."""
    kind, given, context = fault["type"], fault.get("input"), fault.get("ctx", {})
    if kind == "literal_error":
        return _one_of(field_choices(context["expected"]), given)
    if kind == "string_pattern_mismatch":
        form = _FORMS.get(context["pattern"])
        return f"must be {form}" if form else f"must match the regular expression {context['pattern']}"
    if kind == "string_type":
        return _TEXT + _text_hint(given)
    if kind in _EXPECTATIONS:
        return _EXPECTATIONS[kind].format(**context)
    return fault["msg"].removeprefix("Input ").removeprefix("Value ").replace("should", "must", 1)


def field_choices(expected: str) -> list[str]:
    """Return the values of pydantic's text on a choice, such as `'a', 'b' or 'c'`."""
    return [part.strip() for part in expected.replace(" or ", ", ").split(", ")]


def _one_of(choices: list[str], given: Any) -> str:
    if isinstance(given, bool):
        return f"must be {_alternatives(choices)} (YAML reads on, off, yes and no as true or false: put it in quotes)"
    near = near_misses(repr(given), choices, count=1, cutoff=0.7) if isinstance(given, str) else []
    shown = _alternatives(choices) if len(choices) <= _MAX_CHOICES or not near else "one of the supported values"
    return f"must be {shown}" + (f" (did you mean {near[0]}?)" if near else "")


def _alternatives(choices: list[str]) -> str:
    return " or ".join([", ".join(choices[:-1]), choices[-1]]) if len(choices) > 1 else choices[0]


def _text_hint(given: Any) -> str:
    if isinstance(given, list) and given and all(isinstance(item, int) for item in given):
        return f' (write it as "{",".join(map(str, given))}")'
    if isinstance(given, bool | int | float):
        return " (put it in quotes)"
    return ""


def _shown(value: Any) -> str:
    text = "null" if value is None else str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 3] + "..."
