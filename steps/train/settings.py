"""Settings of Train: the machine, spot capacity and the hyperparameters."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from steps.settings import Settings
from steps.train.hyperparameters import Hyperparameters

# GPU machines that run the algorithm's image; 16 is the most that a pipeline parameter's enum may hold.
TrainInstanceType = Literal[
    "ml.p3.2xlarge",
    "ml.p3.8xlarge",
    "ml.p3.16xlarge",
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
]

# What fits the one 16 GB GPU of ml.p3.2xlarge at 300 px, from the algorithm's tuning guide.
_LARGEST_BATCH_ON_P3_2XLARGE = {"resnet-50": 32, "vgg-16": 64}


class SpotSettings(Settings):
    """Managed spot training: cheaper, and it may wait or be interrupted. Checkpoints are written when it is on."""

    enabled: bool = Field(False, description="Train on spot capacity.")
    max_wait_minutes: int = Field(720, ge=1, le=40320, description="Waiting and running together, at the most.")


class TrainingSettings(Settings):
    """Settings of the Train step."""

    instance_type: TrainInstanceType = Field("ml.p3.2xlarge", description="GPU machine; p3 quota is 0 at first.")
    instance_count: int = Field(1, ge=1, le=100, description="Machines; more than one needs hyperparameters.kv_store.")
    volume_gb: int = Field(50, ge=1, le=16384, description="Disk of each machine, GB.")
    max_runtime_minutes: int = Field(360, ge=1, le=40320, description="Training is stopped after this.")
    input_mode: Literal["Pipe"] = Field("Pipe", description="An augmented manifest can only be streamed.")
    spot: SpotSettings = Field(SpotSettings(), description="Managed spot training.")
    hyperparameters: Hyperparameters = Field(Hyperparameters(), description="Of the built-in algorithm.")

    @model_validator(mode="after")
    def _spot_can_wait(self) -> TrainingSettings:
        if self.spot.enabled and self.spot.max_wait_minutes < self.max_runtime_minutes:
            raise ValueError(
                f"spot.max_wait_minutes {self.spot.max_wait_minutes} must be at least max_runtime_minutes "
                f"{self.max_runtime_minutes}: it counts waiting and running together"
            )
        return self

    @model_validator(mode="after")
    def _machines_can_talk(self) -> TrainingSettings:
        if self.instance_count > 1 and self.hyperparameters.kv_store is None:
            raise ValueError("instance_count > 1 needs hyperparameters.kv_store: dist_sync or dist_async")
        return self

    @model_validator(mode="after")
    def _batch_fits_the_gpu(self) -> TrainingSettings:
        chosen = self.hyperparameters
        most = _LARGEST_BATCH_ON_P3_2XLARGE[chosen.base_network]
        if self.instance_type == "ml.p3.2xlarge" and chosen.mini_batch_size > most:
            raise ValueError(
                f"hyperparameters.mini_batch_size {chosen.mini_batch_size} does not fit ml.p3.2xlarge: "
                f"{chosen.base_network} takes {most} at the most; lower it or choose a machine with more GPUs"
            )
        return self
