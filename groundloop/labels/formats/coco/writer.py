"""Writer of COCO files."""

from __future__ import annotations

from pathlib import Path

import msgspec

from groundloop.labels.formats.dataset import LabelledDataset, as_json_number
from groundloop.labels.formats.disk import write_file
from groundloop.labels.formats.names import as_file_names


def as_coco(dataset: LabelledDataset, path: Path) -> list[str]:
    """Write one JSON file.

    Returns:
        Notes on what the format could not hold.

    Raises:
        UserError: sizes are missing, or the file already exists.
    """
    dataset.require_sizes("COCO")
    named = as_file_names(dataset)
    ids = {name: number for number, name in enumerate(dataset.classes, start=1)}
    images = [
        {"id": number, "file_name": image.name, "width": image.width, "height": image.height}
        for number, image in enumerate(named.images, start=1)
    ]
    boxes = [(number, box) for number, image in enumerate(named.images, start=1) for box in image.boxes]
    annotations = [
        {
            "id": number,
            "image_id": image_id,
            "category_id": ids[box.class_name],
            "bbox": [as_json_number(side) for side in (box.left, box.top, box.width, box.height)],
            "area": as_json_number(box.width * box.height),
            "iscrowd": 0,
        }
        for number, (image_id, box) in enumerate(boxes, start=1)
    ]
    categories = [{"id": number, "name": name} for name, number in ids.items()]
    coco = {"images": images, "annotations": annotations, "categories": categories}
    write_file(path, msgspec.json.encode(coco) + b"\n")
    return list(named.notes[len(dataset.notes) :])
