"""Autoscaling of an endpoint's variants.

AWS refuses an update that removes a variant, or changes its machine, while the variant is registered for scaling; and
deregistering drops its policies. So what was there is put aside before an update, and put back should it fail.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_DIMENSION = "sagemaker:variant:DesiredInstanceCount"
_SERVICE = {"ServiceNamespace": "sagemaker", "ScalableDimension": _DIMENSION}
_POLICY = "groundloop"


@dataclass(frozen=True)
class Registered:
    """A scalable target and its policies, as they can be registered again."""

    target: dict[str, Any]
    policies: list[dict[str, Any]]


class Scaling:
    """The scalable targets of one endpoint."""

    def __init__(self, client: Any, endpoint: str) -> None:
        self._client, self._endpoint = client, endpoint

    def _resource(self, variant: str) -> str:
        return f"endpoint/{self._endpoint}/variant/{variant}"

    def registered(self, variants: list[str]) -> list[Registered]:
        """What is registered of these variants."""
        targets = self._client.describe_scalable_targets(
            ServiceNamespace="sagemaker",
            ScalableDimension=_DIMENSION,
            ResourceIds=[self._resource(name) for name in variants],
        )["ScalableTargets"]
        return [Registered(_again(target, _TARGET), self._policies(target["ResourceId"])) for target in targets]

    def _policies(self, resource: str) -> list[dict[str, Any]]:
        found = self._client.describe_scaling_policies(**_SERVICE, ResourceId=resource)["ScalingPolicies"]
        return [_again(policy, _POLICIES) for policy in found]

    def remove(self, registered: list[Registered]) -> None:
        """Deregister; their policies go with them."""
        for item in registered:
            self._client.deregister_scalable_target(**_SERVICE, ResourceId=item.target["ResourceId"])

    def restore(self, registered: list[Registered]) -> None:
        """Register again what was removed."""
        for item in registered:
            self._client.register_scalable_target(**item.target)
            for policy in item.policies:
                self._client.put_scaling_policy(**policy)

    def apply(self, variant: str, wanted: dict[str, Any]) -> None:
        """Register a variant with the given bounds and policy (``steps.deploy.requests.scaling``)."""
        place = {**_SERVICE, "ResourceId": self._resource(variant)}
        tracking = dict(wanted["Policy"])
        if metric := tracking.get("CustomizedMetricSpecification"):
            dimension = {"Name": "EndpointName", "Value": self._endpoint}
            tracking["CustomizedMetricSpecification"] = {**metric, "Dimensions": [dimension]}
        self._client.register_scalable_target(
            **place, MinCapacity=wanted["MinCapacity"], MaxCapacity=wanted["MaxCapacity"]
        )
        self._client.put_scaling_policy(
            **place,
            PolicyName=_POLICY,
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration=tracking,
        )


_TARGET = ("ServiceNamespace", "ResourceId", "ScalableDimension", "MinCapacity", "MaxCapacity", "SuspendedState")
_POLICIES = (
    "PolicyName",
    "ServiceNamespace",
    "ResourceId",
    "ScalableDimension",
    "PolicyType",
    "StepScalingPolicyConfiguration",
    "TargetTrackingScalingPolicyConfiguration",
)


def _again(described: dict[str, Any], members: tuple[str, ...]) -> dict[str, Any]:
    """The members of a description that the request which makes it takes."""
    return {name: described[name] for name in members if name in described}
