"""Writer of Rekognition Custom Labels manifests."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from pathlib import Path

from groundloop.errors import UserError
from groundloop.images.local import ImageFolder
from groundloop.labels.attributes import CANONICAL
from groundloop.labels.formats.dataset import LabelledDataset, LabelledImage
from groundloop.labels.formats.disk import write_file
from groundloop.labels.formats.groundtruth.writer import manifest, now
from groundloop.labels.formats.image_sizes import files_of

_MIN_SIDE, _MAX_SIDE, _MAX_ASPECT_RATIO = 64, 4096, 20
_MAX_BOXES = 50
_SCALED_TO = 1280
_MAX_CLASSES, _MAX_IMAGES, _MAX_BYTES = 250, 250_000, 10**9
# AWS does not say whether its MB is 10^6 or 2^20 bytes: the smaller one is right either way.
_MAX_IMAGE_BYTES = 15 * 10**6
_SIGNATURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")


def as_rekognition(
    dataset: LabelledDataset, path: Path, label_attribute: str = CANONICAL, images: ImageFolder | None = None
) -> list[str]:
    """Write a manifest that Rekognition Custom Labels takes.

    Args:
        images: the image files, to be looked at too; without it only what the labels say is.

    Returns:
        Notes on images that were left out.

    Raises:
        UserError: the data set as a whole breaks a rule, sizes, URIs or image files are missing, an image file has
            another size than its labels say, or the manifest already exists.
    """
    dataset.require_sizes("Rekognition")
    left: defaultdict[str, list[str]] = defaultdict(list)
    kept = []
    for image in dataset.images:
        reason = _refusal(image)
        if images and not reason:
            reason = _refusal_of_file(images.file(image.name))
        if reason:
            left[reason].append(image.name)
        else:
            kept.append(image)
    _check_whole(kept, dataset.classes)
    if images:
        files_of(kept, images)
    lines = manifest(
        replace(dataset, images=tuple(kept)), label_attribute, confidence=1, target="Rekognition", created=now()
    )
    if len(lines) > _MAX_BYTES:
        raise UserError(
            f"the manifest has {len(lines):,} bytes, and Rekognition takes {_MAX_BYTES:,}: split the source"
        )
    write_file(path, lines)
    notes = [
        f"{len(names)} images left out, which Rekognition refuses ({reason}), first: {names[0]}"
        for reason, names in left.items()
    ]
    negatives = sum(not image.boxes for image in kept)
    if negatives:
        notes.append(f"{negatives} images without boxes are kept: Rekognition warns of them")
    if not images:
        notes.append("the format and size in bytes of the image files were not checked: see --images")
    return notes


def _refusal(image: LabelledImage) -> str:
    """Return why Rekognition would reject the image by its labels; "" when it would not."""
    short, long = sorted((image.width, image.height))
    if short < _MIN_SIDE or long > _MAX_SIDE:
        return f"a side under {_MIN_SIDE} or over {_MAX_SIDE} pixels"
    if long > _MAX_ASPECT_RATIO * short:
        return f"sides more than {_MAX_ASPECT_RATIO} to 1"
    if len(image.boxes) > _MAX_BOXES:
        return f"more than {_MAX_BOXES} boxes"
    scale = min(1, _SCALED_TO / long)
    if any(min(box.width, box.height) * scale <= 1 for box in image.boxes):
        return f"a box of 1 pixel or less once the image is scaled down to {_SCALED_TO}"
    return ""


def _refusal_of_file(file: Path) -> str:
    """Return why Rekognition would reject the file: by its format, whatever its name, and its size."""
    try:
        with file.open("rb") as stream:
            start = stream.read(max(map(len, _SIGNATURES)))
            size = file.stat().st_size
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror}") from None
    if not start.startswith(_SIGNATURES):
        return "neither PNG nor JPEG"
    if size > _MAX_IMAGE_BYTES:
        return f"more than {_MAX_IMAGE_BYTES // 10**6} MB"
    return ""


def _check_whole(images: list[LabelledImage], classes: tuple[str, ...]) -> None:
    if not images:
        raise UserError("Rekognition would refuse every image: see the rules in its guidelines and quotas")
    if not 1 <= len(classes) <= _MAX_CLASSES:
        raise UserError(f"there are {len(classes)} classes, and Rekognition takes 1 to {_MAX_CLASSES}")
    if len(images) > _MAX_IMAGES:
        raise UserError(f"there are {len(images):,} images, and Rekognition takes {_MAX_IMAGES:,}: split the source")
    buckets = sorted({image.name.removeprefix("s3://").split("/")[0] for image in images if "://" in image.name})
    if len(buckets) > 1:
        raise UserError(
            f"the images are in several buckets ({', '.join(buckets)}), and Rekognition takes one: copy them"
        )
