"""Hyperparameters of the built-in Object Detection algorithm (MXNet SSD).

Names, ranges and defaults: "Object Detection Hyperparameters" in the SageMaker developer guide. What Prepare
derives from the labels (num_training_samples, num_classes, label_width) is not set here: it reaches training
from Prepare's summary.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from steps.settings import Settings


class Hyperparameters(Settings):
    """All settable hyperparameters with the algorithm's own ranges and defaults."""

    base_network: Literal["vgg-16", "resnet-50"] = Field("vgg-16", description="Network under the detector.")
    use_pretrained_model: Literal[0, 1] = Field(1, description="Start from weights trained on ImageNet.")
    image_shape: int = Field(300, ge=300, description="Images are resized to this many pixels square; 300 or 512.")
    epochs: int = Field(30, ge=1, description="Passes over the train split.")
    mini_batch_size: int = Field(32, ge=1, description="Images per step, over all GPUs of a machine.")
    learning_rate: float = Field(0.001, gt=0, le=1, description="Initial learning rate.")
    lr_scheduler_factor: float = Field(0.1, gt=0, lt=1, description="The rate is multiplied by this at each step.")
    lr_scheduler_step: Annotated[str, StringConstraints(pattern=r"^(\d+(,\d+)*)?$")] = Field(
        "", description='Epochs at which the rate is reduced, "10,20"; empty: never.'
    )
    optimizer: Literal["sgd", "adam", "rmsprop", "adadelta"] = Field("sgd", description="Optimiser.")
    momentum: float = Field(0.9, gt=0, le=1, description="Momentum of sgd.")
    weight_decay: float = Field(0.0005, gt=0, lt=1, description="Weight decay of sgd and rmsprop.")
    overlap_threshold: float = Field(0.5, gt=0, le=1, description="IoU at which the algorithm's own mAP counts a hit.")
    nms_threshold: float = Field(0.45, gt=0, le=1, description="IoU over which non-maximum suppression drops a box.")
    freeze_layer_pattern: str | None = Field(None, max_length=2500, description="Layers that match are not trained.")
    kv_store: Literal["dist_sync", "dist_async"] | None = Field(
        None, description="How several machines share gradients; with instance_count > 1."
    )
    early_stopping: bool = Field(False, description="Stop when validation mAP no longer rises.")
    early_stopping_min_epochs: int = Field(10, ge=1, description="Epochs before it may stop.")
    early_stopping_patience: int = Field(5, ge=1, description="Epochs without a rise before it stops.")
    early_stopping_tolerance: float = Field(0.0, ge=0, le=1, description="A rise smaller than this is none.")

    @model_validator(mode="after")
    def _schedule_lies_in_the_run(self) -> Hyperparameters:
        steps = [int(step) for step in self.lr_scheduler_step.split(",") if step]
        if steps != sorted(set(steps)):
            raise ValueError(f"lr_scheduler_step {self.lr_scheduler_step!r} must rise from epoch to epoch")
        if steps and steps[-1] >= self.epochs:
            raise ValueError(
                f"lr_scheduler_step {self.lr_scheduler_step!r} lies outside the run: epochs is {self.epochs}, "
                "so every step must be smaller"
            )
        return self

    def strings(self) -> dict[str, str]:
        """The hyperparameters as the API takes them: strings, without those that are not set."""
        return {
            name: str(value)
            for name, value in self.model_dump().items()
            if value is not None and not (name == "lr_scheduler_step" and value == "")
        }
