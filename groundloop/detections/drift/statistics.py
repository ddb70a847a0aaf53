"""The statistics of an image and of the detections on it, whose distributions are compared.

None of them needs a label. What the numbers are was measured on real images (docs/monitoring.md).
"""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from groundloop.detections.predictions import Detections, Threshold
from groundloop.images.access import ImageFault, UnusableImageError, one_line
from groundloop.images.decoding import MAX_PIXELS
from groundloop.images.size import EXIF_ORIENTATION, UPRIGHT

if TYPE_CHECKING:
    from PIL import Image

#: The groups of statistics, each with an alarm of its own.
INPUT, ANSWERS = "input", "answers"
#: Begins the names of the statistics of single classes, such as `class_share.nut`.
CLASS_SHARE = "class_share."
#: All images are measured at this width and height, whatever their own.
MEASURED_SIZE = (320, 240)
# Of the reduced JPEG that is decoded: twice the size keeps the result within rounding of the whole image's.
_DRAFT_SIZE = (640, 480)
_MIN_LAPLACIAN_VARIANCE = 1e-2
_MIN_BOX_AREA = 1e-6
_MAX_16_BIT = 65535


@dataclass(frozen=True, slots=True)
class Statistic:
    """A number that every image has.

    Attributes:
        name: in baselines, results and limits.
        group: `INPUT` or `ANSWERS`.
        title: for people.
        min_scale: the least standard deviation that differences are divided by, so that a statistic which hardly varies
            on the baseline's images does not make every difference enormous.
    """

    name: str
    group: str
    title: str
    min_scale: float

    @property
    def words(self) -> str:
        """The name as it stands in a sentence."""
        if self.name.startswith(CLASS_SHARE):
            return f"share of {self.name.removeprefix(CLASS_SHARE)}"
        return self.name.replace("_", " ")


#: Those that don't depend on the class list.
STATISTICS = (
    Statistic("brightness", INPUT, "brightness, 0 to 255", 2.0),
    Statistic("contrast", INPUT, "contrast, 0 to 128", 1.0),
    Statistic("sharpness", INPUT, "sharpness, log variance of the Laplacian", 0.05),
    Statistic("saturation", INPUT, "saturation, 0 to 1", 0.01),
    Statistic("color_balance", INPUT, "color balance, red minus blue", 1.0),
    Statistic("boxes", ANSWERS, "boxes per image", 0.2),
    Statistic("best_score", ANSWERS, "best score of an image", 0.01),
    Statistic("mean_score", ANSWERS, "mean score of the boxes of an image", 0.01),
    Statistic("box_area", ANSWERS, "box size, log of the median fraction of the image", 0.05),
)


class ImageFormat(NamedTuple):
    """What is counted, not tested: pixels as stored, Pillow's mode, EXIF orientation from 1 to 8."""

    width: int
    height: int
    mode: str
    orientation: int

    def __str__(self) -> str:
        rotated = "" if self.orientation == UPRIGHT else f", EXIF orientation {self.orientation}"
        return f"{self.width} x {self.height}, {self.mode}{rotated}"


@dataclass(frozen=True, slots=True)
class ImageStatistics:
    """The statistics of an image.

    Attributes:
        brightness: mean of the luma (ITU-R BT.601), 0 to 255.
        contrast: its standard deviation.
        sharpness: natural logarithm of the variance of its Laplacian.
        saturation: mean of (maximum - minimum) / maximum of red, green and blue, 0 to 1.
        color_balance: mean of red minus mean of blue, -255 to 255: changes with the light's color, and when a program
            swaps channels, which saturation does not show.
        image_format: its format.
    """

    brightness: float
    contrast: float
    sharpness: float
    saturation: float
    color_balance: float
    image_format: ImageFormat

    @property
    def values(self) -> tuple[float, ...]:
        """The numbers, in the order of `STATISTICS`."""
        return self.brightness, self.contrast, self.sharpness, self.saturation, self.color_balance


@dataclass(frozen=True, slots=True)
class DetectionStatistics:
    """The statistics of the detections on an image; NaN where one is not defined.

    Attributes:
        boxes: detections over the threshold of their class, which all others but `best_score` are about.
        best_score: highest score of all detections; not defined where there are none.
        mean_score: mean score of the boxes; not defined without boxes.
        box_area: logarithm of the median of the boxes' areas as fractions of the image; not defined without boxes.
        class_shares: of each class, the share of the boxes, in id order; not defined without boxes.
    """

    boxes: float
    best_score: float
    mean_score: float
    box_area: float
    class_shares: tuple[float, ...]

    @property
    def values(self) -> tuple[float, ...]:
        """The numbers, in the order of `STATISTICS`, then the shares."""
        return self.boxes, self.best_score, self.mean_score, self.box_area, *self.class_shares


