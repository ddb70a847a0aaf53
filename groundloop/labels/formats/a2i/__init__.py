"""Amazon Augmented AI: the `output.json` files of human loops with a `crowd-bounding-box`, one for each loop.

Source: Amazon SageMaker developer guide, "Amazon A2I output data" (place and shape of the file) and
"crowd-bounding-box" (the element's answer).

- Read as labels by `from_a2i`: one file, or every `output.json` below a folder, such as a copy of the flow's
  S3OutputPath. `loop_answers` reads the answers themselves: who gave them, when, and what was shown.
- Written by `output_json` from answers that people gave elsewhere, such as on the page of a queue.
- The image is `taskObject` of the loop's input or, where that is not an S3 URI, the only S3 URI of an image there.
- Labels are text. The order of the classes is that of `labels` in the loops' input, as the template of a review passes
  them on; where there is none, or loops differ, the classes are in alphabetical order.
- An answer without boxes is a negative. A loop without an answer (failed, stopped, expired) says nothing of its image
  and is not part of the data set; their number is reported.
- Of several loops on one image the one answered last counts.
- A2I keeps the answers of several workers apart. They are joined by `groundloop.labels.consolidation`, which
  has the rule; boxes and images that the workers do not agree on are left out, and reported.
- Not kept in the labels, and reported: who answered, when, and whether the boxes that they were shown were changed.
"""

from groundloop.labels.formats.a2i.loop_answers import is_output, loop_answers, output_json, output_key
from groundloop.labels.formats.a2i.output_file import input_content
from groundloop.labels.formats.a2i.reader import from_a2i

__all__ = ["from_a2i", "input_content", "is_output", "loop_answers", "output_json", "output_key"]
