"""Writer of CSV files."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from groundloop.labels.formats.csv.reader import COLUMNS
from groundloop.labels.formats.dataset import LabelledDataset, as_json_number, used_classes
from groundloop.labels.formats.disk import write_file


def as_csv(dataset: LabelledDataset, path: Path) -> list[str]:
    """Write one file.

    Returns:
        Notes on what the format could not hold.

    Raises:
        UserError: the file already exists.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for image in dataset.images:
        if not image.boxes:
            writer.writerow([image.name, "", "", "", "", ""])
        for box in image.boxes:
            sides = (box.left, box.top, box.width, box.height)
            writer.writerow([image.name, box.class_name, *(repr(as_json_number(side)) for side in sides)])
    write_file(path, text.getvalue().encode())
    notes = []
    if any(image.width for image in dataset.images):
        notes.append("CSV holds no image sizes: converting back needs the images, see --images")
    if dataset.classes != used_classes(dataset.images):
        notes.append(
            f"CSV holds no list of classes: their order and unused ones are lost ({', '.join(dataset.classes)})"
        )
    return notes
