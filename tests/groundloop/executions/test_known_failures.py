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
            id="no machine free",
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


def test_each_has_a_name_of_its_own_a_meaning_and_a_remedy() -> None:
    assert len({item.code for item in KNOWN}) == len(KNOWN)
    assert all(item.meaning.endswith(".") and item.remedy.endswith(".") for item in KNOWN)
