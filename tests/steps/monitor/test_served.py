"""What the monitored endpoint serves, and why it can't be compared."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import pytest
from botocore.exceptions import ClientError

from groundloop.detections.drift.baseline import Baseline
from groundloop.errors import UserError
from groundloop.models.version_selection import ServedVariant
from steps.monitor import served as module
from steps.monitor.served import served
from tests.steps.monitor.conftest import ARN, package_of

CAPTURE = {"EnableCapture": True, "DestinationS3Uri": "s3://bucket/groundloop/capture"}


class SageMaker:
    """An endpoint with a config; None: there is no endpoint."""

    def __init__(self, capture: dict[str, Any] | None) -> None:
        self.capture = capture

    def describe_endpoint(self, **_: Any) -> dict[str, Any]:
        if self.capture is None:
            raise ClientError({"Error": {"Code": "ValidationException"}}, "DescribeEndpoint")
        return {"EndpointConfigName": "c", "DataCaptureConfig": self.capture}

    def describe_endpoint_config(self, **_: Any) -> dict[str, Any]:
        return {"CreationTime": datetime(2026, 11, 20, tzinfo=timezone.utc)}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, baseline: Baseline) -> SageMaker:
    """An endpoint that serves two variants, and captures."""
    sagemaker = SageMaker(CAPTURE)
    variants = [ServedVariant("A", "m", 1.0, ARN), ServedVariant("B", "n", 1.0, ARN)]
    monkeypatch.setattr(module, "client", lambda *_: sagemaker)
    monkeypatch.setattr(module, "served_variants", lambda *_: variants)
    monkeypatch.setattr(module, "champion", lambda *_: ARN)
    monkeypatch.setattr(module, "package", lambda *_: package_of())
    monkeypatch.setattr(module, "read_bytes", lambda *_: baseline.to_json())
    return sagemaker


def test_each_variant_has_its_requests_and_its_version(aws: SageMaker) -> None:
    found = served("us-east-1", "bolts", "detectors", None)
    assert [(one.name, one.captures) for one in found.variants] == [
        ("A", "s3://bucket/groundloop/capture/bolts/A"),
        ("B", "s3://bucket/groundloop/capture/bolts/B"),
    ]
    assert found.since == datetime(2026, 11, 20, tzinfo=timezone.utc)
    assert [one.answered(None) for one in found.variants] == [True, False], "unknown requests count once"


def test_without_an_endpoint_captured_requests_are_the_champions(aws: SageMaker) -> None:
    aws.capture = None
    (variant,) = served("us-east-1", "bolts", "detectors", "s3://elsewhere/captures").variants
    assert (variant.package.arn, variant.captures) == (ARN, "s3://elsewhere/captures")


@pytest.mark.parametrize(
    ("capture", "message"),
    [
        pytest.param(None, "there is no endpoint 'bolts' in us-east-1", id="no endpoint"),
        pytest.param({"EnableCapture": False}, "endpoint 'bolts' captures no requests", id="no data capture"),
    ],
)
def test_an_endpoint_that_cannot_be_compared(aws: SageMaker, capture: dict[str, Any] | None, message: str) -> None:
    aws.capture = capture
    with pytest.raises(UserError, match=message):
        served("us-east-1", "bolts", "detectors", None)


def test_a_version_without_a_baseline_has_a_remedy(aws: SageMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "package", lambda *_: replace(package_of(), baseline_uri=None))
    with pytest.raises(UserError, match=r"version 7 has no baseline to compare with.*Run the training pipeline again"):
        served("us-east-1", "bolts", "detectors", None)


def test_a_baseline_of_other_thresholds_is_refused(aws: SageMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    other = replace(package_of(), evaluation={"threshold": 0.4, "class_thresholds": {}})
    monkeypatch.setattr(module, "package", lambda *_: other)
    with pytest.raises(UserError, match=r"counts bolt from a score of 0\.5"):
        served("us-east-1", "bolts", "detectors", None)


def test_a_model_of_another_group_is_refused(aws: SageMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "served_variants", lambda *_: [ServedVariant("A", "theirs", 1.0, None)])
    with pytest.raises(UserError, match="serves model theirs, which is not a version of 'detectors'"):
        served("us-east-1", "bolts", "detectors", None)
