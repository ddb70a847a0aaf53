"""The quality gate: which figures miss which thresholds, in numbers for the pipeline and in words for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from labels.errors import UserError


def parse_gate(settings: Iterable[str], figures: Iterable[str]) -> dict[str, float]:
    """`["map=0.3", "map_50=0.6"]` as thresholds by figure.

    Raises:
        UserError: not of the form NAME=VALUE, a figure that is not measured, a value outside 0 to 1.
    """
    known = list(figures)
    thresholds: dict[str, float] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals:
            raise UserError(f"--gate {setting}: write NAME=VALUE, such as map_50=0.6")
        if name not in known:
            raise UserError(f"--gate {setting}: there is no figure {name!r}; the gate can ask for {', '.join(known)}")
        try:
            value = float(text)
        except ValueError:
            raise UserError(
                f"--gate {setting}: {text!r} is not a number; give one from 0 (asks nothing) to 1"
            ) from None
        if not 0 <= value <= 1:
            raise UserError(f"--gate {setting}: the threshold is {text}; give one from 0 (asks nothing) to 1")
        thresholds[name] = value
    return thresholds


def verdict(figures: Mapping[str, float], thresholds: Mapping[str, float]) -> dict[str, Any]:
    """The `gate` part of evaluation.json. A threshold of 0 asks nothing."""
    asked = {name: least for name, least in thresholds.items() if least > 0}
    missed = [name for name, least in asked.items() if figures[name] < least]
    if missed:
        message = "; ".join(_miss(name, figures[name], asked[name]) for name in missed)
    elif asked:
        met = ", ".join(f"{name} {figures[name]:.3f} >= {least:g}" for name, least in asked.items())
        message = f"all thresholds met: {met}"
    else:
        message = "no thresholds are set: nothing was asked of the model"
    return {"thresholds": dict(thresholds), "missed": missed, "thresholds_missed": len(missed), "message": message}


def _miss(name: str, value: float, least: float) -> str:
    # Three digits, unless they would call a narrow miss no miss.
    digits = 3 if least - value >= 0.0005 else 9
    return f"{name} is {value:.{digits}f}, {least - value:.{digits}f} under its threshold {least:g}"