def statistics_of(classes: Sequence[str]) -> tuple[Statistic, ...]:
    """Return all statistics of a model, in the order of a row: of a single class there is nothing to share.

    Args:
        classes: names in id order.

    Example:
        >>> [statistic.name for statistic in statistics_of(["bolt", "nut"])][-2:]
        ['class_share.bolt', 'class_share.nut']
    """
    named = classes if len(classes) > 1 else ()
    shares = (Statistic(f"{CLASS_SHARE}{name}", ANSWERS, f"share of {name} among the boxes", 0.02) for name in named)
    return (*STATISTICS, *shares)


def image_statistics(image: bytes) -> ImageStatistics:
    """Measure an encoded image; a JPEG is decoded at a fraction of its size where that is enough.

    Raises:
        UnusableImageError: it can't be decoded.

    Example:
        >>> from PIL import Image
        >>> stream = io.BytesIO()
        >>> Image.new("RGB", (640, 480), (200, 100, 100)).save(stream, "PNG")
        >>> found = image_statistics(stream.getvalue())
        >>> found.saturation, found.contrast, str(found.image_format)
        (0.5, 0.0, '640 x 480, RGB')
    """
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(image)) as opened:
                width, height = opened.size
                if width * height > MAX_PIXELS:
                    raise ValueError(f"{width} x {height} pixels are too many")
                orientation = opened.getexif().get(EXIF_ORIENTATION) if "exif" in opened.info else None
                known = orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else UPRIGHT
                image_format = ImageFormat(width, height, opened.mode, known)
                opened.draft(None, _DRAFT_SIZE)
                measured = _measured(opened)
    except Exception as error:  # decoders raise every kind of error on damaged data
        raise UnusableImageError(ImageFault.INVALID, f"the image cannot be decoded: {one_line(error)}") from None
    return ImageStatistics(*_pixel_statistics(measured), image_format)


def detection_statistics(detections: Detections, threshold: Threshold) -> DetectionStatistics:
    """Measure the detections on an image.

    Args:
        detections: those under the threshold too.
        threshold: one for all classes, or one for each by name.

    Raises:
        UserError: a class has no threshold.

    Example:
        >>> found = Detections.from_sagemaker(b'{"prediction": [[1, 0.9, 0, 0, 0.5, 0.5]]}', ["bolt", "nut"])
        >>> measured = detection_statistics(found, 0.5)
        >>> measured.boxes, measured.class_shares
        (1.0, (0.0, 1.0))
    """
    nan = float("nan")
    best = float(detections.confidence.max()) if len(detections) else nan
    kept = detections.filter(threshold)
    if not len(kept):
        return DetectionStatistics(0.0, best, nan, nan, (nan,) * len(_shared(detections)))
    sides = kept.xyxyn[:, 2:] - kept.xyxyn[:, :2]
    area = float(np.log(max(float(np.median(sides.prod(axis=1))), _MIN_BOX_AREA)))
    counts = kept.count()
    shares = tuple(counts[name] / len(kept) for name in _shared(detections))
    return DetectionStatistics(float(len(kept)), best, float(kept.confidence.mean()), area, shares)


def _shared(detections: Detections) -> tuple[str, ...]:
    return detections.classes if len(detections.classes) > 1 else ()


def _measured(image: Image.Image) -> Image.Image:
    """Return the image in RGB at the size in which everything is measured."""
    from PIL import Image

    if image.mode.startswith("I"):  # 16 bits, of which Pillow's own conversion would cut off all but the lowest 8
        gray = np.asarray(image, dtype=np.float32) * (255 / _MAX_16_BIT)
        image = Image.fromarray(gray.clip(0, 255).astype(np.uint8))
    rgb = image if image.mode == "RGB" else image.convert("RGB")
    return rgb.resize(MEASURED_SIZE, Image.Resampling.BILINEAR, reducing_gap=2.0)


def _pixel_statistics(image: Image.Image) -> tuple[float, float, float, float, float]:
    """Return the statistics in the order of `ImageStatistics`."""
    luma = np.asarray(image.convert("L"), dtype=np.float32)
    laplacian = luma[:-2, 1:-1] + luma[2:, 1:-1] + luma[1:-1, :-2] + luma[1:-1, 2:] - 4 * luma[1:-1, 1:-1]
    red, green, blue = (np.asarray(channel, dtype=np.float32) for channel in image.split())
    highest, lowest = np.maximum(np.maximum(red, green), blue), np.minimum(np.minimum(red, green), blue)
    saturation = (highest - lowest) / np.maximum(highest, 1.0)
    means = (laplacian.var, luma.mean, luma.std, saturation.mean, (red - blue).mean)
    variance, brightness, contrast, saturated, balance = (float(mean(dtype=np.float64)) for mean in means)
    sharpness = math.log(max(variance, _MIN_LAPLACIAN_VARIANCE))
    return brightness, contrast, sharpness, saturated, balance
