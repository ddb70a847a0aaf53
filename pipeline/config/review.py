"""Settings of the queues of images that people review."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from steps.settings import S3Uri, Settings

_Condition = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class SelectSettings(Settings):
    """The choice of the images that are reviewed, where a model has looked at them."""

    images: int = Field(100, ge=1, le=100_000, description="Maximum number of images in a queue.")
    by: Literal["expected_mistakes", "condition", "random"] = Field(
        "expected_mistakes", description="Images with most expected mistakes, those that meet a condition, or any."
    )
    conditions: list[_Condition] = Field(
        [], max_length=20, description='Conditions for by: condition, such as "top_score < 0.5"; any one is enough.'
    )
    audit: float = Field(0.1, ge=0, le=1, description="Share drawn at random; half of it is shown without boxes.")
    per_group: int = Field(3, ge=1, description="Maximum number of images of one group (prepare.split.group).")
    per: Literal["image", "effort"] = Field(
        "image", description="Most expected mistakes first; effort: most for each second of the reviewer's work."
    )
    near_copies: int | None = Field(
        6,
        ge=0,
        le=32,
        description="Of images whose 64-bit difference hashes differ in up to so many bits one is chosen; null: all.",
    )

    @model_validator(mode="after")
    def _conditions_with_condition(self) -> SelectSettings:
        if (self.by == "condition") != bool(self.conditions):
            raise ValueError("by: condition and conditions go together: give both, or neither")
        return self


class ReviewSettings(Settings):
    """Queues of images that people review: `groundloop label` and `groundloop review`."""

    select: SelectSettings = Field(SelectSettings(), description="The images of a queue.")
    answers: int = Field(1, ge=1, le=9, description="People who review each image, independently of each other.")
    audit_answers: int = Field(2, ge=1, le=9, description="People who review each image that was drawn at random.")
    max_answers: int | None = Field(
        None, ge=1, le=9, description="People who are asked where answers disagree; null: one more than wanted."
    )
    lease_minutes: int = Field(
        15, ge=1, le=1440, description="An image goes back to the queue when its reviewer's page is silent for this."
    )
    images: Literal["proxied", "presigned"] = Field(
        "proxied",
        description="proxied: the page's server sends the images; presigned: browsers read those in S3 by themselves.",
    )
    backup: S3Uri | None = Field(None, description="S3 prefix to which each answer is written too; null: none.")
