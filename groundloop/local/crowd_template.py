"""Worker task templates, as far as the portal's own page can stand in for them.

That is one `crowd-bounding-box`, or in verification jobs one `crowd-image-classifier`. Element and Liquid filters:
SageMaker developer guide, "crowd-bounding-box" and "Automating template rendering with Liquid". The page draws boxes
itself, so of a template only the attributes of the element and its instructions count. Liquid code is not run: an
attribute is a literal, or one `{{ task.input.KEY | filters }}`.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

_ELEMENT = "crowd-bounding-box"
#: In which workers of a verification job say whether the boxes of its overlay are right.
_VERDICT_ELEMENT = "crowd-image-classifier"
_INSTRUCTIONS = "short-instructions"
_EXPRESSION = re.compile(r"\{\{\s*task\.input\.([\w.-]+)\s*((?:\|\s*\w+\s*)*)\}\}")
_FILTERS = frozenset({"escape", "grant_read_access", "skip_autoescape", "to_json"})
_EARLIER_LABELS = re.compile(r"task\.input\.manifestLine(?:\.([\w-]+)|\[\s*['\"]([\w-]+)['\"]\s*\])\.annotations")


class TemplateError(Exception):
    """A template that the portal can't stand in for, or an input that doesn't fit it; the text says why."""


@dataclass(frozen=True, slots=True)
class CrowdTemplate:
    """What counts of a template.

    Attributes:
        name: of the element, under which the answer's boxes stand.
        attributes: of the element, as written.
        instructions: the short ones, as text.
        earlier_labels: label attribute whose boxes a labelling job's template reads from the manifest line, if any.
    """

    name: str
    attributes: Mapping[str, str]
    instructions: str = ""
    earlier_labels: str | None = None

    @classmethod
    def parse(cls, content: str, *, verifies: bool = False) -> CrowdTemplate:
        """Read a template.

        Args:
            content: of the template.
            verifies: whether it is a verification job's, with a `crowd-image-classifier`.

        Raises:
            TemplateError: it has no such element, several, or one that lacks a name, an image or labels.
        """
        element = _VERDICT_ELEMENT if verifies else _ELEMENT
        reader = _Reader(element)
        reader.feed(content)
        reader.close()
        if len(reader.found) != 1:
            raise TemplateError(
                f"The template has {len(reader.found) or 'no'} {element} elements. Templates other than one "
                f"{element} are not played offline."
            )
        attributes = reader.found[0]
        for needed in ("name", "src", "categories" if verifies else "labels"):
            if not attributes.get(needed):
                raise TemplateError(f"The {element} of the template lacks the attribute {needed}.")
        earlier = _EARLIER_LABELS.search(attributes.get("overlay" if verifies else "initial-value", ""))
        return cls(
            name=attributes["name"],
            attributes=attributes,
            instructions=" ".join("".join(reader.instructions).split()),
            earlier_labels=(earlier.group(1) or earlier.group(2)) if earlier else None,
        )

    def check_expressions(self) -> None:
        """Check that the attributes can be rendered without running Liquid code, as human loops need it.

        Raises:
            TemplateError: one can't.
        """
        for name in ("src", "labels", "initial-value"):
            _expression(name, self.attributes.get(name, ""))

    def image(self, content: Mapping[str, Any]) -> str:
        """Return the S3 URI of the image of a human loop's input content.

        Raises:
            TemplateError: the content has none.
        """
        value = self._rendered("src", content)
        if not isinstance(value, str) or not value.startswith("s3://"):
            raise TemplateError(f"The input gives the template no image in S3 but {value!r}.")
        return value

    def labels(self, content: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the class names of a human loop's input content.

        Raises:
            TemplateError: the content has none, or one twice.
        """
        value = self._rendered("labels", content)
        if not isinstance(value, list) or not value or not all(isinstance(name, str) and name for name in value):
            raise TemplateError(f"The input gives the template no list of labels but {value!r}.")
        if len(set(value)) != len(value):
            raise TemplateError("The input gives the template a label twice.")
        return tuple(value)

    def initial_boxes(self, content: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the boxes that are shown at first: `label, left, top, width, height` in pixels.

        Raises:
            TemplateError: a box isn't one.
        """
        value = self._rendered("initial-value", content)
        if value in (None, ""):
            return []
        sides = ("left", "top", "width", "height")
        for box in value if isinstance(value, list) else [value]:
            numbers = [box.get(side) for side in sides] if isinstance(box, dict) else [None]
            if not all(isinstance(one, int | float) and not isinstance(one, bool) for one in numbers):
                raise TemplateError(f"The initial value {box!r} is not a box with label, left, top, width and height.")
            if box.get("label") not in self.labels(content):
                raise TemplateError(f"The label {box.get('label')!r} of an initial value is none of the labels.")
        return list(value)

    def _rendered(self, name: str, content: Mapping[str, Any]) -> Any:
        text = self.attributes.get(name, "").strip()
        path = _expression(name, text)
        if path is None:
            return text if name == "src" else _literal(name, text)
        value: Any = content
        for key in path:
            value = value.get(key) if isinstance(value, Mapping) else None
        if name != "src" and isinstance(value, str) and value:
            return _literal(name, value)
        return value


class _Reader(HTMLParser):
    """Collects the attributes of every element of a name, and the text of the short instructions."""

    def __init__(self, element: str) -> None:
        super().__init__()
        self._element = element
        self.found: list[dict[str, str]] = []
        self.instructions: list[str] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == self._element:
            self.found.append({name: value or "" for name, value in attrs})
        self._inside = self._inside or tag == _INSTRUCTIONS

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != _INSTRUCTIONS

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.instructions.append(data)


def _expression(name: str, text: str) -> list[str] | None:
    """Return the path of an attribute's Liquid expression below `task.input`; None for a literal."""
    if found := _EXPRESSION.fullmatch(text.strip()):
        filters = {part.strip() for part in found.group(2).split("|") if part.strip()}
        if unknown := sorted(filters - _FILTERS):
            raise TemplateError(f"The filter {unknown[0]} of the attribute {name} is not played offline.")
        return found.group(1).split(".")
    if "{{" in text or "{%" in text:
        raise TemplateError(
            f"The attribute {name} of the {_ELEMENT} holds Liquid code, which is not played offline: give it as "
            "{{ task.input.KEY | to_json | escape }}, and the value in the input content."
        )
    return None


def _literal(name: str, text: str) -> Any:
    """Return a list that an attribute writes out, in JSON or, as AWS's examples do, with single quotes."""
    if not text:
        return None
    for read in (json.loads, ast.literal_eval):
        try:
            return read(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
    raise TemplateError(f"The attribute {name} of the {_ELEMENT} is no list: {text[:80]!r}.")
