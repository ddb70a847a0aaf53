"""The endpoint as configured and as it serves. Upsert leaves it alone; the next deployment brings it there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pipeline.config import Config
from pipeline.deployment import Endpoint, describe_endpoint
from pipeline.plan.changes import Change, Sign


@dataclass(frozen=True)
class EndpointPlan:
    """What the next deployment changes. ``status`` empty: there is no endpoint yet; ``version``: what serves now."""

    name: str
    status: str
    version: int | None
    changes: list[Change]

    def as_json(self) -> dict[str, Any]:
        """For ``--json``; these keys stay."""
        return {
            "name": self.name,
            "status": self.status or None,
            "version": self.version,
            "changes": [change.as_json() for change in self.changes],
        }


def endpoint_plan(config: Config) -> EndpointPlan | None:
    """The endpoint against the configuration; None when nothing is ever deployed."""
    if config.deploy.mode == "never":
        return None
    name, standing = config.deploy.endpoint.name, describe_endpoint(config)
    if standing is None:
        return EndpointPlan(name, "", None, [])
    now, asked = _standing(config, standing), _asked(config)
    changes = []
    for path in dict.fromkeys([*now, *asked]):
        old, new = now.get(path), asked.get(path)
        if old != new:
            sign: Sign = "+" if old is None else "-" if new is None else "~"
            changes.append(Change(sign, "endpoint", name, path, old, new))
    return EndpointPlan(name, standing.status, standing.version, changes)


def _asked(config: Config) -> dict[str, str]:
    asked = config.deploy.endpoint
    kind = "serverless" if asked.serverless else "asynchronous" if asked.async_inference is not None else "real-time"
    machine = f"serverless, {asked.serverless.memory_mb} MB" if asked.serverless else asked.instance_type
    facts: dict[str, str] = {
        "kind": kind,
        "capture": f"{asked.data_capture_percent} %",
        f"{asked.variant_name} machine": machine,
    }
    if asked.serverless is None and asked.autoscaling is None:
        facts[f"{asked.variant_name} machines"] = str(asked.instance_count)
    for other in asked.additional_variants:
        facts[f"{other.name} machine"] = other.instance_type or asked.instance_type
        facts[f"{other.name} machines"] = str(other.instance_count)
    return facts


def _standing(config: Config, found: Endpoint) -> dict[str, str]:
    facts = {"kind": found.kind, "capture": f"{found.capture_percent} %"}
    for variant in found.variants:
        facts[f"{variant.name} machine"] = variant.machine
        scaled = variant.name == config.deploy.endpoint.variant_name and config.deploy.endpoint.autoscaling is not None
        if variant.instances is not None and not scaled:
            facts[f"{variant.name} machines"] = str(variant.instances)
    return facts
