"""The hyperparameters that follow from a data set, and what it lacks for training with the built-in algorithm."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from groundloop.errors import UserError
from groundloop.labels.findings import LabelCode, LabelFinding
from groundloop.labels.records import Record
from groundloop.labels.split import Split
from groundloop.spec.object_detection import HYPERPARAMETERS, label_width
from groundloop.suggestions import first_of

MIN_EXAMPLES = 10
"""Boxes, or images when it comes to splits, from which on a class can be learnt and evaluated."""
MAX_IMBALANCE = 20
"""Boxes of the largest class for each of the smallest."""
MIN_BOX_SIDE = 4
"""Pixels at the network's input: half a cell of the finest map that SSD predicts from (stride 8 in its paper)."""
IMAGE_SHAPE: int = HYPERPARAMETERS["image_shape"].default
"""The built-in algorithm's default: each image is stretched to a square of so many pixels."""

# The instance types with most GPUs have 8, and each GPU gets an equal part of a batch.
MAX_DEFAULT_BATCH = 8


@dataclass(frozen=True, slots=True)
class TrainingRequirements:
    """Hyperparameters that follow from the data; num_training_samples as if all its images were trained on."""

    num_training_samples: int
    num_classes: int
    label_width: int
    mini_batch_size: int


@dataclass(slots=True)
class Overview:
    """Counts over labelled images; small, however many are added.

    Attributes:
        image_shape: side in pixels of the square that images are stretched to.
        boxes, images_with: by class name.
        tiny: boxes with a side under `MIN_BOX_SIDE` at image_shape, by class name.
        first_tiny: the image of the first of them.

    Raises:
        UserError: image_shape is not a size.
    """

    image_shape: int = IMAGE_SHAPE
    images: int = 0
    negatives: int = 0
    auto_labelled: int = 0
    max_boxes: int = 0
    boxes: Counter[str] = field(default_factory=Counter)
    images_with: Counter[str] = field(default_factory=Counter)
    tiny: Counter[str] = field(default_factory=Counter)
    first_tiny: str = ""

    def __post_init__(self) -> None:
        if self.image_shape < 1:
            raise UserError(f"image_shape is {self.image_shape}: give the side in pixels, such as {IMAGE_SHAPE}")

    def add(self, records: Iterable[Record]) -> None:
        """Count these too."""
        for record in records:
            self.images += 1
            self.negatives += not record.boxes
            self.auto_labelled += record.auto_labelled
            self.max_boxes = max(self.max_boxes, len(record.boxes))
            self.images_with.update({box.class_name for box in record.boxes})
            narrowest = MIN_BOX_SIDE * record.width / self.image_shape
            lowest = MIN_BOX_SIDE * record.height / self.image_shape
            for box in record.boxes:
                self.boxes[box.class_name] += 1
                if box.width < narrowest or box.height < lowest:
                    self.tiny[box.class_name] += 1
                    self.first_tiny = self.first_tiny or record.source_ref

    def needs(self, num_classes: int) -> TrainingRequirements:
        """Return the hyperparameters for this data; images without boxes are left out of training, as Prepare does."""
        images = self.images - self.negatives
        return TrainingRequirements(
            images, num_classes, label_width(self.max_boxes), max(1, min(MAX_DEFAULT_BATCH, images))
        )

    def findings(self) -> Iterator[LabelFinding]:
        """Yield warnings about classes with few examples, imbalance and boxes too small to be seen."""
        for name, count in sorted(self.boxes.items()):
            if count < MIN_EXAMPLES:
                message = f"class {name!r} has {count} boxes, fewer than {MIN_EXAMPLES}: label more, or leave it out"
                yield LabelFinding(LabelCode.FEW_EXAMPLES, message)
        yield from self._imbalance()
        if self.tiny:
            by_class = first_of([f"{name} {count}" for name, count in self.tiny.most_common()])
            yield LabelFinding(
                LabelCode.TINY_BOXES,
                f"{self.tiny.total()} of {self.boxes.total()} boxes have a side under {MIN_BOX_SIDE} pixels once the "
                f"image is resized to {self.image_shape} x {self.image_shape} ({by_class}): raise image_shape, "
                "or cut the images into tiles",
                source_ref=self.first_tiny,
            )

    def _imbalance(self) -> Iterator[LabelFinding]:
        ranked = sorted(self.boxes.items(), key=lambda item: (-item[1], item[0]))
        if ranked and ranked[0][1] > MAX_IMBALANCE * ranked[-1][1]:
            (largest, most), (smallest, fewest) = ranked[0], ranked[-1]
            yield LabelFinding(
                LabelCode.CLASS_IMBALANCE,
                f"class {largest!r} has {most} boxes and class {smallest!r} {fewest}, more than {MAX_IMBALANCE} to 1: "
                f"label more of {smallest!r}",
            )


def missing_from_splits(shown: Mapping[Split, Counter[str]]) -> Iterator[LabelFinding]:
    """Yield a warning for each class that has enough images for every split and still misses one.

    Args:
        shown: number of images by class name, of each split.
    """
    totals = sum(shown.values(), Counter[str]())
    for name, total in sorted(totals.items()):
        without = [part.value for part, counts in shown.items() if not counts[name]]
        if total >= MIN_EXAMPLES and without:
            yield LabelFinding(
                LabelCode.CLASS_MISSES_SPLIT,
                f"class {name!r} is on {total} images but on none of {' and '.join(without)}: its metrics there will "
                "be missing; change the split seed or the fractions",
            )
