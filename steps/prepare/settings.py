"""Settings of Prepare: the labels, their checks and the splits."""

from __future__ import annotations

import re
from typing import Annotated, Literal, get_args

from pydantic import Field, StringConstraints, field_validator, model_validator

from steps.settings import S3Uri, Settings

# ContainerArguments takes 100 items; the job's other arguments need fewer than 40 of them, each additional source 6.
_MAX_CLASSES = 60
_ARGUMENTS_PER_SOURCE = 6
# A Processing job takes 10 inputs: the code, the manifest and the reviewed labels are among them.
_MAX_SOURCES = 7
_ByFile = Literal["coco", "yolo", "voc"]


class SourceSettings(Settings):
    """A source of labels, which take precedence over those of earlier sources, image by image."""

    uri: Annotated[S3Uri, StringConstraints(max_length=256)] = Field(
        description="S3 URI of a manifest, a COCO or CSV file, or a folder (YOLO, VOC, outputs of A2I)."
    )
    format: Literal["auto", "groundtruth", "a2i", "coco", "yolo", "voc", "csv"] = Field(
        "auto", description="Format of the labels; auto: detected."
    )
    attribute: Annotated[str, StringConstraints(pattern=r"^[^\s]{1,127}$")] = Field(
        "auto", description="Label attribute of a manifest; auto: the only one with boxes."
    )
    images: Annotated[S3Uri, StringConstraints(max_length=256)] | None = Field(
        None, description="S3 URI of the folder of images, for formats that name images by file."
    )

    @model_validator(mode="after")
    def _images_are_given(self) -> SourceSettings:
        if self.format in get_args(_ByFile) and self.images is None:
            raise ValueError(f"{self.format} names images by file: give images, the S3 URI of the folder with them")
        return self


class LabelsSettings(Settings):
    """The Ground Truth manifest and its classes."""

    # An argument of the Prepare job too, and those have at most 256 characters.
    manifest: Annotated[S3Uri, StringConstraints(max_length=256)] = Field(
        description="S3 URI of Ground Truth's output.manifest, up to 256 characters."
    )
    attribute: Annotated[str, StringConstraints(pattern=r"^[^\s]{1,127}$")] = Field(
        "auto", description="Label attribute of the boxes; auto: the only one with boxes."
    )
    classes: list[Annotated[str, StringConstraints(min_length=1, max_length=256)]] = Field(
        [], max_length=_MAX_CLASSES, description="Class names in the order of their ids; empty: all names, sorted."
    )

    additional_sources: list[SourceSettings] = Field(
        [],
        max_length=_MAX_SOURCES,
        description="Additional labels; later sources take precedence over earlier ones, image by image.",
    )

    @model_validator(mode="after")
    def _arguments_fit(self) -> LabelsSettings:
        most = _MAX_CLASSES - _ARGUMENTS_PER_SOURCE * len(self.additional_sources)
        if len(self.classes) > most:
            raise ValueError(
                f"{len(self.classes)} classes and {len(self.additional_sources)} additional sources are more than "
                f"a Processing job's arguments hold: at most {most} classes go with so many sources; leave the classes "
                "out to use all names, or join sources with groundloop labels convert"
            )
        return self

    @field_validator("classes")
    @classmethod
    def _names_differ(cls, value: list[str]) -> list[str]:
        twice = sorted({name for name in value if value.count(name) > 1})
        if twice:
            raise ValueError(f"class names must differ, given twice: {', '.join(twice)}")
        return value


# What fits one argument of a container, with the option's name before it.
_Argument = Annotated[str, StringConstraints(min_length=1, max_length=230)]


class GroupSettings(Settings):
    """Images that belong together (frames of one video, one patient) and so never straddle splits."""

    pattern: _Argument | None = Field(None, description="Regular expression on the URI; its match is the group.")
    key: _Argument | None = Field(None, description="Key of the manifest's lines; its value is the group.")

    @model_validator(mode="after")
    def _single_grouping(self) -> GroupSettings:
        if self.pattern and self.key:
            raise ValueError("images are grouped by pattern or by key, not by both: drop one")
        try:
            re.compile(self.pattern or "")
        except re.error as error:
            raise ValueError(f"pattern {self.pattern!r} is not a regular expression: {error}") from None
        return self


class SplitSettings(Settings):
    """Shares of the images, by a hash of each image's URI: an image never changes its split when others are added."""

    validation: float = Field(0.15, gt=0, lt=1, description="Share of the images for validation during training.")
    test: float = Field(0.15, gt=0, lt=1, description="Share of the images for the quality gate.")
    seed: int = Field(1, ge=0, le=2**31 - 1, description="Seed of the split.")
    stratify: bool = Field(
        False, description="Balance classes and background images; images may then change split as the data grows."
    )
    group: GroupSettings = Field(GroupSettings(), description="Images that stay together.")

    @model_validator(mode="after")
    def _train_share_is_positive(self) -> SplitSettings:
        if self.validation + self.test >= 1:
            raise ValueError(
                f"validation {self.validation:g} + test {self.test:g} leave nothing to train on; keep the sum under 1"
            )
        return self


class PrepareSettings(Settings):
    """Settings of the Prepare step."""

    split: SplitSettings = Field(SplitSettings(), description="Shares of train, validation and test.")
    train_negatives: Literal["drop", "keep"] = Field(
        "drop", description="Background images (without objects) in the train split; evaluation always keeps them."
    )
    duplicates: Literal["last", "first", "refuse"] = Field(
        "last", description="Which line of an image counts; refuse: more than one is an error."
    )
    clip_tolerance_pixels: float = Field(
        2, ge=0, le=1000, description="Boxes that exceed the image by up to this are clipped; others are rejected."
    )
    max_rejected: float | None = Field(
        0.2,
        ge=0,
        le=1,
        description="Share of each source's lines with labels that may be rejected before Prepare fails; null: any.",
    )
    shuffle_seed: int = Field(
        1, ge=0, le=2**31 - 1, description="Seed of the order of the train manifest and of each epoch."
    )
    check_images: Literal["none", "exists", "decode"] = Field(
        "exists",
        description="Check each image before training: not at all, its size in S3 (exists), or also its pixels "
        "where it changed since an earlier execution (decode). Without a check, an overwritten image is not noticed.",
    )
