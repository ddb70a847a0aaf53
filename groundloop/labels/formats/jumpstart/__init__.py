"""JumpStart's Object Detection - TensorFlow: `images/` and `annotations.json`.

Source: Amazon SageMaker developer guide, "Input and output interface for the Object Detection - TensorFlow algorithm":
`images` with file_name, height, width and id, `annotations` with image_id, category_id and `bbox` as corners
[xmin, ymin, xmax, ymax] in pixels. It looks like COCO but is not: COCO's boxes are [x, y, width, height].

- An image without boxes makes the algorithm fail (tensorflow/models#10953), so negatives are left out and counted.
- There is no place for class names. `classes.txt` beside `annotations.json`, one name a line, is written and, where it
  is there, read: `category_id` is the position in it, from 0. Without it the ids are the names, and a note says so.
- `file_name` is relative to `images/`: S3 URIs become file names.
"""

from groundloop.labels.formats.jumpstart.reader import from_jumpstart
from groundloop.labels.formats.jumpstart.writer import as_jumpstart

__all__ = ["as_jumpstart", "from_jumpstart"]
