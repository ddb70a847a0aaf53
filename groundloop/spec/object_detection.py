"""The built-in Object Detection algorithm: hyperparameters, channels, content types, instances and the label's width.

Names, ranges and defaults: "Object Detection Hyperparameters" and "Tune an Object Detection Model" in the SageMaker
developer guide. Where its range of valid values and its range for tuning differ (momentum, weight_decay), the first
one is the rule.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from groundloop.spec.instance_types import GPU_MEMORY_GB, MULTI_GPU_TYPES

_INTEGER = re.compile(r"[+-]?\d+")
_FLOAT = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
#: Epochs from 1, such as "10,20"; empty for none.
EPOCH_LIST_PATTERN = r"([1-9]\d*(, ?[1-9]\d*)*)?"

RECORDIO = "application/x-recordio"
IMAGE_CONTENT_TYPES = ("application/x-image", "image/jpeg", "image/png")
MODEL_CONTENT_TYPE = "application/x-sagemaker-model"
CHANNELS = ("train", "validation", "train_annotation", "validation_annotation", "model")
REQUIRED_CHANNELS = ("train", "validation")
#: The metric that a tuning job can maximise.
OBJECTIVE_METRIC = "validation:mAP"
TRAINING_INSTANCE_FAMILIES = ("ml.p2", "ml.p3", "ml.g4dn", "ml.g5")
#: One GPU with at least 16 GB, as ml.p3.2xlarge has: what to train on instead, the cheapest first.
CURRENT_INSTANCE_TYPES = ("ml.g4dn.xlarge", "ml.g5.xlarge")


@dataclass(frozen=True)
class Hyperparameter:
    """The values that one hyperparameter takes. In the API each value is a string.

    Attributes:
        type: `int`, `float`, `bool`, `str`, or `tuple` for a list of epochs.
        default: of that type; None if the hyperparameter has none.
        choices: the strings that are allowed; empty if a range or a form decides.
        minimum, maximum: bounds of a number, None for no bound.
        open_minimum, open_maximum: the bound itself is not allowed.
        required: a training job can't be started without it.
        tunable: a tuning job may vary it.
        is_regex: the value is a regular expression.
    """

    type: type
    default: Any = None
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    open_minimum: bool = False
    open_maximum: bool = False
    required: bool = False
    tunable: bool = False
    is_regex: bool = False

    @property
    def description(self) -> str:
        """Say in words which values are allowed."""
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        if self.type is tuple:
            return 'epochs in rising order with commas between them, like "10,20"'
        if self.is_regex:
            return "a regular expression"
        noun = "a whole number" if self.type is int else "a number"
        if self.maximum is None:
            return f"{noun} of at least {self.minimum:g}"
        brackets = "(" if self.open_minimum else "[", ")" if self.open_maximum else "]"
        return f"{noun} in {brackets[0]}{self.minimum:g}, {self.maximum:g}{brackets[1]}"

    @property
    def range_kind(self) -> str:
        """Return the kind of range that a tuning job searches it by: integer, continuous or categorical."""
        return {int: "integer", float: "continuous"}.get(self.type, "categorical")

    @property
    def bounds(self) -> dict[str, float]:
        """Return the bounds under the names `ge`, `gt`, `le` and `lt`, as pydantic's `Field` takes them."""
        named = {
            "gt" if self.open_minimum else "ge": self.minimum,
            "lt" if self.open_maximum else "le": self.maximum,
        }
        return {name: bound for name, bound in named.items() if bound is not None}

    def allows(self, text: str) -> bool:
        """Return whether the algorithm takes a value."""
        try:
            self.parse(text)
        except ValueError:
            return False
        return True

    def parse(self, text: str) -> Any:
        """Return a value of the hyperparameter's type.

        Raises:
            ValueError: the algorithm doesn't take this value; the message is `description`.

        Example:
            >>> HYPERPARAMETERS["learning_rate"].parse("1e-3")
            0.001
        """
        if self.choices and text not in self.choices:
            raise ValueError(self.description)
        if self.type is bool:
            return text.lower() == "true"
        if self.type is tuple:
            return self._parse_epochs(text)
        if self.type is str:
            if self.is_regex:
                self._check_regex(text)
            return text
        if not (_INTEGER if self.type is int else _FLOAT).fullmatch(text):
            raise ValueError(self.description)
        value = self.type(text)
        if not self._in_range(value):
            raise ValueError(self.description)
        return value

    def _in_range(self, value: float) -> bool:
        if self.minimum is not None and (value < self.minimum or (self.open_minimum and value == self.minimum)):
            return False
        return self.maximum is None or value < self.maximum or (not self.open_maximum and value == self.maximum)

    def _parse_epochs(self, text: str) -> tuple[int, ...]:
        if not re.fullmatch(EPOCH_LIST_PATTERN, text):
            raise ValueError(self.description)
        return tuple(int(part) for part in text.split(",")) if text else ()

    def _check_regex(self, text: str) -> None:
        try:
            re.compile(text)
        except re.error:
            raise ValueError(self.description) from None


