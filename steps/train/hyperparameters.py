"""The hyperparameters of the built-in Object Detection algorithm (MXNet SSD) that can be set.

Ranges and defaults come from `groundloop.spec.object_detection`. What Prepare derives from the labels
(num_training_samples, num_classes, label_width) is not set here: it reaches training from Prepare's summary.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from groundloop.spec.object_detection import EPOCH_LIST_PATTERN, HYPERPARAMETERS
from steps.settings import Settings

DEFAULT_LEARNING_RATE = float(HYPERPARAMETERS["learning_rate"].default or 0)


def _field(name: str, description: str) -> Any:
    """Return the field of a hyperparameter, with its default and bounds."""
    item = HYPERPARAMETERS[name]
    bounds: dict[str, Any] = {**item.bounds}
    return Field(item.default, description=description, **bounds)


class Hyperparameters(Settings):
    """All hyperparameters that can be set, with the algorithm's own ranges and defaults."""

    base_network: Literal["vgg-16", "resnet-50"] = _field("base_network", "Network under the detector.")
    use_pretrained_model: Literal[0, 1] = _field("use_pretrained_model", "Start from weights trained on ImageNet.")
    image_shape: int = _field("image_shape", "Images are resized to this many pixels square; 300 or 512.")
    epochs: int = _field("epochs", "Passes over the train split.")
    mini_batch_size: int = _field("mini_batch_size", "Images per step, over all GPUs of an instance.")
    learning_rate: float | None = Field(
        None,
        gt=HYPERPARAMETERS["learning_rate"].bounds["gt"],
        le=HYPERPARAMETERS["learning_rate"].bounds["le"],
        description=f"Initial learning rate; null: {DEFAULT_LEARNING_RATE:g}, a quarter of it with start_from.",
    )
    lr_scheduler_factor: float = _field("lr_scheduler_factor", "The rate is multiplied by this at each step.")
    lr_scheduler_step: str = Field(
        "",
        pattern=f"^{EPOCH_LIST_PATTERN}$",
        description='Epochs at which the rate is reduced, "10,20"; empty: never.',
    )
    optimizer: Literal["sgd", "adam", "rmsprop", "adadelta"] = _field("optimizer", "Optimiser.")
    momentum: float = _field("momentum", "Momentum of sgd.")
    weight_decay: float = _field("weight_decay", "Weight decay of sgd and rmsprop.")
    overlap_threshold: float = _field("overlap_threshold", "IoU at which the algorithm's own mAP counts a hit.")
    nms_threshold: float = _field("nms_threshold", "IoU over which non-maximum suppression drops a box.")
    freeze_layer_pattern: str | None = Field(None, max_length=2500, description="Layers that match are not trained.")
    kv_store: Literal["dist_sync", "dist_async"] | None = Field(
        None, description="How several instances share gradients; with instance_count > 1."
    )
    early_stopping: bool = _field("early_stopping", "Stop when validation mAP no longer rises.")
    early_stopping_min_epochs: int = _field("early_stopping_min_epochs", "Epochs before it may stop.")
    early_stopping_patience: int = _field("early_stopping_patience", "Epochs without a rise before it stops.")
    early_stopping_tolerance: float = _field("early_stopping_tolerance", "A rise smaller than this is none.")

    @model_validator(mode="after")
    def _schedule_within_epochs(self) -> Hyperparameters:
        epochs = HYPERPARAMETERS["lr_scheduler_step"].parse(self.lr_scheduler_step)
        if list(epochs) != sorted(set(epochs)):
            raise ValueError(f"lr_scheduler_step {self.lr_scheduler_step!r} must rise from epoch to epoch")
        if epochs and epochs[-1] >= self.epochs:
            raise ValueError(
                f"lr_scheduler_step {self.lr_scheduler_step!r} lies outside the run: epochs is {self.epochs}, "
                "so every step must be smaller"
            )
        return self

    def strings(self) -> dict[str, str]:
        """Return the hyperparameters as the API takes them: strings, without those that are not set."""
        return {
            name: str(value)
            for name, value in self.model_dump().items()
            if value is not None and not (name == "lr_scheduler_step" and value == "")
        }
