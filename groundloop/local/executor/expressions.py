"""Get, Std:Join and Std:JsonGet, resolved to values."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from groundloop.local.errors import JobError
from groundloop.local.executor.definition import Definition
from groundloop.local.executor.parameters import Json
from groundloop.s3 import join_uri

_TOKEN = re.compile(
    r"""\.?(?P<name>[^.\[\]]+)|\[(?P<index>\d+)\]|\[(?P<quote>['"])(?P<key>.*?)(?P=quote)\]""", re.DOTALL
)
#: The member that names an item where the API lists what the definition treats as a map.
_NAME_MEMBERS = ("OutputName", "InputName", "ChannelName", "VariantName", "MetricName", "Name")


class ResolveError(Exception):
    """An expression has no value; the text names its path."""


def tokens(path: str) -> list[str | int]:
    """``a.b[0]['c']`` -> ``["a", "b", 0, "c"]``; a leading ``$`` is allowed. ResolveError for anything else."""
    rest = path[1:] if path.startswith("$") else path
    found: list[str | int] = []
    while rest:
        match = _TOKEN.match(rest)
        if not match:
            raise ResolveError(f"{path!r} is not a path")
        if match["index"] is not None:
            found.append(int(match["index"]))
        else:
            found.append(match["name"] if match["name"] is not None else match["key"])
        rest = rest[match.end() :]
    return found


def follow(value: Any, path: str) -> Any:
    """The value at a path; a list of named things can be entered by name. ResolveError if there is none."""
    for token in tokens(path):
        if isinstance(value, list) and isinstance(token, str):
            named = [item for item in value if isinstance(item, dict) and token in (item.get(m) for m in _NAME_MEMBERS)]
            if len(named) != 1:
                raise ResolveError(f"{path}: nothing is named {token!r}")
            value = named[0]
            continue
        try:
            value = value[token]
        except (KeyError, IndexError, TypeError):
            raise ResolveError(f"{path}: there is no {token!r}") from None
    return value


def as_text(value: Any) -> str:
    """A value as Std:Join writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return json.dumps(value)
    return str(value)


class Resolver:
    """Resolves the expressions of one execution at one moment."""

    def __init__(
        self,
        definition: Definition,
        parameters: Mapping[str, Any],
        execution: Mapping[str, str],
        outputs: Mapping[str, Json],
        read: Callable[[str], bytes],
    ) -> None:
        self._definition = definition
        self._parameters, self._execution, self._outputs, self._read = parameters, execution, outputs, read

    def resolve(self, value: Any) -> Any:
        """A value with every expression in it replaced. Members that are null are left out, as the service does.

        Raises:
            ResolveError: names the path that has no value.
        """
        if isinstance(value, list):
            return [self.resolve(item) for item in value]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((key, inner),) = value.items()
            try:
                if key == "Get":
                    return self._get(inner)
                if key == "Std:Join":
                    return self._join(inner)
                if key == "Std:JsonGet":
                    return self._json_get(inner)
            except (KeyError, TypeError, AttributeError) as error:
                raise ResolveError(f"{key} is malformed: {inner!r}") from error
        return {key: self.resolve(item) for key, item in value.items() if item is not None}

    def _join(self, body: Json) -> str:
        return as_text(self.resolve(body.get("On", ""))).join(as_text(self.resolve(value)) for value in body["Values"])

    def _get(self, path: str) -> Any:
        space, _, rest = path.partition(".")
        if space == "Parameters":
            return self._parameters[rest]
        if space == "Execution":
            if rest not in self._execution:
                raise ResolveError(f"{path}: there is no such variable of an execution")
            return self._execution[rest]
        step, _, inner = rest.partition(".")
        if step not in self._outputs:
            raise ResolveError(f"{path}: step {step} has not been executed")
        try:
            return follow(self._outputs[step], inner)
        except ResolveError as error:
            raise ResolveError(f"Steps.{step}.{error}") from None

    def _json_get(self, body: Json) -> Any:
        place = self._property_file(body["PropertyFile"]) if "PropertyFile" in body else self.resolve(body["S3Uri"])
        path = self.resolve(body["Path"])
        try:
            content = json.loads(self._read(place))
        except JobError as error:
            raise ResolveError(f"JsonGet {path}: {error.text}") from error
        except ValueError as error:
            raise ResolveError(f"JsonGet {path}: {place} is not JSON: {error}") from error
        try:
            value = follow(content, path)
        except ResolveError as error:
            raise ResolveError(f"JsonGet: {error} in {place}") from error
        return value

    def _property_file(self, reference: Any) -> str:
        path = reference["Get"] if isinstance(reference, dict) else str(reference)
        parts = path.split(".")
        if len(parts) != 4 or parts[0] != "Steps" or parts[2] != "PropertyFiles":
            raise ResolveError(f"{path} is not of the form Steps.<step>.PropertyFiles.<name>")
        _, step, _, name = parts
        files = self._definition.steps[step].property_files
        if name not in files:
            raise ResolveError(f"{path}: step {step} declares no property file {name}")
        output, file = files[name]
        uri = self._get(f"Steps.{step}.ProcessingOutputConfig.Outputs['{output}'].S3Output.S3Uri")
        return join_uri(uri, file)
