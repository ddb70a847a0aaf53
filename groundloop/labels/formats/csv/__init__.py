"""CSV with one row for each box: image, label, left, top, width, height, in pixels from the top-left corner.

This project's own table for spreadsheets and scripts, since no standard exists: the box as in Ground Truth. Quoting is
RFC 4180's, text is UTF-8; columns may come in any order.

- A negative is a row with an image and five empty fields.
- `image` is a file name or an S3 URI, kept as it is.
- There are no sizes (reading can look them up in the images) and no list of classes: those of the boxes count, in
  alphabetical order. Both are reported when something is lost by it. Other columns are reported and not kept.
"""

from groundloop.labels.formats.csv.reader import from_csv
from groundloop.labels.formats.csv.writer import as_csv

__all__ = ["as_csv", "from_csv"]
