"""Checking a sample of the images that a manifest names: whether they are in S3, and how large."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from groundloop.images.access import MAX_THREADS, MEGABYTE, ImageFault, Images, UnusableImageError


@dataclass(frozen=True)
class ImageSample:
    """The result of checking a sample of images.

    Attributes:
        checked: number of images that were checked.
        total: number of images that there are.
        problems: by S3 URI, why an image can't be used.
        forbidden: those of them that S3 denied access to.
    """

    checked: int
    total: int
    problems: dict[str, str] = field(default_factory=dict)
    forbidden: frozenset[str] = frozenset()

    def summary(self) -> str:
        """Describe the sample in one line."""
        amount = f"all {self.total}" if self.checked == self.total else f"{self.checked} of {self.total}"
        result = "none is missing" if not self.problems else f"{len(self.problems)} can't be used"
        return f"{amount} images checked in S3, {result}"


def sample_images(images: Images, references: Sequence[str], maximum: int, max_bytes: int | None = None) -> ImageSample:
    """Check up to `maximum` images, evenly spread over the references, in parallel.

    Args:
        images: where the images are kept.
        references: S3 URIs of the images.
        maximum: number of images to check.
        max_bytes: larger images are problems; None allows any size.

    Raises:
        UserError: S3 can't be reached.
    """
    count = min(maximum, len(references))
    chosen = [references[index * len(references) // count] for index in range(count)]
    with ThreadPoolExecutor(MAX_THREADS) as pool:
        checked = list(
            zip(chosen, pool.map(lambda reference: _problem(images, reference, max_bytes), chosen), strict=True)
        )
    problems = {reference: problem for reference, problem in checked if problem}
    forbidden = frozenset(reference for reference, (code, _) in problems.items() if code is ImageFault.FORBIDDEN)
    return ImageSample(
        count, len(references), {reference: text for reference, (_, text) in problems.items()}, forbidden
    )


def _problem(images: Images, reference: str, max_bytes: int | None) -> tuple[ImageFault, str] | None:
    try:
        size = images.size(reference)
    except UnusableImageError as error:
        return error.fault, str(error)
    if size == 0:
        return ImageFault.INVALID, "the image is empty (0 bytes)"
    if max_bytes is not None and size > max_bytes:
        return ImageFault.TOO_LARGE, f"it has {size / MEGABYTE:.1f} MB, more than predict.max_payload_mb"
    return None
