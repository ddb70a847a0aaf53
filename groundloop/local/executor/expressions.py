"""Get, Std:Join and Std:JsonGet, resolved to values."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from groundloop.local.errors import JobError
from groundloop.s3 import join_uri
from groundloop.spec.definition import Definition, Json
from groundloop.spec.expressions import GET, JOIN, JSON_GET, property_file, tokens

#: The member that names an item where the API lists what the definition treats as a map.
_NAME_MEMBERS = ("OutputName", "InputName", "ChannelName", "VariantName", "MetricName", "Name")


class ResolveError(Exception):
    """An expression has no value; the text names its path."""


def follow(value: Any, path: str) -> Any:
    """Return the value at a path, with or without a leading `$`; an item of a list may be given by its name.

    Raises:
        ResolveError: it is not a path, or there is nothing at it.
    """
    steps = tokens(path.removeprefix("$"))
    if steps is None:
        raise ResolveError(f"{path!r} is not a path")
    for token in steps:
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
    """Convert a value into the text that Std:Join writes."""
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
        """Replace every expression in a value. Members that are null are left out, as the service does.

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
                if key == GET:
                    return self._get(inner)
                if key == JOIN:
                    return self._join(inner)
                if key == JSON_GET:
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
        place = self._property_file_uri(body) if "PropertyFile" in body else self.resolve(body["S3Uri"])
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

    def _property_file_uri(self, body: Json) -> str:
        source = property_file(body)
        if source is None:
            raise ResolveError(f"{body['PropertyFile']} is not of the form Steps.<step>.PropertyFiles.<name>")
        step, name = source
        files = self._definition.steps_by_name[step].property_files
        if name not in files:
            raise ResolveError(f"Steps.{step}.PropertyFiles.{name}: step {step} declares no property file {name}")
        uri = self._get(f"Steps.{step}.ProcessingOutputConfig.Outputs['{files[name].output_name}'].S3Output.S3Uri")
        return join_uri(uri, files[name].file_path)
