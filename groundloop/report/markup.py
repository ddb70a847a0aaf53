"""HTML from small functions: text is escaped where it enters, so that no name can become a tag."""

from __future__ import annotations

import html
import re

# Elements without content and end tag (HTML standard, "Void elements"), as far as the report uses them.
_VOID = frozenset({"meta", "br", "img"})
# Not allowed in HTML text, and of no use in a name.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


Content = str | int | None


def escape(text: object) -> Markup:
    """As HTML text or attribute value; characters that HTML forbids become the replacement character."""
    return Markup(html.escape(_CONTROL.sub("\ufffd", str(text)), quote=True))


def tag(element: str, *children: Content, **attributes: Content) -> Markup:
    """One element.

    Args:
        children: plain text is escaped, markup is not; None is left out.
        attributes: `class_` is written class, `aria_label` aria-label; None leaves the attribute out, "" gives one
            without value. The viewBox of SVG keeps its capital.
    """
    opening = "".join([element, *(_attribute(key, value) for key, value in attributes.items() if value is not None)])
    if element in _VOID:
        return Markup(f"<{opening}>")
    return Markup(f"<{opening}>{join(*children)}</{element}>")


def join(*parts: Content) -> Markup:
    """The parts in a row, escaped like children of :func:`tag`."""
    return Markup("".join(part if isinstance(part, Markup) else escape(part) for part in parts if part is not None))


def _attribute(key: str, value: Content) -> str:
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value == "" else f' {name}="{escape(value)}"'


def name(text: str) -> Markup:
    """A name that a user gave: isolated, so that one written right to left does not turn its neighbours around."""
    return tag("bdi", text)


def scrolling(table: Markup, label: str) -> Markup:
    """A wide table in a box of its own that scrolls sideways, by keyboard too, so that the page doesn't."""
    return tag("div", table, class_="scroll", role="region", tabindex=0, aria_label=label)


def section(title: str, *children: Content, key: str) -> Markup:
    """A section with its heading.

    Args:
        key: the anchor.
    """
    return tag("section", tag("h2", title), *children, id=key)
