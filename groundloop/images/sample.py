"""A look at some of the images that a manifest names: whether they are in S3, and how large."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from groundloop.images.access import MAX_THREADS, MEGABYTE, ImageFault, Images, UnusableImageError


@dataclass(frozen=True)
class ImageSample:
    """What became of a sample.

    Attributes:
        looked_at: images that were asked for.
        of: images that there are.
        problems: by S3 URI, why an image can't be used.
        forbidden: those of them that S3 denied access to.
    """

    looked_at: int
    of: int
    problems: dict[str, str] = field(default_factory=dict)
    forbidden: frozenset[str] = frozenset()

    def told(self) -> str:
        """One line."""
        amount = f"all {self.of}" if self.looked_at == self.of else f"{self.looked_at} of {self.of}"
        told = "none is missing" if not self.problems else f"{len(self.problems)} can't be used"
        return f"{amount} images looked at in S3, {told}"


def sample_images(images: Images, references: Sequence[str], most: int, max_bytes: int | None = None) -> ImageSample:
    """Ask for up to ``most`` images, evenly spread over the references, in parallel.

    Args:
        max_bytes: larger images are problems; None: none is too large.

    Raises:
        UserError: S3 can't be asked at all.
    """
    count = min(most, len(references))
    chosen = [references[index * len(references) // count] for index in range(count)]
    with ThreadPoolExecutor(MAX_THREADS) as pool:
        looked = list(
            zip(chosen, pool.map(lambda reference: _problem(images, reference, max_bytes), chosen), strict=True)
        )
    found = {reference: problem for reference, problem in looked if problem}
    forbidden = frozenset(reference for reference, (code, _) in found.items() if code is ImageFault.FORBIDDEN)
    return ImageSample(count, len(references), {reference: text for reference, (_, text) in found.items()}, forbidden)


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
