"""Amazon Rekognition Custom Labels: Ground Truth's lines under Rekognition's rules.

Source: Amazon Rekognition Custom Labels developer guide, "Object localization in manifest files", "Validation rules for
manifest files" and "Guidelines and quotas in Amazon Rekognition Custom Labels".

- Read through `labels.formats.groundtruth`: a file does not say which of the two it is, and is recognised as Ground
  Truth's.
- Written: confidence 1, as Rekognition does. Rejected as a whole: images in several buckets, more than 250 classes,
  more than 250,000 images, more than 1 GB. Left out, counted with the first of each kind: images that it would reject
  (a side under 64 or over 4096 pixels, sides more than 20 to 1, more than 50 boxes, a box that shrinks to
  1 pixel or less when the longer side of the image is scaled down to 1280) and, where the image files are given, those
  that are neither PNG nor JPEG or have more than 15 MB.
- Negatives are kept: Rekognition warns of them (WARNING_NO_ANNOTATIONS) and leaves them out of training.
"""

from groundloop.labels.formats.rekognition.writer import as_rekognition

__all__ = ["as_rekognition"]
