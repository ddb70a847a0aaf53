"""COCO object detection: one JSON file with `images`, `annotations` and `categories`.

Source: "Data format", cocodataset.org, 1. Object Detection; `bbox` is [x, y, width, height] in pixels from the top-left
corner. `categories` is a list; ids may be sparse and in any order, so classes are read by name, in the order of their
ids, and written with ids from 1.

- A negative is an image without annotations.
- `file_name` is relative to the folder of images: S3 URIs become file names.
- Read and not kept, each reported: segmentation, crowd regions (`iscrowd` 1: a region of many, not a box of one),
  scores, supercategories. Not reported: `info`, `licenses`, `area`, ids, which say nothing of the labels.
"""

from groundloop.labels.formats.coco.reader import from_coco
from groundloop.labels.formats.coco.writer import as_coco

__all__ = ["as_coco", "from_coco"]
