"""The words that stand for values in the help of the commands: FILE, KEY=VALUE, N, VERSION."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from typer.core import TyperArgument, TyperOption

#: By option: what its value is, where its type does not say enough. A command's own metavar goes before.
_BY_OPTION = {
    "--config": "FILE",
    "--set": "KEY=VALUE",
    "--parameter": "NAME=VALUE",
    "--name": "NAME",
    "--endpoint": "NAME",
    "--bucket": "NAME",
    "--class": "NAME",
    "--region": "REGION",
    "--reason": "TEXT",
    "--label-attribute": "NAME",
    "--execution": "ID",
    "--labels": "LABELS",
    "--truth": "LABELS",
    "--validation": "LABELS",
    "--prefix": "S3_URI",
    "--variant": "NAME",
}
_BY_TYPE: dict[type, str] = {int: "N", float: "NUMBER", Path: "FILE"}


def name_metavars(command: Any) -> None:
    """Give each parameter of a command, and of those below it, the word that stands for its value."""
    for parameter in command.params:
        if isinstance(parameter, TyperArgument):
            _name_argument(parameter)
        elif isinstance(parameter, TyperOption) and parameter.metavar is None:
            parameter.metavar = _option_metavar(parameter)
    for child in getattr(command, "commands", {}).values():
        name_metavars(child)


def _name_argument(argument: Any) -> None:
    """Write an argument as `VERSION` where it is required, as `[VERSION]` where not, and without its type."""
    word = (argument.metavar or argument.name.upper().replace("_", "-")).strip("[]")
    many = "..." if argument.nargs != 1 else ""
    argument.metavar = word
    argument.get_usage_pieces = lambda _: [(word if argument.required else f"[{word}]") + many]
    argument.display_type_rich = lambda ctx: ""


def _option_metavar(option: Any) -> str | None:
    kind = option.type_descriptor
    if option.is_flag or option.count:
        return None
    if kind.is_choice:
        return "|".join(str(getattr(choice, "value", choice)) for choice in kind.choices or ())
    for name in option.opts:
        if name in _BY_OPTION:
            return _BY_OPTION[name]
    if kind.is_path:
        return "DIR" if (option.help or "").startswith("Folder") else "FILE"
    return next((word for of, word in _BY_TYPE.items() if kind.annotation is of), "TEXT")
