"""The JSON Schema by which editors complete and check the configuration's YAML files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.config.models import Config

DIALECT = "https://json-schema.org/draft/2020-12/schema"
SCHEMA_ID = "urn:groundloop:configuration"

Schema = dict[str, Any]


def editor_schema() -> Schema:
    """Return the schema of one YAML file, which may hold any part of the configuration.

    No key is required, since another file may give it, except in the entries of a list, which replaces the whole list.
    A section may be empty, as it is when all of its settings are commented out.
    """
    schema = Config.model_json_schema()
    whole = {_reference(node["items"]) for node in _nodes(schema) if isinstance(node.get("items"), dict)}
    for name, definition in schema["$defs"].items():
        _accept_parts(definition, is_whole=f"#/$defs/{name}" in whole)
    _accept_parts(schema, is_whole=False)
    return {"$schema": DIALECT, "$id": SCHEMA_ID, **schema, "title": "Configuration of groundloop"}


def _accept_parts(definition: Schema, *, is_whole: bool) -> None:
    if not is_whole:
        definition.pop("required", None)
    for name, field in definition.get("properties", {}).items():
        if "$ref" in field:
            field.pop("default", None)  # its settings have theirs
            definition["properties"][name] = {"anyOf": [{"$ref": field.pop("$ref")}, {"type": "null"}], **field}
        elif field.get("type") == "object":
            field["type"] = ["object", "null"]


def _reference(items: Schema) -> str:
    return str(items.get("$ref", ""))


def _nodes(node: Any) -> Iterator[Schema]:
    """Yield every mapping of a schema."""
    if isinstance(node, dict):
        yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _nodes(child)
