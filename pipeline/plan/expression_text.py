"""Pipeline variables as text: what they hold when an execution starts with the defaults."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Protocol

from groundloop.spec.expressions import GET, JOIN, JSON_GET, expressions, is_expression, referenced_step

#: The text that a processing job hands over: a result, not a place.
_MESSAGE = ".ExitMessage"
_QUOTE = re.compile(r'(?<!\\)(?:\\\\)*"')
#: Stands for a variable while the text around it is read as JSON; a control character is in no other text.
_HOLD, _HELD = "\x7f{}\x7f", re.compile("\x7f([0-9]+)\x7f")


@dataclass(frozen=True)
class Text:
    """A value as text, and what it depends on: parameters, steps, the execution itself.

    Attributes:
        contents: those of the steps whose results it is made of, not where they lie; a step that runs again may give
            the same.
    """

    text: str
    parameters: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    per_execution: bool = False
    contents: frozenset[str] = frozenset()


class Reads(Protocol):
    """What reads from steps: a `Text`, or a value made of several."""

    @property
    def steps(self) -> tuple[str, ...]:
        """The steps that it reads from."""

    @property
    def contents(self) -> frozenset[str]:
        """Those of which it reads the results."""


def render(value: Any, defaults: dict[str, Any]) -> Text:
    """Return a value, with the expressions in it, as text."""
    if not is_expression(value):
        return Text(value if isinstance(value, str) else json.dumps(value, sort_keys=True))
    ((function, body),) = value.items()
    if function == GET and isinstance(body, str):
        return _get(body, defaults)
    if function == JOIN and isinstance(body, dict) and isinstance(body.get("Values"), list):
        parts = [render(part, defaults) for part in body["Values"]]
        return _of(str(body.get("On", "")).join(part.text for part in parts), parts)
    if function == JSON_GET and isinstance(body, dict):
        source = body.get("PropertyFile", body.get("S3Uri"))
        found = render(source, defaults)
        file = found.text.strip("{}").replace(".PropertyFiles.", ".")
        return replace(_of(f"{{{file}: {body.get('Path')}}}", [found]), contents=frozenset(found.steps))
    return Text(json.dumps(value, sort_keys=True), steps=_steps_in(value))


def joined_document(value: Any) -> Any:
    """Return the JSON object that a Std:Join builds, with placeholders for variables; None for any other value."""
    join = value.get("Std:Join") if is_expression(value) else None
    parts = join.get("Values") if isinstance(join, dict) and not join.get("On") else None
    if not isinstance(parts, list) or not parts or not str(parts[0]).startswith("{"):
        return None
    text = ""
    held: list[Any] = []
    for part in parts:
        if isinstance(part, str):
            text += part
        else:
            # Between quotes the variable is a part of a text, outside of them it is a value of its own.
            quoted = len(_QUOTE.findall(text)) % 2
            text += _HOLD.format(len(held)) if quoted else json.dumps(_HOLD.format(len(held)))
            held.append(part)
    try:
        return _filled(json.loads(text), held)
    except ValueError:
        return None


def _filled(value: Any, held: list[Any]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(inner, held) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, held) for inner in value]
    if isinstance(value, str) and (pieces := _HELD.split(value))[1:]:
        parts = [held[int(piece)] if number % 2 else piece for number, piece in enumerate(pieces)]
        parts = [part for part in parts if part != ""]
        return parts[0] if len(parts) == 1 else {"Std:Join": {"On": "", "Values": parts}}
    return value


def _get(reference: str, defaults: dict[str, Any]) -> Text:
    kind, _, rest = reference.partition(".")
    if kind == "Parameters" and rest in defaults:
        default = defaults[rest]
        return Text(default if isinstance(default, str) else json.dumps(default), parameters=(rest,))
    if kind == "Steps":
        steps = _steps_in({"Get": reference})
        return Text(f"{{{rest}}}", steps=steps, contents=frozenset(steps if rest.endswith(_MESSAGE) else ()))
    # The pipeline's own name stays from one execution to the next, all else of Execution.* does not.
    return Text(f"{{{reference}}}", per_execution=kind == "Execution" and rest not in ("PipelineName", "PipelineArn"))


def _of(text: str, parts: list[Text]) -> Text:
    return Text(
        text,
        tuple(dict.fromkeys(name for part in parts for name in part.parameters)),
        tuple(dict.fromkeys(name for part in parts for name in part.steps)),
        any(part.per_execution for part in parts),
        common_contents(parts),
    )


def common_contents(parts: Iterable[Reads]) -> frozenset[str]:
    """Return the steps of which every part that reads from them reads the results."""
    listed = list(parts)
    elsewhere = {step for part in listed for step in part.steps if step not in part.contents}
    return frozenset(step for part in listed for step in part.contents) - elsewhere


def _steps_in(value: Any) -> tuple[str, ...]:
    """Return the steps that an expression reads from, without repetition."""
    found = (referenced_step(function, body) for _, function, body in expressions(value, ""))
    return tuple(dict.fromkeys(step for step in found if step))
