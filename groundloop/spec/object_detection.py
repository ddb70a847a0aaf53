"""Hyperparameters of the built-in Object Detection algorithm, all strings in the API.

Names, ranges and defaults: "Object Detection Hyperparameters" and "Tune an Object Detection Model" of the SageMaker
developer guide.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_INTEGER = re.compile(r"[+-]?\d+")
_FLOAT = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


@dataclass(frozen=True)
class Rule:
    """What a hyperparameter may be: one of some words, or a number between bounds."""

    words: tuple[str, ...] = ()
    integer: bool = False
    least: float | None = None
    most: float | None = None
    open_least: bool = False
    open_most: bool = False
    pattern: str | None = None
    tunable: bool = False

    @property
    def told(self) -> str:
        """The rule in words."""
        if self.words:
            return f"one of {', '.join(self.words)}"
        if self.pattern:
            return 'epochs with commas between them, like "10,20"'
        noun = "a whole number" if self.integer else "a number"
        if self.most is None:
            return f"{noun} of at least {self.least:g}"
        return (
            f"{noun} in {'(' if self.open_least else '['}{self.least:g}, {self.most:g}{')' if self.open_most else ']'}"
        )

    def allows(self, text: str) -> bool:
        if self.words:
            return text in self.words
        if self.pattern:
            return re.fullmatch(self.pattern, text) is not None
        if self.least is None:
            return True
        if not (_INTEGER if self.integer else _FLOAT).fullmatch(text):
            return False
        value = float(text)
        if value < self.least or (self.open_least and value == self.least):
            return False
        return self.most is None or value < self.most or (not self.open_most and value == self.most)


_POSITIVE = Rule(integer=True, least=1)
#: Above 0, up to 1.
_SHARE = Rule(least=0, most=1, open_least=True)

RULES: Mapping[str, Rule] = {
    "num_classes": _POSITIVE,
    "num_training_samples": _POSITIVE,
    "base_network": Rule(words=("vgg-16", "resnet-50")),
    "use_pretrained_model": Rule(words=("0", "1")),
    "image_shape": Rule(integer=True, least=300),
    "epochs": _POSITIVE,
    "mini_batch_size": Rule(integer=True, least=1, tunable=True),
    "learning_rate": Rule(least=0, most=1, open_least=True, tunable=True),
    "lr_scheduler_factor": Rule(least=0, most=1, open_least=True, open_most=True),
    "lr_scheduler_step": Rule(pattern=r"(\d+(, ?\d+)*)?"),
    "optimizer": Rule(words=("sgd", "adam", "rmsprop", "adadelta"), tunable=True),
    "momentum": Rule(least=0, most=1, open_least=True, tunable=True),
    "weight_decay": Rule(least=0, most=1, open_least=True, open_most=True, tunable=True),
    "overlap_threshold": _SHARE,
    "nms_threshold": _SHARE,
    # 5 numbers for one box, and 2 before them.
    "label_width": Rule(integer=True, least=7),
    "freeze_layer_pattern": Rule(),
    "kv_store": Rule(words=("dist_sync", "dist_async")),
    "early_stopping": Rule(words=("True", "False", "true", "false")),
    "early_stopping_min_epochs": _POSITIVE,
    "early_stopping_patience": _POSITIVE,
    "early_stopping_tolerance": Rule(least=0, most=1),
}
REQUIRED = ("num_classes", "num_training_samples")
DEFAULT_EPOCHS = 30
DEFAULT_BATCH = 32
DEFAULT_NETWORK = "vgg-16"
#: What fits the one 16 GB GPU of ml.p3.2xlarge at 300 pixels.
LARGEST_BATCH_ON_P3_2XLARGE = {"resnet-50": 32, "vgg-16": 64}
