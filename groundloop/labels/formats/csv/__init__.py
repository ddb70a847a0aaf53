"""CSV with one row for each box, in pixels from the top-left corner. Two headers are read, the first is written.

- `image,label,left,top,width,height`: this project's own table, with the box as in Ground Truth.
- `filename,width,height,class,xmin,ymin,xmax,ymax`: the table that tools for the TensorFlow Object Detection API and
  Roboflow's "Tensorflow Object Detection CSV" write. Corners count from 0, and the box's width is xmax - xmin. It holds
  the images' sizes.

Quoting is RFC 4180's, text is UTF-8; columns may come in any order.

- A negative is a row with an image whose class and corners or sides are empty.
- `image` is a file name or an S3 URI, kept as it is.
- The first header holds no sizes (reading can look them up in the images), and neither a list of classes: those of the
  boxes count, in alphabetical order. Both are reported when something is lost by it. Other columns are reported and not
  kept.
"""

from groundloop.labels.formats.csv.reader import from_csv
from groundloop.labels.formats.csv.writer import as_csv

__all__ = ["as_csv", "from_csv"]
