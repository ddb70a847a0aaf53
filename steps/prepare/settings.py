"""Settings of Prepare: which labels, and how they are checked and split."""

from __future__ import annotations

import re
from typing import Annotated, Literal, get_args

from pydantic import Field, StringConstraints, field_validator, model_validator

from steps.settings import S3Uri, Settings

# ContainerArguments takes 100 items; the job's other arguments need fewer than 40 of them, each further source 6.
_MOST_CLASSES = 60
_ITEMS_OF_A_SOURCE = 6
_ByFile = Literal["coco", "yolo", "voc"]


class SourceSettings(Settings):
    """Further labels. What they say of an image counts before what earlier sources say of it."""

    uri: Annotated[S3Uri, StringConstraints(max_length=256)] = Field(
        description="S3 URI of a manifest, a COCO or CSV file, or a folder (YOLO, VOC, outputs of A2I)."
    )
    format: Literal["auto", "groundtruth", "a2i", "coco", "yolo", "voc", "csv"] = Field(
        "auto", description="auto: by what is there."
    )
    attribute: Annotated[str, StringConstraints(pattern=r"^[^\s]{1,127}$")] = Field(
        "auto", description="Label attribute, of a manifest; auto: the only one that there is."
    )
    images: Annotated[S3Uri, StringConstraints(max_length=256)] | None = Field(
        None, description="S3 URI of the folder of images, for formats that name images by file."
    )

    @model_validator(mode="after")
    def _images_can_be_found(self) -> SourceSettings:
        if self.format in get_args(_ByFile) and self.images is None:
            raise ValueError(f"{self.format} names images by file: give images, the S3 URI of the folder with them")
        return self


class LabelsSettings(Settings):
    """The Ground Truth manifest and its classes."""

    manifest: S3Uri = Field(description="S3 URI of Ground Truth's output.manifest.")
    attribute: Annotated[str, StringConstraints(pattern=r"^[^\s]{1,127}$")] = Field(
        "auto", description="Label attribute of the boxes; auto: the only one that there is."
    )
    classes: list[Annotated[str, StringConstraints(min_length=1, max_length=256)]] = Field(
        [], max_length=_MOST_CLASSES, description="Class names in the order of their ids; empty: all names, sorted."
    )

    additional_sources: list[SourceSettings] = Field(
        [], max_length=8, description="Further labels; later ones count before earlier ones, image by image."
    )

    @model_validator(mode="after")
    def _arguments_fit(self) -> LabelsSettings:
        most = _MOST_CLASSES - _ITEMS_OF_A_SOURCE * len(self.additional_sources)
        if len(self.classes) > most:
            raise ValueError(
                f"{len(self.classes)} classes and {len(self.additional_sources)} additional sources are more than "
                f"a Processing job's arguments hold: at most {most} classes go with so many sources; leave the classes "
                "out to use all names, or join sources with groundloop labels convert"
            )
        return self

    @field_validator("classes")
    @classmethod
    def _unique(cls, value: list[str]) -> list[str]:
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
    def _one_way(self) -> GroupSettings:
        if self.pattern and self.key:
            raise ValueError("images are grouped by pattern or by key, not by both: drop one")
        try:
            re.compile(self.pattern or "")
        except re.error as error:
            raise ValueError(f"pattern {self.pattern!r} is no regular expression: {error}") from None
        return self


class SplitSettings(Settings):
    """Shares of the images, by a hash of each image's URI: an image never changes its split when others are added."""

    validation: float = Field(0.15, gt=0, lt=1, description="Share of the images that training is validated on.")
    test: float = Field(0.15, gt=0, lt=1, description="Share of the images that the gate is decided on.")
    seed: int = Field(1, ge=0, le=2**31 - 1, description="Another seed gives another split.")
    stratify: bool = Field(
        False, description="Balance classes and negatives over the splits; images may then move when the data grows."
    )
    group: GroupSettings = Field(GroupSettings(), description="Images that stay together.")

    @model_validator(mode="after")
    def _train_gets_a_share(self) -> SplitSettings:
        if self.validation + self.test >= 1:
            raise ValueError(
                f"validation {self.validation:g} + test {self.test:g} leave nothing to train on; keep the sum under 1"
            )
        return self


class PrepareSettings(Settings):
    """Settings of the Prepare step."""

    split: SplitSettings = Field(SplitSettings(), description="Shares of train, validation and test.")
    train_negatives: Literal["drop", "keep"] = Field(
        "drop", description="Images without objects in the train split; evaluation always keeps them."
    )
    duplicates: Literal["last", "first", "refuse"] = Field(
        "last", description="An image labelled twice: which line counts, or refuse the manifest."
    )
    clip_tolerance_pixels: float = Field(
        2, ge=0, le=1000, description="Boxes that leave the image by up to this are clipped, others refused."
    )
    shuffle_seed: int = Field(1, ge=0, le=2**31 - 1, description="Order of the train manifest and of each epoch.")
    check_images: Literal["none", "exists", "decode"] = Field(
        "exists",
        description="Check each image before training: not at all, its size in S3 (exists), or its pixels (decode).",
    )
