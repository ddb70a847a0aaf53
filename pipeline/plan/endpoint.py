"""The endpoint as configured and as deployed. Upsert does not change it; the next deployment does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pipeline.config import Config
from pipeline.deployment import Endpoint, describe_endpoint
from pipeline.plan.changes import Change, Sign


@dataclass(frozen=True)
class EndpointPlan:
    """What the next deployment changes.

    Attributes:
        status: of the endpoint; empty when there is none yet.
        version: the version that is served now.
    """

    name: str
    status: str
    version: int | None
    changes: list[Change]

    def as_json(self) -> dict[str, Any]:
        """Return plain values for `--json`; the keys are stable."""
        return {
            "name": self.name,
            "status": self.status or None,
            "version": self.version,
            "changes": [change.as_json() for change in self.changes],
        }


def endpoint_plan(config: Config) -> EndpointPlan | None:
    """Compare the endpoint with the configuration; None when `deploy.mode` is `never`."""
    if config.deploy.mode == "never":
        return None
    name, deployed = config.deploy.endpoint.name, describe_endpoint(config)
    if deployed is None:
        return EndpointPlan(name, "", None, [])
    current, desired = _deployed_settings(config, deployed), _desired_settings(config)
    changes = []
    for path in dict.fromkeys([*current, *desired]):
        old, new = current.get(path), desired.get(path)
        if old != new:
            sign: Sign = "+" if old is None else "-" if new is None else "~"
            changes.append(Change(sign, "endpoint", name, path, old, new))
    return EndpointPlan(name, deployed.status, deployed.version, changes)


def _desired_settings(config: Config) -> dict[str, str]:
    endpoint = config.deploy.endpoint
    kind = "real-time"
    instance_type = endpoint.instance_type
    if endpoint.serverless:
        kind, instance_type = "serverless", f"serverless, {endpoint.serverless.memory_mb} MB"
    elif endpoint.async_inference is not None:
        kind = "asynchronous"
    settings = {
        "kind": kind,
        "data capture": f"{endpoint.data_capture_percent} %",
        f"{endpoint.variant_name} instance type": instance_type,
    }
    if endpoint.serverless is None and endpoint.autoscaling is None:
        settings[f"{endpoint.variant_name} instance count"] = str(endpoint.instance_count)
    for variant in endpoint.additional_variants:
        settings[f"{variant.name} instance type"] = variant.instance_type or endpoint.instance_type
        settings[f"{variant.name} instance count"] = str(variant.instance_count)
    return settings


def _deployed_settings(config: Config, deployed: Endpoint) -> dict[str, str]:
    settings = {"kind": deployed.kind, "data capture": f"{deployed.data_capture_percent} %"}
    endpoint = config.deploy.endpoint
    for variant in deployed.variants:
        settings[f"{variant.name} instance type"] = variant.instance_type
        autoscaled = variant.name == endpoint.variant_name and endpoint.autoscaling is not None
        if variant.instance_count is not None and not autoscaled:
            settings[f"{variant.name} instance count"] = str(variant.instance_count)
    return settings
