"""Boxes on images whose EXIF orientation turns or mirrors them, between pixels as stored and as shown.

Manifests are read by the built-in algorithm, which takes the pixels as they are stored. Tools for YOLO, COCO and Pascal
VOC label and train on the image as it is shown. Orientations are those of "Exif Version 2.3", tag 0x0112.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from groundloop.images.local import ImageFolder
from groundloop.images.size import UPRIGHT, image_size
from groundloop.labels.formats.dataset import LabelledDataset, LabelledImage
from groundloop.labels.records import Box

_Turn = Callable[[Box, int, int], tuple[float, float, float, float]]

#: By orientation, the box as shown of a box as stored, and of the stored image's width and height.
_SHOWN: dict[int, _Turn] = {
    2: lambda box, width, height: (width - box.left - box.width, box.top, box.width, box.height),
    3: lambda box, width, height: (width - box.left - box.width, height - box.top - box.height, box.width, box.height),
    4: lambda box, width, height: (box.left, height - box.top - box.height, box.width, box.height),
    5: lambda box, width, height: (box.top, box.left, box.height, box.width),
    6: lambda box, width, height: (height - box.top - box.height, box.left, box.height, box.width),
    7: lambda box, width, height: (height - box.top - box.height, width - box.left - box.width, box.height, box.width),
    8: lambda box, width, height: (box.top, width - box.left - box.width, box.height, box.width),
}
_INVERSE = {6: 8, 8: 6}
_SIDES_SWAPPED = frozenset({5, 6, 7, 8})


def shown_box(box: Box, orientation: int, width: int, height: int) -> tuple[float, float, float, float]:
    """Return left, top, width and height of a box on the image as it is shown.

    Args:
        box: in pixels of the image as it is stored.
        orientation: of EXIF, 1 to 8.
        width, height: of the stored image.
    """
    if orientation == UPRIGHT:
        return box.left, box.top, box.width, box.height
    return _SHOWN[orientation](box, width, height)


def as_shown(dataset: LabelledDataset, images: ImageFolder | None) -> LabelledDataset:
    """Turn boxes on pixels as stored to where they are on the image as it is shown.

    Args:
        dataset: the labels.
        images: the image files, for their orientation; None: only what the labels say of it is known.

    Returns:
        The data set with a note on the images that were turned.

    Raises:
        UserError: a file is not an image.
    """
    return _turned(dataset, images, to_stored=False)


def as_stored(dataset: LabelledDataset, images: ImageFolder | None) -> LabelledDataset:
    """Turn boxes on images as shown to where they are on the pixels as stored; see `as_shown`."""
    return _turned(dataset, images, to_stored=True)


def _turned(dataset: LabelledDataset, images: ImageFolder | None, to_stored: bool) -> LabelledDataset:
    found = tuple(_turned_image(image, images, to_stored, dataset.on_stored_pixels) for image in dataset.images)
    turned = [image.name for image, new in zip(dataset.images, found, strict=True) if new is not image]
    notes = dataset.notes
    if turned:
        place = "pixels as they are stored" if to_stored else "image as it is shown"
        notes = (
            *notes,
            f"{len(turned)} images have an EXIF orientation: boxes put onto the {place}, first: {turned[0]}",
        )
    return replace(dataset, images=found, notes=notes, on_stored_pixels=to_stored)


def _turned_image(
    image: LabelledImage, images: ImageFolder | None, to_stored: bool, labels_on_stored: bool
) -> LabelledImage:
    orientation, shown = image.orientation, (image.width, image.height)
    # An image that is missing says nothing; whoever needs the file reports it.
    file = images.find(image.name) if images is not None and orientation == UPRIGHT else None
    if file is not None:
        size = image_size(file)
        orientation, shown = size.orientation, (size.width, size.height)
    if orientation == UPRIGHT:
        return image
    on_stored = labels_on_stored
    # Only sides of different length say which of the two an image was labelled as.
    if orientation in _SIDES_SWAPPED and shown[0] != shown[1]:
        on_stored = (image.width, image.height) == shown[::-1]
    if on_stored == to_stored:
        return image
    turn = _SHOWN[_INVERSE.get(orientation, orientation) if to_stored else orientation]
    boxes = tuple(Box(box.class_name, *turn(box, image.width, image.height)) for box in image.boxes)
    sides = (image.height, image.width) if orientation in _SIDES_SWAPPED else (image.width, image.height)
    return LabelledImage(image.name, *sides, boxes, confidences=image.confidences)
