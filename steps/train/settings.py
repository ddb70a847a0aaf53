"""Settings of Train: the instances, spot capacity and the hyperparameters."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator, model_validator

from groundloop.spec.object_detection import max_batch_size
from groundloop.spec.training_rules import RULE_CODES, RuleCode
from steps.settings import Settings
from steps.train.hyperparameters import DEFAULT_LEARNING_RATE, Hyperparameters
from steps.train.tuning import TuningSettings

#: Value of `start_from`: the highest approved version when the execution runs.
CHAMPION = "champion"
_ARCHIVE_URI = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/.{1,180}\.tar\.gz")

# GPU instances that run the algorithm's image; a pipeline parameter's enum holds at most 16 values.
TrainInstanceType = Literal[
    "ml.g4dn.xlarge",
    "ml.g4dn.2xlarge",
    "ml.g4dn.4xlarge",
    "ml.g4dn.8xlarge",
    "ml.g4dn.12xlarge",
    "ml.g4dn.16xlarge",
    "ml.g5.xlarge",
    "ml.g5.2xlarge",
    "ml.g5.4xlarge",
    "ml.g5.8xlarge",
    "ml.g5.12xlarge",
    "ml.g5.16xlarge",
    "ml.g5.24xlarge",
    # Last, since EC2 retires P3.
    "ml.p3.2xlarge",
    "ml.p3.8xlarge",
    "ml.p3.16xlarge",
]


class SpotSettings(Settings):
    """Managed spot training: cheaper, but it may wait or be interrupted. Checkpoints are written when it is enabled."""

    enabled: bool = Field(False, description="Train on spot capacity.")
    max_wait_minutes: int = Field(720, ge=1, le=40320, description="Longest time to wait and run together.")


class WatchSettings(Settings):
    """What is done about findings in the log of a training job (`groundloop watch`)."""

    stop_on: list[RuleCode] = Field(
        [],
        max_length=len(RULE_CODES),
        description=f"Findings on which `watch`, or `start --watch`, stops the training job: {', '.join(RULE_CODES)}. "
        "Nothing stops it while nobody watches; hyperparameters.early_stopping works unattended.",
    )


class TrainingSettings(Settings):
    """Settings of the Train step."""

    instance_type: TrainInstanceType = Field(
        "ml.p3.2xlarge", description="GPU instance type. EC2 retires P3: without quota use ml.g4dn.xlarge."
    )
    instance_count: int = Field(1, ge=1, le=100, description="Instances; more than one needs hyperparameters.kv_store.")
    volume_gb: int = Field(50, ge=1, le=16384, description="Volume of each instance, GB.")
    max_runtime_minutes: int = Field(360, ge=1, le=40320, description="Training is stopped after this.")
    input_mode: Literal["Pipe"] = Field("Pipe", description="An augmented manifest can only be streamed.")
    spot: SpotSettings = Field(SpotSettings(), description="Managed spot training.")
    watch: WatchSettings = Field(WatchSettings(), description="Findings in the training log.")
    start_from: int | str | None = Field(
        None,
        description="Model whose weights training starts from: champion (the highest approved version), a version "
        "number, or the S3 URI of a model.tar.gz; null: see use_pretrained_model.",
    )
    hyperparameters: Hyperparameters = Field(Hyperparameters(), description="Of the built-in algorithm.")
    tuning: TuningSettings = Field(TuningSettings(), description="Search for hyperparameters.")

    @field_validator("start_from")
    @classmethod
    def _is_a_model(cls, value: int | str | None) -> int | str | None:
        if value is None or value == CHAMPION or (isinstance(value, int) and value > 0):
            return value
        if isinstance(value, str) and _ARCHIVE_URI.fullmatch(value):
            return value
        raise ValueError(
            f"{value} names no model: write {CHAMPION}, the number of a version of registry.group, or the S3 URI of a "
            "model.tar.gz, which may be of another group"
        )

    @property
    def learning_rate(self) -> float:
        """The initial learning rate: as set, or the default, a quarter of it for weights that are trained already."""
        if self.hyperparameters.learning_rate is not None:
            return self.hyperparameters.learning_rate
        return DEFAULT_LEARNING_RATE if self.start_from is None else DEFAULT_LEARNING_RATE / 4

    def hyperparameter_strings(self) -> dict[str, str]:
        """Return the hyperparameters as the API takes them; ImageNet weights aren't used with a model to start from."""
        weights = {} if self.start_from is None else {"use_pretrained_model": "0"}
        return {**self.hyperparameters.strings(), **weights}

    @model_validator(mode="after")
    def _spot_wait_includes_runtime(self) -> TrainingSettings:
        if self.spot.enabled and self.spot.max_wait_minutes < self.max_runtime_minutes:
            raise ValueError(
                f"spot.max_wait_minutes {self.spot.max_wait_minutes} must be at least max_runtime_minutes "
                f"{self.max_runtime_minutes}: it counts waiting and running together"
            )
        return self

    @model_validator(mode="after")
    def _kv_store_if_several_instances(self) -> TrainingSettings:
        if self.instance_count > 1 and self.hyperparameters.kv_store is None:
            raise ValueError("instance_count > 1 needs hyperparameters.kv_store: dist_sync or dist_async")
        return self

    @model_validator(mode="after")
    def _batch_fits_gpu_memory(self) -> TrainingSettings:
        chosen = self.hyperparameters
        maximum = max_batch_size(self.instance_type, chosen.base_network)
        if maximum is not None and chosen.mini_batch_size > maximum:
            raise ValueError(
                f"hyperparameters.mini_batch_size {chosen.mini_batch_size} does not fit {self.instance_type}: "
                f"{chosen.base_network} takes at most {maximum}; lower it or choose an instance type with more GPUs"
            )
        return self

    @model_validator(mode="after")
    def _search_suits_training(self) -> TrainingSettings:
        tuning, chosen = self.tuning, self.hyperparameters
        if not tuning.enabled:
            return self
        if tuning.strategy == "hyperband":
            if self.instance_count > 1:
                raise ValueError(
                    f"tuning.strategy hyperband needs instance_count 1, not {self.instance_count}: each instance logs "
                    "the epoch's mAP, and hyperband would count them as epochs"
                )
            if tuning.hyperband.min_epochs > chosen.epochs:
                raise ValueError(
                    f"tuning.hyperband.min_epochs {tuning.hyperband.min_epochs} is more than hyperparameters.epochs "
                    f"{chosen.epochs}: a job never runs so long"
                )
        largest, maximum = tuning.largest_mini_batch, max_batch_size(self.instance_type, chosen.base_network)
        if largest is not None and maximum is not None and largest > maximum:
            raise ValueError(
                f"tuning.ranges.mini_batch_size goes up to {largest}, which does not fit {self.instance_type}: "
                f"{chosen.base_network} takes at most {maximum}; lower it or choose an instance type with more GPUs"
            )
        return self
