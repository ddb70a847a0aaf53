"""The templates of the report: HTML and CSS files beside this module, which are read from a zip archive as well."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from groundloop.images.palette import PALETTE
from groundloop.report import numbers
from groundloop.wording import quantity

if TYPE_CHECKING:
    from jinja2 import Environment

# Not allowed in HTML text, and of no use in a name.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def render(template: str, **values: Any) -> str:
    """Fill in a template of the `templates` folder.

    Every value is escaped, so that no name can become a tag; characters that HTML forbids are replaced.

    Args:
        template: its file name, such as `page.html`.
        values: what it refers to, by name; a reference to anything else raises `jinja2.UndefinedError`.
    """
    return _environment().get_template(template).render(values)


@cache
def _environment() -> Environment:
    # Not at the top: whoever only imports the package does not render.
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    environment = Environment(
        autoescape=True,
        finalize=_allowed,
        keep_trailing_newline=True,
        loader=FunctionLoader(_source),
        lstrip_blocks=True,
        trim_blocks=True,
        undefined=StrictUndefined,
    )
    filters = (numbers.ratio, numbers.percent, numbers.signed, quantity, numbers.display_name)
    environment.globals["palette"] = PALETTE
    environment.filters |= {function.__name__: function for function in filters}
    return environment


def _source(name: str) -> str | None:
    """Return the text of a template; None where there is none, of which Jinja makes its error."""
    file = files(__package__).joinpath("templates", name)
    return file.read_text(encoding="utf-8") if file.is_file() else None


def _allowed(value: Any) -> Any:
    """Replace what HTML forbids in a text; None becomes nothing."""
    if value is None:
        return ""
    # Markup was made of escaped values, and what its methods return is escaped again.
    if isinstance(value, str) and not hasattr(value, "__html__"):
        return _FORBIDDEN.sub("\ufffd", value)
    return value
