"""What the monitored endpoint serves, and what is said where nothing can be compared."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from groundloop.detections.drift.baseline import Baseline
from groundloop.errors import UserError
from groundloop.models.version_selection import ServedVariant
from groundloop.spec.data_capture import CaptureSource
from steps.monitor import served as module
from steps.monitor.served import Served, served
from tests.steps.monitor.conftest import ARN, package_of

MADE = datetime(2026, 11, 20, tzinfo=timezone.utc)
CAPTURE = {"EnableCapture": True, "DestinationS3Uri": "s3://bucket/groundloop/capture"}


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch, baseline: Baseline) -> SimpleNamespace:
    """An account with an endpoint of two variants; tests change what it holds."""
    package = package_of()
    account = SimpleNamespace(
        endpoint={
            "EndpointConfigName": "config",
            "DataCaptureConfig": CAPTURE,
            "EndpointStatus": "InService",
            "LastModifiedTime": MADE + timedelta(minutes=12),
            "ProductionVariants": [
                {"VariantName": name, "CurrentInstanceCount": 2, "CurrentWeight": 0.5} for name in "AB"
            ],
        },
        variants=[ServedVariant("A", "model-a", 1, ARN), ServedVariant("B", "model-b", 1, ARN)],
        champion=ARN,
        package=package,
    )

    def describe_endpoint(**_: str) -> Any:
        if account.endpoint is None:
            raise ClientError(
                {"Error": {"Code": "ValidationException", "Message": "Could not find"}}, "DescribeEndpoint"
            )
        return account.endpoint

    variants = [{"VariantName": name, "InitialInstanceCount": 2, "InitialVariantWeight": 0.5} for name in "AB"]
    sagemaker = SimpleNamespace(
        describe_endpoint=describe_endpoint,
        describe_endpoint_config=lambda **_: {"CreationTime": MADE, "ProductionVariants": variants},
    )
    monkeypatch.setattr(module, "client", lambda *_: sagemaker)
    monkeypatch.setattr(module, "served_variants", lambda *_: account.variants)
    monkeypatch.setattr(module, "champion", lambda *_: account.champion)
    monkeypatch.setattr(module, "package", lambda *_: account.package)
    monkeypatch.setattr(module, "read_bytes", lambda *_: baseline.to_json())
    return account


def look_up(captures: str | None = None) -> Served:
    return served("us-east-1", "bolts", "detectors", captures)


def test_each_variant_has_its_own_captured_requests(account: SimpleNamespace) -> None:
    found = look_up()
    first, second = found.variants
    assert found.since == MADE + timedelta(minutes=12), "before, the update was rolling out"
    assert first.captures == "s3://bucket/groundloop/capture/bolts/A"
    assert (first.answered(None), second.answered(None)) == (True, False), "counted once"
    assert (first.answered(CaptureSource("bolts", "A")), first.answered(CaptureSource("bolts", "B"))) == (True, False)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"LastModifiedTime": MADE + timedelta(days=2)}, id="modified days later, by whatever"),
        pytest.param(
            {
                "ProductionVariants": [
                    {"VariantName": name, "CurrentInstanceCount": count, "CurrentWeight": 0.5}
                    for name, count in (("A", 2), ("B", 3))
                ]
            },
            id="scaled since",
        ),
        pytest.param({"EndpointStatus": "Updating"}, id="being updated"),
    ],
)
def test_a_later_change_does_not_cut_the_window(account: SimpleNamespace, change: dict[str, Any]) -> None:
    account.endpoint.update(change)
    assert look_up().since == MADE


def test_captures_elsewhere_are_the_champions_where_there_is_no_endpoint(account: SimpleNamespace) -> None:
    account.endpoint = None
    found = look_up("s3://elsewhere/captures")
    (champion,) = found.variants
    assert (champion.name, champion.captures, found.since) == ("champion", "s3://elsewhere/captures", None)
    assert champion.answered(CaptureSource("any", "variant"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(
            {"endpoint": None}, "there is no endpoint 'bolts' in us-east-1: deploy a version", id="no endpoint"
        ),
        pytest.param(
            {"endpoint": {"EndpointConfigName": "config"}},
            "captures no requests: set deploy.endpoint.data_capture_percent",
            id="no capture",
        ),
        pytest.param(
            {"variants": [ServedVariant("A", "foreign", 1, None)]},
            "serves model foreign, which is not a version of 'detectors'",
            id="another model",
        ),
        pytest.param(
            {"package": SimpleNamespace(version=3, baseline_uri=None)},
            "version 3 has no baseline to compare with: .* Run the training pipeline again",
            id="no baseline",
        ),
        pytest.param(
            {
                "package": SimpleNamespace(
                    version=3,
                    baseline_uri="s3://bucket/baseline.json",
                    classes=["bolt", "nut"],
                    thresholds={"bolt": 0.5, "nut": 0.6},
                )
            },
            "s3://bucket/baseline.json counts nut from a score of 0.5, but the model's threshold is 0.6",
            id="another threshold",
        ),
    ],
)
def test_what_cannot_be_compared_is_said(account: SimpleNamespace, change: dict[str, Any], message: str) -> None:
    vars(account).update(change)
    with pytest.raises(UserError, match=message):
        look_up()
