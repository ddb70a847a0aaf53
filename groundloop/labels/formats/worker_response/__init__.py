"""Ground Truth's worker responses: the answer of each worker, below the output folder of a labelling job.

Source: Amazon SageMaker developer guide, "Labeling job output data" (the folders) and "Worker responses".

- Read: `annotations/worker-response/iteration-<n>/<object id>/<time>.json` of one job or several below a folder or an
  S3 prefix, with `answers` of bounding boxes; those of other task types are findings.
- The object id is the 0-based line of the job's input manifest. Which image that is stands in the consolidation
  requests beside the responses (`dataObject.s3Uri`), and else in `manifests/output/output.manifest`, which has the same
  lines; where both are missing the image is named by its id.
- In an adjustment job the boxes that were shown are those of the line's other label attribute.
"""

from groundloop.labels.formats.worker_response.reader import is_response, response_answers
from groundloop.labels.formats.worker_response.writer import worker_response_json, worker_response_key

__all__ = ["is_response", "response_answers", "worker_response_json", "worker_response_key"]
