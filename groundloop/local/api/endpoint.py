"""An endpoint, whose variants are model servers on this machine."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from groundloop.local.context import now
from groundloop.local.data_capture import DataCapture
from groundloop.local.serving import ModelServer


@dataclass
class Variant:
    """A production variant with its model server."""

    name: str
    weight: float
    described: dict[str, Any]
    server: ModelServer


@dataclass
class Endpoint:
    """An endpoint with its variants."""

    name: str
    arn: str
    config: str
    status: str = "Creating"
    failure_reason: str | None = None
    variants: list[Variant] = field(default_factory=list)
    deployment: dict[str, Any] | None = None
    asynchronous: dict[str, Any] | None = None
    capture: dict[str, Any] | None = None
    data_capture: DataCapture | None = None
    created: datetime = field(default_factory=now)
    modified: datetime = field(default_factory=now)
    deleted: threading.Event = field(default_factory=threading.Event)

    def describe(self) -> dict[str, Any]:
        """Return the answer of DescribeEndpoint."""
        variants = [
            {
                "VariantName": variant.name,
                "CurrentWeight": variant.weight,
                "DesiredWeight": variant.weight,
                "CurrentInstanceCount": variant.described.get("InitialInstanceCount"),
                "DesiredInstanceCount": variant.described.get("InitialInstanceCount"),
                "CurrentServerlessConfig": variant.described.get("ServerlessConfig"),
                "DesiredServerlessConfig": variant.described.get("ServerlessConfig"),
            }
            for variant in self.variants
        ]
        return {
            "EndpointName": self.name,
            "EndpointArn": self.arn,
            "EndpointConfigName": self.config,
            "EndpointStatus": self.status,
            "FailureReason": self.failure_reason,
            "ProductionVariants": variants or None,
            "DataCaptureConfig": self._capture_summary(),
            "LastDeploymentConfig": self.deployment,
            "AsyncInferenceConfig": self.asynchronous,
            "CreationTime": self.created,
            "LastModifiedTime": self.modified,
        }

    def _capture_summary(self) -> dict[str, Any] | None:
        """Return the DataCaptureConfigSummary."""
        configured = self.capture
        if not configured:
            return None
        return {
            "EnableCapture": self.data_capture is not None,
            "CaptureStatus": "Started" if self.data_capture else "Stopped",
            "CurrentSamplingPercentage": configured["InitialSamplingPercentage"],
            "DestinationS3Uri": configured["DestinationS3Uri"],
            "KmsKeyId": configured.get("KmsKeyId", ""),
        }
