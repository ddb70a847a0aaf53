"""Whether the deployed endpoint can become what is configured."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest

from pipeline.doctor.endpoint import endpoint
from pipeline.doctor.findings import Level

Build = Callable[..., Any]
INSTANCES = {"CurrentInstanceCount": 1}
SERVERLESS = {"CurrentServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 5}}


@pytest.mark.parametrize(
    ("assignments", "variant", "level", "text"),
    [
        pytest.param([], INSTANCES, Level.OK, "can be updated", id="instances stay"),
        pytest.param(["deploy.endpoint.serverless={}"], SERVERLESS, Level.OK, "can be updated", id="serverless stays"),
        pytest.param(
            ["deploy.endpoint.serverless={}"], INSTANCES, Level.ERROR, "can't become serverless", id="to serverless"
        ),
        pytest.param([], SERVERLESS, Level.WARNING, "can't change it back", id="to instances"),
    ],
)
def test_conversions(
    scripted: Build, configured: Build, assignments: list[str], variant: dict[str, Any], level: Level, text: str
) -> None:
    now = datetime(2026, 11, 1, tzinfo=timezone.utc)
    description = {
        "EndpointName": "groundloop",
        "EndpointArn": "arn:aws:sagemaker:us-east-1:111122223333:endpoint/groundloop",
        "EndpointStatus": "InService",
        "CreationTime": now,
        "LastModifiedTime": now,
        "ProductionVariants": [{"VariantName": "AllTraffic", **variant}],
    }
    aws = scripted(sagemaker={"describe_endpoint": description})
    (finding,) = endpoint(configured(*assignments, "predict.max_payload_mb=4"), aws)
    assert finding.level is level
    assert text in finding.text


def test_images_that_the_endpoint_does_not_take(
    scripted: Build, configured: Build, refusal: Callable[..., Exception]
) -> None:
    aws = scripted(sagemaker={"describe_endpoint": refusal("ValidationException")})
    too_large, _ = endpoint(configured("predict={max_payload_mb: 10, max_concurrent_transforms: 1}"), aws)
    assert too_large.level is Level.WARNING
    assert too_large.text == "predict.max_payload_mb is 10, but a real-time endpoint takes images of at most 6 MB"


def test_no_endpoint_yet(scripted: Build, configured: Build, refusal: Callable[..., Exception]) -> None:
    aws = scripted(sagemaker={"describe_endpoint": refusal("ValidationException")})
    (finding,) = endpoint(configured(), aws)
    assert (finding.level, "does not exist yet" in finding.text) == (Level.OK, True)
