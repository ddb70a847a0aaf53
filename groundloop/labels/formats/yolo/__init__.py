"""YOLO as Ultralytics defines it: `images/`, `labels/` and `data.yaml`.

Source: Ultralytics documentation, "Object detection datasets overview": one `.txt` beside each image under `labels/`
(the image's name with another suffix, so `a.b.jpg` has `a.b.txt`), one line for each box, `class x y w h`: the class's
position in `names` from 0, the box's middle and size as fractions of the image's width and height.

- A negative is an empty file. An image without a file is background to Ultralytics, and so a negative here too; the
  number of those is reported.
- Images are named by their path below `images/`. In the layout with parts (`train/images`, `train/labels`, `valid/…`)
  the name is the path without `images` (`train/a.jpg`). Images of one folder whose label files would be the same
  (`a.jpg` and `a.png`) are rejected by name.
- Sizes are not in the labels: the images' headers are read, turned as EXIF says, because training tools do so too.
  Copies of images are written upright, and boxes turned with them.
- Numbers are written with 12 decimals. A pixel that lies within the digits' own error of a whole one is taken for it,
  so whole pixels come back exactly; others within 1e-6 pixels.
- Rejected: polygons. Not kept, and reported: a sixth number on a line (a prediction's confidence), the parts of
  `data.yaml` (every image is read, whatever its part).
"""

from groundloop.labels.formats.yolo.reader import from_yolo
from groundloop.labels.formats.yolo.writer import as_yolo

__all__ = ["as_yolo", "from_yolo"]
