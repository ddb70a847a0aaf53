"""Pascal VOC: one XML file for each image, under `Annotations/`.

Source: "The PASCAL Visual Object Classes Challenge 2012 Development Kit", 8.3: `xmin`, `ymin`, `xmax`, `ymax` are
pixels counted from 1, and the last pixel belongs to the box. So a box that covers the image's first pixel only is
1 1 1 1; here left = xmin - 1 and width = xmax - xmin + 1. Tools that count from 0 give themselves away by a 0, and a
note says so.

- A negative is an XML file without `object`.
- Images are named by the XML's folder below `Annotations/` and its `filename`. Images of one folder that would share an
  XML file (`a.jpg` and `a.png`) are rejected by name.
- The devkit has no list of classes. `classes.txt` beside `Annotations/`, one name a line in the order of the ids, is
  written and, where it is there, read; without it the classes are those of the boxes, in alphabetical order.
- Coordinates are whole: boxes with fractions are rounded when written, and their number is reported.
- Read and not kept, each reported: `difficult`, `truncated`, `pose` and parts of objects.
- XML with a DOCTYPE is rejected: entities are defined there.
"""

from groundloop.labels.formats.voc.reader import from_voc
from groundloop.labels.formats.voc.writer import as_voc

__all__ = ["as_voc", "from_voc"]
