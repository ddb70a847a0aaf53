"""Amazon SageMaker Ground Truth bounding box manifests: JSON Lines, one line for each image.

Source: Amazon SageMaker developer guide, "Bounding box job output" and "Augmented manifest files"; read by
`labels.manifest`, which see for all variations.

- Where the lines' class maps agree, their ids give the order of the classes; else the order is alphabetical, and a note
  says so. Of several lines for one image the last counts.
- A negative is a line with `annotations: []`; unlabelled, failed and faulty lines are not part of the data set and are
  reported.
- Written: one label attribute, the whole class list as `class-map` on every line, confidence 0 (one person's work, as
  Ground Truth writes it) or, after consolidation, from 0 to 1. Not carried over, and reported: confidences, dates, job
  names, other keys of a line.
"""

from groundloop.labels.formats.groundtruth.reader import from_groundtruth
from groundloop.labels.formats.groundtruth.writer import as_groundtruth

__all__ = ["as_groundtruth", "from_groundtruth"]