def _integer(
    minimum: int, default: int | None = None, *, required: bool = False, tunable: bool = False
) -> Hyperparameter:
    return Hyperparameter(int, default, minimum=minimum, required=required, tunable=tunable)


def _from_0_to_1(default: float, brackets: str, *, tunable: bool = False) -> Hyperparameter:
    return Hyperparameter(
        float, default, (), 0, 1, open_minimum=brackets[0] == "(", open_maximum=brackets[1] == ")", tunable=tunable
    )


def _choice(*choices: str, kind: type = str, default: Any = None, tunable: bool = False) -> Hyperparameter:
    return Hyperparameter(kind, default, choices, tunable=tunable)


#: All hyperparameters by name.
HYPERPARAMETERS: Mapping[str, Hyperparameter] = MappingProxyType(
    {
        "num_classes": _integer(1, required=True),
        "num_training_samples": _integer(1, required=True),
        "base_network": _choice("vgg-16", "resnet-50", default="vgg-16"),
        "use_pretrained_model": _choice("0", "1", kind=int, default=1),
        "image_shape": _integer(300, default=300),
        "epochs": _integer(1, default=30),
        "mini_batch_size": _integer(1, default=32, tunable=True),
        "learning_rate": _from_0_to_1(0.001, "(]", tunable=True),
        "lr_scheduler_factor": _from_0_to_1(0.1, "()"),
        "lr_scheduler_step": Hyperparameter(tuple, ()),
        "optimizer": _choice("sgd", "adam", "rmsprop", "adadelta", default="sgd", tunable=True),
        "momentum": _from_0_to_1(0.9, "(]", tunable=True),
        "weight_decay": _from_0_to_1(0.0005, "()", tunable=True),
        "overlap_threshold": _from_0_to_1(0.5, "(]"),
        "nms_threshold": _from_0_to_1(0.45, "(]"),
        "label_width": _integer(7, default=350),
        "freeze_layer_pattern": Hyperparameter(str, "", is_regex=True),
        "kv_store": _choice("dist_sync", "dist_async", default=""),
        "early_stopping": _choice("True", "False", "true", "false", kind=bool, default=False),
        "early_stopping_min_epochs": _integer(1, default=10),
        "early_stopping_patience": _integer(1, default=5),
        "early_stopping_tolerance": _from_0_to_1(0.0, "[]"),
    }
)
#: The largest mini_batch_size that fits one GPU of 16 GB at 300 pixels, by base_network.
_MAX_BATCH_SIZE_IN_16_GB = MappingProxyType({"resnet-50": 32, "vgg-16": 64})


def max_batch_size(instance_type: str, base_network: str) -> int | None:
    """Return the largest mini_batch_size that fits the GPU of an instance type; None where none is documented.

    Documented are GPUs of 16 GB, with one on each instance.

    Example:
        >>> max_batch_size("ml.g4dn.xlarge", "resnet-50"), max_batch_size("ml.g5.xlarge", "resnet-50")
        (32, None)
    """
    if GPU_MEMORY_GB.get(instance_type) != _DOCUMENTED_GPU_MEMORY_GB or instance_type in MULTI_GPU_TYPES:
        return None
    return _MAX_BATCH_SIZE_IN_16_GB.get(base_network)


_DOCUMENTED_GPU_MEMORY_GB = 16
_HEADER_VALUES, _VALUES_PER_BOX = 2, 5
# The guide suggests slack: 60 for 10 boxes, which need 52.
_LABEL_WIDTH_SLACK = 8


def label_size(boxes: int) -> int:
    """Return how many numbers the label of an image with so many boxes has: a header of 2, and 5 for each box.

    `label_width` has to be at least this for every image, or the training job fails.

    Example:
        >>> label_size(10)
        52
    """
    return _HEADER_VALUES + _VALUES_PER_BOX * boxes


def label_width(max_boxes: int) -> int:
    """Return the label_width for data with at most so many boxes on an image, the same for train and validation.

    The algorithm pads every label to this width. Some slack is added to what is needed, as the guide suggests, and it
    is never less than the algorithm's default, 350.

    Example:
        >>> label_width(84)
        430
    """
    default: int = HYPERPARAMETERS["label_width"].default
    return max(default, label_size(max_boxes) + _LABEL_WIDTH_SLACK)
