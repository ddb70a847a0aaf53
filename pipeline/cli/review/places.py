"""Where the images of a queue are: a folder on disk, or a prefix in S3."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.cli.output import print_line

if TYPE_CHECKING:
    from groundloop.review.image_list import ImageList
    from pipeline.cli.review.settings import ReviewConfig


def on_disk(images: str) -> str | None:
    """Return the path of a folder; None for an S3 prefix."""
    return None if images.startswith("s3://") else str(Path(images).resolve())


def region_of(images: str, settings: ReviewConfig) -> str | None:
    """Return the region of an S3 prefix; None for a folder."""
    return settings().aws.region if images.startswith("s3://") else None


def listed_images(images: str, settings: ReviewConfig) -> ImageList:
    """List the images of a folder or an S3 prefix, and print what is left out."""
    from groundloop.review.image_list import list_folder, list_s3

    listed = list_s3(images, settings().aws.region) if images.startswith("s3://") else list_folder(Path(images))
    for note in listed.notes:
        print_line(f"note: {note}")
    return listed


def image_reader(folder: str | None, settings: ReviewConfig) -> Callable[[str], bytes]:
    """Return what reads an image by its name: from a folder, or from S3 where there is none."""
    from groundloop.images.s3 import S3Images
    from groundloop.review.images import FolderFiles

    return FolderFiles(Path(folder)).body if folder else S3Images(settings().aws.region).body
