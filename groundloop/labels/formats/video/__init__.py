"""Ground Truth video frame jobs: an output manifest with one line for each video, or the SeqLabel.json of one video.

Source: Amazon SageMaker developer guide, "Video frame object detection output", "Video frame object tracking output"
and "Create a video frame input manifest file"; SeqLabel.json is read by `labels.video`.

- Each frame becomes an image, a frame without boxes a negative. Not written: a video cannot be made of images.
- A manifest names files in S3: the SeqLabel.json, and under `source-ref` the sequence file, whose `prefix` is the
  frames' folder. So images are named by S3 URIs, and classes by the manifest's class-map. A line that is not labelled
  is not part of the data set, and reported.
- A SeqLabel.json alone says neither: images are named by file, and the names of the classes come from the objects'
  names of tracking jobs (`Vehicle:1`); where there are none, the manifest is needed.
- Neither says how large the frames are: reading looks that up in the image files.
- Not kept, and reported: numbers of frames, identities of objects, attributes.
"""

from groundloop.labels.formats.video.reader import from_video

__all__ = ["from_video"]
