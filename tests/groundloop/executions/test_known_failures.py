"""Errors that users of the built-in algorithm meet, as its logs have them, are known by their meaning."""

from __future__ import annotations

import pytest

from groundloop.executions.known_failures import KNOWN, EvidenceSource, known_failures


@pytest.mark.parametrize(
    ("log", "code", "source"),
    [
        pytest.param(
            "Customer Error: Got empty batch from pipe. Please check if the manifest file contains valid batches and "
            "the value of training job parameter AttributeNames matches attributes names in the augmented manifest",
            "empty-batch",
            EvidenceSource.LINES,
            id="no usable batch",
        ),
        pytest.param(
            "Unable to parse record. Please make sure input data is in correct recordio format",
            "unparsable-record",
            EvidenceSource.LINES,
            id="not RecordIO",
        ),
        pytest.param(
            "The Record IO header does not start with the magic number",
            "no-magic-number",
            EvidenceSource.LINES,
            id="bare images",
        ),
        pytest.param(
            "Customer Error: Invalid parameter value 'label_width'",
            "label-width",
            EvidenceSource.BOXES,
            id="too many boxes",
        ),
        pytest.param(
            "Not enough annotation packed in the list file or the RecordIO file. Each object requires at least five "
            "numbers",
            "annotations",
            EvidenceSource.LINES,
            id="a box without five numbers",
        ),
        pytest.param(
            "The number of input images must be bigger or equal to the mini_batch_size",
            "small-split",
            EvidenceSource.COUNT,
            id="a split smaller than a batch",
        ),
        pytest.param(
            "Platform Error: SageMaker pipe channel timed out.",
            "channel-timeout",
            EvidenceSource.IMAGES,
            id="a stream that stands",
        ),
        pytest.param(
            "[WARNING] Expected number of batches: 1932, did not match the number of batches processed: 616. This may "
            "happen when some images or annotations are invalid",
            "batch-count",
            EvidenceSource.COUNT,
            id="fewer batches than promised",
        ),
        pytest.param(
            "ResourceLimitExceeded: The account-level service limit 'ml.p3.2xlarge for training job usage' is 0 "
            "Instances, with current utilization of 0 Instances and a request delta of 1 Instances.",
            "quota",
            EvidenceSource.NONE,
            id="no quota",
        ),
        pytest.param(
            "CapacityError: Unable to provision requested ML compute capacity. Please retry later",
            "capacity",
            EvidenceSource.NONE,
            id="no capacity",
        ),
        pytest.param(
            "ClientError: Instance type ml.p3.2xlarge is not supported in this region",
            "instance-type",
            EvidenceSource.NONE,
            id="a type that the region does not offer",
        ),
        pytest.param(
            "ClientError: Data download failed: No S3 objects found under S3 URL 's3://b/k' given in input data",
            "no-input",
            EvidenceSource.NONE,
            id="nothing at the URI",
        ),
        pytest.param(
            "AccessDenied: User is not authorized to perform: s3:GetObject",
            "access",
            EvidenceSource.NONE,
            id="no permission",
        ),
        pytest.param(
            "src/storage/: cudaMalloc failed: out of memory", "out-of-memory", EvidenceSource.NONE, id="GPU memory"
        ),
        pytest.param(
            "ClientError: Please use an instance type with more memory, or reduce the size of job data processed on an "
            "instance., exit code: 137",
            "instance-memory",
            EvidenceSource.NONE,
            id="main memory",
        ),
        pytest.param(
            "ClientError: Artifact upload failed:ClientError: Out of Memory. Please use a larger instance",
            "instance-memory",
            EvidenceSource.NONE,
            id="main memory at the upload",
        ),
        pytest.param(
            "ClientError: Artifact upload failed:Insufficient disk space",
            "disk",
            EvidenceSource.NONE,
            id="the disk, by the platform",
        ),
        pytest.param(
            "OSError: [Errno 28] No space left on device", "disk", EvidenceSource.NONE, id="the disk, by the program"
        ),
        pytest.param(
            "ClientError: Failed to invoke sagemaker:CreateTrainingJob. Error Details: The requested resource "
            "training-job/ml.t3.medium is not available in this region\nRetry not appropriate on execution of step "
            "with PipelineExecutionArn arn:aws:sagemaker:eu-west-1:111122223333:pipeline/p/execution/q and "
            "StepId Train. No retry policy configured for the exception type SAGEMAKER_RESOURCE_LIMIT.",
            "instance-type",
            EvidenceSource.NONE,
            id="not in this region",
        ),
        pytest.param(
            "Instance type ml.c4.2xlarge is not supported by algorithm object-detection; only GPU instances",
            "instance-type",
            EvidenceSource.NONE,
            id="not for this algorithm",
        ),
        pytest.param(
            "ClientError: Failed to invoke sagemaker:CreateProcessingJob. Error Details: null",
            "no-details",
            EvidenceSource.NONE,
            id="a request rejected without a reason",
        ),
        pytest.param(
            "ClientError: Failed to invoke sagemaker:CreateProcessingJob. Error Details: User: "
            "arn:aws:sts::111122223333:assumed-role/r/sagemaker-pipeline-q-Prepare is not authorized to perform: "
            "sagemaker:AddTags on resource: "
            "arn:aws:sagemaker:eu-west-1:111122223333:processing-job/pipelines-q-Prepare-x because "
            "no identity-based policy allows the sagemaker:AddTags action",
            "access",
            EvidenceSource.NONE,
            id="no permission to tag",
        ),
        pytest.param(
            "ClientError: Failed to invoke sagemaker:CreateModelPackage. Error Details: Access denied for bucket: b, "
            "object key: model.tar.gz",
            "access",
            EvidenceSource.NONE,
            id="no permission to read the model",
        ),
        pytest.param(
            "The primary container for production variant AllTraffic did not pass the ping health check. Please check "
            "CloudWatch logs for this endpoint.",
            "ping",
            EvidenceSource.NONE,
            id="an endpoint that does not start",
        ),
        pytest.param(
            "AlgorithmError: Model container failed to respond to ping",
            "ping",
            EvidenceSource.NONE,
            id="a transform that does not start",
        ),
        pytest.param(
            "[sagemaker logs]: b/images/large.jpg: ClientError: 413",
            "too-large-payload",
            EvidenceSource.NONE,
            id="an image over the limit",
        ),
        pytest.param(
            "[sagemaker logs]: b/images/broken.jpg: Bad HTTP status received from algorithm: 500",
            "rejected-image",
            EvidenceSource.NONE,
            id="an image that the container fails on",
        ),
        pytest.param(
            "[sagemaker logs]: b/images/broken.jpg: Unable to get response from algorithm",
            "rejected-image",
            EvidenceSource.NONE,
            id="a container that dies of an image",
        ),
        pytest.param(
            "InternalServerError: We encountered an internal error. Please try again.",
            "internal-error",
            EvidenceSource.NONE,
            id="a fault of the service",
        ),
        pytest.param(
            "ValidationException: Could not access model data at s3://b/model.tar.gz. Please ensure that the role "
            '"arn:aws:iam::111122223333:role/r" exists',
            "model-data",
            EvidenceSource.NONE,
            id="a model that is not there",
        ),
        pytest.param("stopped: MaxRuntimeExceeded", "out-of-time", EvidenceSource.NONE, id="time is over"),
        pytest.param(
            "groundloop: pip could not install numpy==2.2.0",
            "no-package-index",
            EvidenceSource.NONE,
            id="no way to pip",
        ),
    ],
)
def test_a_known_error_is_recognised(log: str, code: str, source: EvidenceSource) -> None:
    found = known_failures(f"[11/21/2026 07:10:26 INFO] something else\n{log}\n")
    assert [(item.code, item.source) for item in found] == [(code, source)]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("#quality_metric: host=algo-1, epoch=1, validation mAP <score>=(0.17)", id="a metric"),
        pytest.param("label_width is 350", id="the name of a hyperparameter alone"),
    ],
)
def test_other_texts_are_not(text: str) -> None:
    assert known_failures(text) == []


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("CapacityError: Unable to provision requested ML compute capacity.", id="capacity"),
        pytest.param("ResourceLimitExceeded: 'ml.p3.2xlarge for training job usage' is 0 Instances", id="quota"),
        pytest.param("Instance type ml.p3.2xlarge is not supported in this region", id="not supported"),
    ],
)
def test_a_training_instance_that_cannot_be_had_names_one_that_can(text: str) -> None:
    (failure,) = known_failures(text)
    assert "--set training.instance_type=ml.g4dn.xlarge" in failure.remedy
    assert "groundloop doctor" in failure.remedy


def test_each_has_a_name_of_its_own_a_meaning_and_a_remedy() -> None:
    assert len({item.code for item in KNOWN}) == len(KNOWN)
    assert all(item.meaning.endswith(".") and item.remedy.endswith(".") for item in KNOWN)
