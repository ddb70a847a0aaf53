"""Known errors of jobs: what they mean and what to do. The built-in algorithm's messages name no manifest line.

The algorithm's messages are those that its users report (issues of aws/amazon-sagemaker-examples, by number below, or
of the repository that is named); the platform's are those of SageMaker's documentation and API, and of failed jobs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from groundloop.spec.object_detection import CURRENT_INSTANCE_TYPES


class EvidenceSource(str, Enum):
    """Where the cause of a failure is searched for (see `failure_evidence.find_evidence`).

    `LINES`: manifest lines without an attribute or box; `BOXES`: the images with the most boxes; `COUNT`: the number of
    lines; `IMAGES`: the objects in S3.
    """

    LINES = "lines"
    BOXES = "boxes"
    COUNT = "count"
    IMAGES = "images"
    NONE = "none"


@dataclass(frozen=True)
class KnownFailure:
    """A known cause of failure.

    Attributes:
        code: its name in JSON output.
        pattern: matches the failure reason or the log of a job that failed for this cause.
        meaning: what happened.
        remedy: what to do.
        source: where to search for evidence.
    """

    code: str
    pattern: re.Pattern[str]
    meaning: str
    remedy: str
    source: EvidenceSource = EvidenceSource.NONE


def _known(
    code: str, pattern: str, meaning: str, remedy: str, source: EvidenceSource = EvidenceSource.NONE
) -> KnownFailure:
    return KnownFailure(code, re.compile(pattern, re.IGNORECASE), meaning, remedy, source)


# The training type that works depends on the account; doctor compares quotas and EC2's offerings.
_OTHER_INSTANCE = (
    "For Train use a type that the account can have: `groundloop doctor` names it, usually "
    + " or ".join(f"--set training.instance_type={name}" for name in CURRENT_INSTANCE_TYPES)
)

#: A warning, not a failure: training continues on fewer images than the manifest has.
BATCH_COUNT = _known(
    "batch-count",  # 1097
    r"Expected number of batches: \d+,? did not match the number of batches processed: \d+",
    "The channel delivered a different number of images than num_training_samples: lines were empty or unreadable, or "
    "the number was not counted on this manifest. The learning rate schedule is off by the same factor.",
    "Let Prepare derive num_training_samples, and check the lines that it rejected.",
    EvidenceSource.COUNT,
)

KNOWN: tuple[KnownFailure, ...] = (
    _known(
        "empty-batch",  # 1283
        r"Got empty batch from pipe",
        "The algorithm found no usable image and label in a batch: lines lack one of the channel's AttributeNames, or "
        "the names are not in the order image, label.",
        "AttributeNames has to be [source-ref, label attribute]; correct or remove the lines that lack one of them.",
        EvidenceSource.LINES,
    ),
    _known(
        "unparsable-record",  # 4056
        r"Unable to parse record",
        "The stream does not alternate images and labels in RecordIO frames.",
        "The channel needs ContentType application/x-recordio and RecordWrapperType RecordIO, and every line needs "
        "both attributes.",
        EvidenceSource.LINES,
    ),
    _known(
        "no-magic-number",  # 562
        r"does not start with the magic number",
        "The channel's ContentType says RecordIO, but it delivers images without RecordIO frames.",
        "Set RecordWrapperType to RecordIO on the channel (groundloop's own definition does).",
        EvidenceSource.LINES,
    ),
    _known(
        "label-width",  # 643
        r"Invalid parameter value .?label_width",
        "label_width is too small for the image with the most boxes: it has to be at least 5 per box plus 2, the same "
        "for train and validation.",
        "Let Prepare derive label_width; if one image has very many boxes, check whether they are intended.",
        EvidenceSource.BOXES,
    ),
    _known(
        "annotations",  # 2027
        r"Not enough annotation packed in the list file",
        "A label holds fewer than the five numbers of a box (class, left, top, right, bottom).",
        "Correct or remove the lines whose boxes lack a number.",
        EvidenceSource.LINES,
    ),
    _known(
        "small-split",  # 1492
        r"number of input images must be bigger or equal to the mini_batch_size",
        "A split holds fewer images than one batch.",
        "Lower the batch size, with --set training.hyperparameters.mini_batch_size=N for `local run` and `upsert`, or "
        "-p MiniBatchSize=N for `start`; or label more images.",
        EvidenceSource.COUNT,
    ),
    _known(
        "channel-timeout",  # 1097, 1316
        r"pipe channel timed out",
        "The channel delivered nothing for about an hour: an image could not be read, or the manifest is so large that "
        "its first pass takes too long.",
        "Check for images that are missing, forbidden or corrupted; set prepare.check_images to decode.",
        EvidenceSource.IMAGES,
    ),
    BATCH_COUNT,
    _known(
        "out-of-memory",
        r"out of memory(?!\. Please use a larger instance)|cudaMalloc failed",
        "A batch does not fit into the memory of the instance.",
        "Lower training.hyperparameters.mini_batch_size or image_shape, or use an instance type with more GPUs.",
    ),
    _known(
        "instance-memory",
        r"use an instance type with more memory|Out of Memory\. Please use a larger instance",
        "The job needed more main memory than its instance has.",
        "Use an instance type with more memory for the step: processing.instance_type, training.instance_type or "
        "predict.instance_type.",
    ),
    _known(
        "disk",
        r"Insufficient disk space|No space left on device",
        "The instance's disk is full.",
        "Raise volume_gb: of processing for Prepare and Evaluate, of training for Train.",
    ),
    _known(
        "instance-type",  # 1951
        r"requested resource \S+ is not available in this region|Instance type \S+ is not supported",
        "The region does not offer this instance type for this kind of job, or the algorithm does not run on it.",
        f"{_OTHER_INSTANCE}.",
    ),
    _known(
        "no-details",
        r"Error Details: null",
        "SageMaker rejected the request without a reason; most often it cannot read an input of the step.",
        "Check that each S3 URI of the step exists, is in the pipeline's region, does not end with a slash, and can be "
        "read by the execution role.",
    ),
    _known(
        "ping",  # 210
        r"did not pass the ping health check|failed to respond to ping",
        "The model's container did not start: it crashed, or its instance has too little memory.",
        "Read the container's log (log group /aws/sagemaker/Endpoints/<endpoint> for an endpoint, "
        "/aws/sagemaker/TransformJobs for Predict); use an instance type, or serverless memory_mb, with more memory.",
    ),
    _known(
        "too-large-payload",  # sagemaker-python-sdk 1882
        r"ClientError: 413\b|Too much data for max payload size",
        "An image is larger than a request to the model may be.",
        "Remove the image, or raise predict.max_payload_mb and lower predict.max_concurrent_transforms.",
    ),
    _known(
        "rejected-image",  # sagemaker-python-sdk 1284, sagemaker-tensorflow-serving-container 93
        r"Bad HTTP status received from algorithm|Unable to get response from algorithm",
        "The model's container failed on an image of Predict, which the log names; one is enough to fail the job.",
        "Set prepare.check_images to decode, which keeps unreadable images out; if the images are fine, use a "
        "predict.instance_type with more memory.",
    ),
    _known(
        "internal-error",
        r"InternalServerError|We encountered an internal error|Internal error\. Please try again",
        "SageMaker itself failed.",
        "Start again, or raise execution.retry.service and execution.retry.job.",
    ),
    _known(
        "model-data",
        r"Could not (access|find) model data at",
        "The model's archive is not in S3, is in another region, or the execution role must not read it.",
        "Check the URI in the message; `groundloop doctor` lists missing permissions.",
    ),
    _known(
        "quota",
        r"ResourceLimitExceeded|account-level service limit",
        "The account's quota does not allow this instance type (GPU types: 0 by default), or not another instance.",
        f"{_OTHER_INSTANCE}, or request an increase in Service Quotas.",
    ),
    _known(
        "capacity",
        r"CapacityError|InsufficientCapacity|Unable to provision requested ML compute capacity",
        "AWS has no capacity for this instance type in the region at the moment, or not any more (EC2 retires ml.p3); "
        "the quota is not the cause.",
        f"{_OTHER_INSTANCE}; or start again later, or raise execution.retry.capacity.",
    ),
    _known(
        "access",
        r"AccessDenied|Access denied for bucket|not authorized to perform|Could not assume role|"
        r"cannot assume the provided execution role",
        "The execution role lacks a permission that the job needs.",
        "`groundloop doctor` lists the missing permissions; `groundloop doctor --policy role` prints the required "
        "policy.",
    ),
    _known(
        "no-input",
        r"No S3 objects found under S3 URL",
        "An input of the job is not in S3: the URI is misspelt, or nothing was uploaded there.",
        "Check the URI in the message: labels.manifest (parameter InputManifest) for Prepare.",
    ),
    _known(
        "out-of-time",
        r"MaxRuntimeExceeded|MaxWaitTimeExceeded|MaxRuntimeInSeconds",
        "The job was stopped because it reached its time limit.",
        "Raise max_runtime_minutes of the step, or training.spot.max_wait_minutes; or use a faster instance type.",
    ),
    _known(
        "no-package-index",
        r"groundloop: pip could not install",
        "The job cannot reach a package index, so its requirements could not be installed.",
        "Give its subnets internet access (NAT gateway), or set processing.image_uri to an image with the requirements "
        "installed and processing.requirements to preinstalled.",
    ),
)


def known_failures(text: str) -> list[KnownFailure]:
    """Return the known failures whose message appears in a failure reason or log, the most specific first.

    Example:
        >>> [failure.code for failure in known_failures("CapacityError: Unable to provision")]
        ['capacity']
    """
    return [failure for failure in KNOWN if failure.pattern.search(text)]
