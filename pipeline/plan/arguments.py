"""A command line by its options."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.plan.facts import Fact


def by_option(values: list[Fact], text_of: Callable[[Fact], str]) -> list[tuple[str, list[Fact]]]:
    """Option and values, in order: of ``--a 1 2 --b=x`` they are ``--a`` with 1 and 2, and ``--b`` with x.

    Parts of one value, ``--b=x --b=y``, come together; an option that is repeated otherwise is numbered, ``--a #2``.
    What stands before the first option goes by ``argument``.
    """
    found: list[tuple[str, list[Fact]]] = []
    parts: dict[str, list[Fact]] = {}
    seen: dict[str, int] = {}
    for value in values:
        text = text_of(value)
        if text.startswith("--") and "=" in text.split(" ", 1)[0]:
            option, _, given = text.partition("=")
            if option not in parts:
                parts[option] = []
                found.append((option, parts[option]))
            parts[option].append(replace(value, text=given))
        elif text.startswith("--") and len(text) > 2:
            seen[text] = seen.get(text, 0) + 1
            found.append((text if seen[text] == 1 else f"{text} #{seen[text]}", []))
        elif found:
            found[-1][1].append(value)
        else:
            found.append(("argument", [value]))
    return found
