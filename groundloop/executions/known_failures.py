"""What known errors of jobs mean. The built-in algorithm's messages name no line of the manifest; these say what to do.

The algorithm's texts are those that its users report (issues of aws/amazon-sagemaker-examples, by number below); the
platform's are those of SageMaker's documentation and API.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum


class Look(str, Enum):
    """Where the cause of a failure is to be found, so that it can be looked for (`pipeline.find_evidence`)."""

    LINES = "lines"
    BOXES = "boxes"
    COUNT = "count"
    IMAGES = "images"
    NOWHERE = "nowhere"


@dataclass(frozen=True)
class KnownFailure:
    """A kind of failure.

    Attributes:
        code: its name in JSON output.
        pattern: found in the reason or the log of a job that failed of it.
        meaning: what has happened.
        remedy: what to do.
        look: where to look for the cause.
    """

    code: str
    pattern: re.Pattern[str]
    meaning: str
    remedy: str
    look: Look = Look.NOWHERE


def _known(code: str, pattern: str, meaning: str, remedy: str, look: Look = Look.NOWHERE) -> KnownFailure:
    return KnownFailure(code, re.compile(pattern, re.IGNORECASE), meaning, remedy, look)


#: A warning and no failure: training goes on, on less than the manifest.
BATCH_COUNT = _known(
    "batch-count",  # 1097
    r"Expected number of batches: \d+,? did not match the number of batches processed: \d+",
    "The channel carried another number of images than num_training_samples says: lines were empty or could not be "
    "read, or the number was not counted on this manifest. The learning rate's schedule is off by as much.",
    "Let Prepare derive num_training_samples, and look at the lines that it kept out.",
    Look.COUNT,
)

KNOWN: tuple[KnownFailure, ...] = (
    _known(
        "empty-batch",  # 1283
        r"Got empty batch from pipe",
        "The algorithm found no usable image and label in a batch: lines lack one of the channel's AttributeNames, or "
        "the names are not in the order image, label.",
        "AttributeNames has to be [source-ref, label attribute]; correct or remove the lines that lack one of them.",
        Look.LINES,
    ),
    _known(
        "unparsable-record",  # 4056
        r"Unable to parse record",
        "The stream is not images and labels by turns in RecordIO frames.",
        "The channel needs ContentType application/x-recordio and RecordWrapperType RecordIO, and every line both "
        "attributes.",
        Look.LINES,
    ),
    _known(
        "no-magic-number",  # 562
        r"does not start with the magic number",
        "The channel's ContentType says RecordIO, but what it carries are bare images.",
        "Set RecordWrapperType to RecordIO on the channel (groundloop's own definition does).",
        Look.LINES,
    ),
    _known(
        "label-width",  # 643
        r"Invalid parameter value .?label_width",
        "label_width is too small for the image with the most boxes: it takes 5 per box and 2, the same for train and "
        "validation.",
        "Let Prepare derive label_width; if the image has boxes without end, look whether they are meant.",
        Look.BOXES,
    ),
    _known(
        "annotations",  # 2027
        r"Not enough annotation packed in the list file",
        "A label holds fewer than the five numbers of a box (class, left, top, right, bottom).",
        "Correct or remove the lines whose boxes lack a number.",
        Look.LINES,
    ),
    _known(
        "small-split",  # 1492
        r"number of input images must be bigger or equal to the mini_batch_size",
        "A split holds fewer images than one batch.",
        "Lower training.hyperparameters.mini_batch_size (parameter MiniBatchSize), or label more images.",
        Look.COUNT,
    ),
    _known(
        "channel-timeout",  # 1097, 1316
        r"pipe channel timed out",
        "The stream stood still for about an hour: an image could not be read, or the manifest is so large that its "
        "first pass takes too long.",
        "Look for images that are missing, forbidden or damaged; set prepare.check_images to open.",
        Look.IMAGES,
    ),
    BATCH_COUNT,
    _known(
        "out-of-memory",
        r"out of memory|cudaMalloc failed",
        "A batch does not fit the machine's memory.",
        "Lower training.hyperparameters.mini_batch_size or image_shape, or take a machine with more GPUs.",
    ),
    _known(
        "quota",
        r"ResourceLimitExceeded|account-level service limit",
        "The account's quota does not allow this machine (ml.p3 has 0 at first), or not another one of them.",
        "`groundloop doctor` says which types have quota; ask for more in Service Quotas.",
    ),
    _known(
        "capacity",
        r"CapacityError|InsufficientCapacity|Unable to provision requested ML compute capacity",
        "AWS has no machine of this type free in the region now; the quota is not the cause.",
        "Start again later, take another type, or raise execution.retry.capacity.",
    ),
    _known(
        "access",
        r"AccessDenied|not authorized to perform|Could not assume role|cannot assume the provided execution role",
        "The execution role may not do something that the job needs.",
        "`groundloop doctor` names the permissions that are missing, `groundloop doctor --policy` prints those needed.",
    ),
    _known(
        "no-input",
        r"No S3 objects found under S3 URL",
        "An input of the job is not in S3: the URI is misspelt, or nothing was uploaded there.",
        "Look at the URI in the message: labels.manifest (parameter InputManifest) for Prepare.",
    ),
    _known(
        "out-of-time",
        r"MaxRuntimeExceeded|MaxWaitTimeExceeded|MaxRuntimeInSeconds",
        "The job was stopped because its time was over.",
        "Raise max_runtime_minutes of the step, or with spot training.spot.max_wait_minutes; or take a faster machine.",
    ),
    _known(
        "no-package-index",
        r"groundloop: pip could not install",
        "The job has no way to a package index, so its requirements could not be installed.",
        "Give its subnets a way out (NAT), or set processing.image_uri to an image that holds the requirements and "
        "processing.requirements to preinstalled.",
    ),
)


def known_failures(text: str) -> list[KnownFailure]:
    """The known failures that a reason or log names, the most telling first."""
    return [failure for failure in KNOWN if failure.pattern.search(text)]
