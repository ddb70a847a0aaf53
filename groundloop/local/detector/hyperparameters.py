"""The hyperparameters of a training job, read from the strings of the API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from groundloop.local.detector.errors import StandInError
from groundloop.spec.object_detection import HYPERPARAMETERS
from groundloop.suggestions import near_misses


@dataclass(frozen=True)
class Hyperparameters:
    """Hyperparameters of a training job, named as in the API; those in `IGNORED` are checked, not used."""

    num_classes: int
    num_training_samples: int
    base_network: str
    use_pretrained_model: int
    image_shape: int
    epochs: int
    mini_batch_size: int
    learning_rate: float
    lr_scheduler_factor: float
    lr_scheduler_step: tuple[int, ...]
    optimizer: str
    momentum: float
    weight_decay: float
    overlap_threshold: float
    nms_threshold: float
    label_width: int
    freeze_layer_pattern: str
    kv_store: str
    early_stopping: bool
    early_stopping_min_epochs: int
    early_stopping_patience: int
    early_stopping_tolerance: float


IGNORED = ("use_pretrained_model", "optimizer", "momentum", "weight_decay", "freeze_layer_pattern", "kv_store")
#: SageMaker adds keys of its own, which are not the algorithm's.
_SAGEMAKER_PREFIXES = ("sagemaker_", "_tuning_")


def parse(arguments: Mapping[str, object]) -> Hyperparameters:
    """Read hyperparameters from the strings of the API, with the algorithm's defaults for those that aren't given.

    Raises:
        StandInError: a key is unknown or missing, or a value is not allowed; names key, value and what is allowed.
    """
    values: dict[str, object] = {name: item.default for name, item in HYPERPARAMETERS.items()}
    for key, text in arguments.items():
        if not key.startswith(_SAGEMAKER_PREFIXES):
            values[key] = _parse_one(key, text)
    for key, item in HYPERPARAMETERS.items():
        if item.required and values[key] is None:
            raise StandInError(f"hyperparameter {key} is missing: it is required, {item.description}.")
    return Hyperparameters(**values)  # type: ignore[arg-type]  # the table gives each field's type; a test compares


def _parse_one(key: str, text: object) -> object:
    item = HYPERPARAMETERS.get(key)
    if item is None:
        near = near_misses(key, HYPERPARAMETERS, count=1)
        hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(HYPERPARAMETERS)}."
        raise StandInError(f"hyperparameter {key}={text!r}: Object Detection has no such hyperparameter; {hint}")
    if not isinstance(text, str):
        raise StandInError(f"hyperparameter {key}={text!r}: a string is needed, as in the API: {str(text)!r}.")
    try:
        value = item.parse(text)
        if isinstance(value, tuple) and list(value) != sorted(set(value)):
            raise ValueError(item.description)
    except ValueError as error:
        raise StandInError(f"hyperparameter {key}={text!r}: {error} is needed.") from None
    return value


def as_strings(hyperparameters: Hyperparameters) -> dict[str, str]:
    """Return the hyperparameters as the API takes them, defaults included; those that are empty are left out."""
    texts = {}
    for key in HYPERPARAMETERS:
        value = getattr(hyperparameters, key)
        text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
        if text:
            texts[key] = text
    return texts
