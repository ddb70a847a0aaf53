"""Settings of Predict: the Batch Transform jobs over validation and test images, and over new ones."""

from __future__ import annotations

from pydantic import Field, model_validator

from groundloop.spec.payloads import MAX_TRANSFORM_MB
from steps.settings import InstanceType, S3Uri, Settings


class PredictSettings(Settings):
    """Settings of the Predict step."""

    instance_type: InstanceType = Field("ml.m5.xlarge", description="Instance type of the transform job, CPU or GPU.")
    instance_count: int = Field(1, ge=1, le=100, description="Number of instances.")
    max_payload_mb: int = Field(
        6, ge=1, le=MAX_TRANSFORM_MB, description="Largest image sent, MB; Prepare keeps larger ones out."
    )
    max_concurrent_transforms: int = Field(4, ge=1, le=100, description="Parallel requests per instance.")

    input: S3Uri | None = Field(
        None,
        description="S3 prefix or manifest of new images, which the predict pipeline predicts; null: no such pipeline.",
    )
    output: S3Uri | None = Field(
        None, description="S3 prefix of the predict pipeline's results; null: predictions/ under aws.prefix."
    )

    @model_validator(mode="after")
    def _payload_fits_transform(self) -> PredictSettings:
        product = self.max_payload_mb * self.max_concurrent_transforms
        if product > MAX_TRANSFORM_MB:
            raise ValueError(
                f"max_payload_mb x max_concurrent_transforms is {product}; Batch Transform takes at most "
                f"{MAX_TRANSFORM_MB}"
            )
        return self
