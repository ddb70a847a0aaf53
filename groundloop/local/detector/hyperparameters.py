"""The hyperparameters of the built-in Object Detection algorithm: names, ranges and defaults as AWS documents them.

Source: "Object Detection Hyperparameters" in the SageMaker developer guide. All come as strings.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from groundloop.local.detector.errors import StandInError


@dataclass(frozen=True)
class Hyperparameters:
    """What a training job asks for. Fields are named as in the API; the stand-in's `IGNORED` are checked, not used."""

    num_classes: int
    num_training_samples: int
    base_network: str = "vgg-16"
    use_pretrained_model: int = 1
    image_shape: int = 300
    epochs: int = 30
    mini_batch_size: int = 32
    learning_rate: float = 0.001
    lr_scheduler_factor: float = 0.1
    lr_scheduler_step: tuple[int, ...] = ()
    optimizer: str = "sgd"
    momentum: float = 0.9
    weight_decay: float = 0.0005
    overlap_threshold: float = 0.5
    nms_threshold: float = 0.45
    label_width: int = 350
    freeze_layer_pattern: str = ""
    kv_store: str = ""
    early_stopping: bool = False
    early_stopping_min_epochs: int = 10
    early_stopping_patience: int = 5
    early_stopping_tolerance: float = 0.0


IGNORED = ("use_pretrained_model", "optimizer", "momentum", "weight_decay", "freeze_layer_pattern", "kv_store")
REQUIRED = ("num_classes", "num_training_samples")

_Value = int | float | str | bool | tuple[int, ...]


@dataclass(frozen=True)
class _Rule:
    allowed: str  # for the message
    read: Callable[[str], _Value]  # raises ValueError for what isn't allowed


def _whole(at_least: int) -> _Rule:
    def read(text: str) -> int:
        value = int(text)
        if value < at_least:
            raise ValueError
        return value

    return _Rule(f"a whole number of at least {at_least}", read)


def _real(low: float, high: float, brackets: str) -> _Rule:
    def read(text: str) -> float:
        value = float(text)
        above = value >= low if brackets[0] == "[" else value > low
        below = value <= high if brackets[1] == "]" else value < high
        if not (math.isfinite(value) and above and below):
            raise ValueError
        return value

    return _Rule(f"a number in {brackets[0]}{low:g}, {high:g}{brackets[1]}", read)


def _one_of(values: Mapping[str, _Value]) -> _Rule:
    def read(text: str) -> _Value:
        if text not in values:
            raise ValueError
        return values[text]

    return _Rule("one of " + ", ".join(values), read)


def _names(*values: str) -> _Rule:
    return _one_of({value: value for value in values})


def _read_steps(text: str) -> tuple[int, ...]:
    steps = tuple(int(part) for part in text.split(",")) if text.strip() else ()
    if any(step < 1 for step in steps) or list(steps) != sorted(set(steps)):
        raise ValueError
    return steps


def _read_pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError from error
    return text


_RULES: dict[str, _Rule] = {
    "num_classes": _whole(1),
    "num_training_samples": _whole(1),
    "base_network": _names("vgg-16", "resnet-50"),
    "use_pretrained_model": _one_of({"0": 0, "1": 1}),
    "image_shape": _whole(300),
    "epochs": _whole(1),
    "mini_batch_size": _whole(1),
    "learning_rate": _real(0, 1, "(]"),
    "lr_scheduler_factor": _real(0, 1, "()"),
    "lr_scheduler_step": _Rule("epochs in rising order, with commas, as 10,20; or nothing", _read_steps),
    "optimizer": _names("sgd", "adam", "rmsprop", "adadelta"),
    # The documentation leaves 0 out of these two, while its ranges for tuning include it.
    "momentum": _real(0, 1, "[]"),
    "weight_decay": _real(0, 1, "[)"),
    "overlap_threshold": _real(0, 1, "(]"),
    "nms_threshold": _real(0, 1, "(]"),
    "label_width": _whole(7),
    "freeze_layer_pattern": _Rule("a regular expression", _read_pattern),
    "kv_store": _names("dist_sync", "dist_async"),
    "early_stopping": _one_of({"True": True, "true": True, "False": False, "false": False}),
    "early_stopping_min_epochs": _whole(1),
    "early_stopping_patience": _whole(1),
    "early_stopping_tolerance": _real(0, 1, "[]"),
}


def parse(given: Mapping[str, object]) -> Hyperparameters:
    """Hyperparameters from the strings of the API. Raises StandInError naming key, value and what is allowed.

    SageMaker adds keys of its own, `sagemaker_...` and `_tuning_...`; they are none of the algorithm's business.
    """
    values: dict[str, object] = {}
    for key, text in given.items():
        if key.startswith(("sagemaker_", "_tuning_")):
            continue
        rule = _RULES.get(key)
        if rule is None:
            near = difflib.get_close_matches(key, _RULES, n=1)
            hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(_RULES)}."
            raise StandInError(f"hyperparameter {key}={text!r}: Object Detection has no such hyperparameter; {hint}")
        if not isinstance(text, str):
            raise StandInError(f"hyperparameter {key}={text!r}: a string is needed, as in the API: {str(text)!r}.")
        try:
            values[key] = rule.read(text)
        except ValueError:
            raise StandInError(f"hyperparameter {key}={text!r}: {rule.allowed} is needed.") from None
    for key in REQUIRED:
        if key not in values:
            raise StandInError(f"hyperparameter {key} is missing: it is required, {_RULES[key].allowed}.")
    return Hyperparameters(**values)  # type: ignore[arg-type]  # each rule gives its field's type; a test compares


def as_strings(hyperparameters: Hyperparameters) -> dict[str, str]:
    """The other way, defaults included; fields that are empty by default are left out."""
    texts = {}
    for key in _RULES:
        value = getattr(hyperparameters, key)
        text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
        if text:
            texts[key] = text
    return texts
