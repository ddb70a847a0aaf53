"""Settings of Ground Truth's labelling jobs and A2I's human loops, for accounts that have these services."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from steps.settings import RoleArn, S3Uri, Settings

WorkteamArn = Annotated[
    str, StringConstraints(pattern=r"^arn:aws[a-z-]*:sagemaker:[a-z0-9-]*:\d{12}:workteam/.+$", max_length=256)
]


class LabelingSettings(Settings):
    """What `groundloop labeling` and `groundloop a2i` ask of whom."""

    workteam: WorkteamArn | None = Field(
        None, description="ARN of the private or vendor workteam that answers; required by the two commands."
    )
    role: RoleArn | None = Field(None, description="ARN of the role that Ground Truth and A2I assume; null: aws.role.")
    title: Annotated[str, StringConstraints(min_length=1, max_length=128)] | None = Field(
        None, description="What workers are asked to do, above each image; null: by the kind of job."
    )
    instructions: Annotated[str, StringConstraints(max_length=20_000)] = Field(
        "", description="Instructions beside each image; an empty line begins a paragraph."
    )
    template: S3Uri | None = Field(
        None, description="S3 URI of a worker task template for labelling jobs; null: one for the task type."
    )
    workers: int = Field(1, ge=1, le=9, description="Answers per image; human loops take up to 3.")
    time_limit_minutes: int = Field(60, ge=1, le=480, description="Time for one answer, minutes.")
    availability_days: int = Field(
        10, ge=1, le=30, description="How long an image waits for its answers before it fails, days."
    )
    max_concurrent_tasks: int = Field(
        1000, ge=1, le=5000, description="Images of a labelling job that are given out at the same time."
    )
    object_usd: float | None = Field(
        None, ge=0, description="Price of an object, US dollars, for the cost bound; null: the published tiers."
    )
    answer_usd: float = Field(
        0.0, ge=0, description="What a vendor charges for an answer, US dollars; 0 for a private workteam."
    )
