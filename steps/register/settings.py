"""Settings of Register: the model package and its approval."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from steps.settings import InstanceType, ResourceName, Settings


class RegistrySettings(Settings):
    """Settings of the Register step."""

    group: ResourceName = Field("groundloop", description="Model package group; made by upsert when absent.")
    approval_status: Literal["PendingManualApproval", "Approved", "Rejected"] = Field(
        "PendingManualApproval", description="Status of a new version."
    )
    inference_instance_types: list[InstanceType] = Field(
        ["ml.m5.xlarge", "ml.m5.2xlarge", "ml.c5.xlarge", "ml.g4dn.xlarge"],
        min_length=1,
        description="Machines that the package may be hosted on.",
    )
    transform_instance_types: list[InstanceType] = Field(
        ["ml.m5.xlarge", "ml.m5.2xlarge", "ml.g4dn.xlarge"],
        min_length=1,
        description="Machines that the package may be used for Batch Transform on.",
    )
