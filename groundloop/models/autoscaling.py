"""Autoscaling of an endpoint's variants.

SageMaker refuses an update that removes a variant, or changes its instance type, while the variant is registered as a
scalable target, and deregistering drops its scaling policies. So an update deregisters the targets first, and registers
them again if it fails.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_DIMENSION = "sagemaker:variant:DesiredInstanceCount"
_SERVICE = {"ServiceNamespace": "sagemaker", "ScalableDimension": _DIMENSION}
_POLICY = "groundloop"


@dataclass(frozen=True)
class ScalableTarget:
    """A registered scalable target and its policies, as the requests that register them again."""

    target: dict[str, Any]
    policies: list[dict[str, Any]]


class Scaling:
    """The scalable targets of one endpoint."""

    def __init__(self, client: Any, endpoint: str) -> None:
        self._client, self._endpoint = client, endpoint

    def _resource(self, variant: str) -> str:
        return f"endpoint/{self._endpoint}/variant/{variant}"

    def registered(self, variants: list[str]) -> list[ScalableTarget]:
        """Return the scalable targets of these variants, with their policies."""
        targets = self._client.describe_scalable_targets(
            ServiceNamespace="sagemaker",
            ScalableDimension=_DIMENSION,
            ResourceIds=[self._resource(name) for name in variants],
        )["ScalableTargets"]
        return [
            ScalableTarget(_as_request(target, _TARGET_MEMBERS), self._policies(target["ResourceId"]))
            for target in targets
        ]

    def _policies(self, resource: str) -> list[dict[str, Any]]:
        policies = self._client.describe_scaling_policies(**_SERVICE, ResourceId=resource)["ScalingPolicies"]
        return [_as_request(policy, _POLICY_MEMBERS) for policy in policies]

    def remove(self, registered: list[ScalableTarget]) -> None:
        """Deregister scalable targets; their policies are deleted with them."""
        for item in registered:
            self._client.deregister_scalable_target(**_SERVICE, ResourceId=item.target["ResourceId"])

    def restore(self, registered: list[ScalableTarget]) -> None:
        """Register scalable targets and their policies again."""
        for item in registered:
            self._client.register_scalable_target(**item.target)
            for policy in item.policies:
                self._client.put_scaling_policy(**policy)

    def apply(self, variant: str, settings: dict[str, Any]) -> None:
        """Register a variant as a scalable target with a target tracking policy.

        Args:
            variant: name of the variant.
            settings: `MinCapacity`, `MaxCapacity` and, under `Policy`, the target tracking configuration.
        """
        target = {**_SERVICE, "ResourceId": self._resource(variant)}
        tracking = dict(settings["Policy"])
        if metric := tracking.get("CustomizedMetricSpecification"):
            dimension = {"Name": "EndpointName", "Value": self._endpoint}
            tracking["CustomizedMetricSpecification"] = {**metric, "Dimensions": [dimension]}
        self._client.register_scalable_target(
            **target, MinCapacity=settings["MinCapacity"], MaxCapacity=settings["MaxCapacity"]
        )
        self._client.put_scaling_policy(
            **target,
            PolicyName=_POLICY,
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration=tracking,
        )


_TARGET_MEMBERS = (
    "ServiceNamespace",
    "ResourceId",
    "ScalableDimension",
    "MinCapacity",
    "MaxCapacity",
    "SuspendedState",
)
_POLICY_MEMBERS = (
    "PolicyName",
    "ServiceNamespace",
    "ResourceId",
    "ScalableDimension",
    "PolicyType",
    "StepScalingPolicyConfiguration",
    "TargetTrackingScalingPolicyConfiguration",
)


def _as_request(described: dict[str, Any], members: tuple[str, ...]) -> dict[str, Any]:
    """Return the members of a description that the request which creates the resource takes."""
    return {name: described[name] for name in members if name in described}
