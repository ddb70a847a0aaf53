"""Settings of deployment: when, and what endpoint."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from steps.settings import InstanceType, ResourceName, Settings


class EndpointSettings(Settings):
    """The real-time endpoint."""

    name: ResourceName = Field("groundloop", description="Endpoint that is created, or updated when it exists.")
    variant: ResourceName = Field("AllTraffic", description="Name of the production variant.")
    instance_type: InstanceType = Field("ml.m5.xlarge", description="Machine, CPU or GPU.")
    instance_count: int = Field(1, ge=1, le=100, description="Machines.")
    capture_percent: int = Field(
        0, ge=0, le=100, description="Share of requests whose data is captured to S3; 0: data capture is off."
    )


class DeploySettings(Settings):
    """Settings of the deploy steps and of the deploy pipeline."""

    mode: Literal["on_pass", "on_approval", "never"] = Field(
        "on_approval",
        description="on_pass: at once when the gate passes; on_approval: by the deploy pipeline; never: not at all.",
    )
    endpoint: EndpointSettings = Field(EndpointSettings(), description="The endpoint.")
