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
_FROM_ZERO_POLICY = "groundloop-from-zero"
#: Beginning of the name of the alarm that starts the first instance; the endpoint's name and `/<variant>` follow.
BACKLOG_ALARM_PREFIX = "groundloop-backlog-"


@dataclass(frozen=True)
class ScalableTarget:
    """A registered scalable target and its policies, as the requests that register them again."""

    target: dict[str, Any]
    policies: list[dict[str, Any]]


class Scaling:
    """The scalable targets of one endpoint.

    Args:
        client: a boto3 client of Application Auto Scaling.
        cloudwatch: a boto3 client of CloudWatch, for the alarm of an endpoint that scales to zero instances.
        endpoint: name of the endpoint.
    """

    def __init__(self, client: Any, cloudwatch: Any, endpoint: str) -> None:
        self._client, self._cloudwatch, self._endpoint = client, cloudwatch, endpoint

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
        """Deregister scalable targets; their policies, and the alarms of these, are deleted with them."""
        for item in registered:
            resource = item.target["ResourceId"]
            self._client.deregister_scalable_target(**_SERVICE, ResourceId=resource)
            if any(policy["PolicyName"] == _FROM_ZERO_POLICY for policy in item.policies):
                self._cloudwatch.delete_alarms(AlarmNames=[self._alarm_name(resource)])

    def restore(self, registered: list[ScalableTarget]) -> None:
        """Register scalable targets and their policies again."""
        for item in registered:
            self._client.register_scalable_target(**item.target)
            for policy in item.policies:
                self._put_policy(policy)

    def apply(self, variant: str, settings: dict[str, Any]) -> None:
        """Register a variant as a scalable target with a target tracking policy.

        With `MinCapacity` 0 target tracking alone starts an instance only when the queue exceeds the target value, so a
        step scaling policy and an alarm on `HasBacklogWithoutCapacity` start the first one ("Autoscale an asynchronous
        endpoint" in the SageMaker developer guide).

        Args:
            variant: name of the variant.
            settings: `MinCapacity`, `MaxCapacity` and, under `Policy`, the target tracking configuration.
        """
        target = {**_SERVICE, "ResourceId": self._resource(variant)}
        tracking = dict(settings["Policy"])
        if metric := tracking.get("CustomizedMetricSpecification"):
            tracking["CustomizedMetricSpecification"] = {**metric, "Dimensions": self._dimensions}
        self._client.register_scalable_target(
            **target, MinCapacity=settings["MinCapacity"], MaxCapacity=settings["MaxCapacity"]
        )
        self._put_policy(
            {
                **target,
                "PolicyName": _POLICY,
                "PolicyType": "TargetTrackingScaling",
                "TargetTrackingScalingPolicyConfiguration": tracking,
            }
        )
        if settings["MinCapacity"] == 0:
            step = {"MetricIntervalLowerBound": 0.0, "ScalingAdjustment": 1}
            self._put_policy(
                {
                    **target,
                    "PolicyName": _FROM_ZERO_POLICY,
                    "PolicyType": "StepScaling",
                    "StepScalingPolicyConfiguration": {
                        "AdjustmentType": "ChangeInCapacity",
                        "MetricAggregationType": "Average",
                        "Cooldown": tracking["ScaleOutCooldown"],
                        "StepAdjustments": [step],
                    },
                }
            )
        else:
            self._remove_from_zero(target)

    @property
    def _dimensions(self) -> list[dict[str, str]]:
        return [{"Name": "EndpointName", "Value": self._endpoint}]

    def _alarm_name(self, resource: str) -> str:
        return f"{BACKLOG_ALARM_PREFIX}{self._endpoint}/{resource.rsplit('/', 1)[-1]}"

    def _put_policy(self, policy: dict[str, Any]) -> None:
        arn = self._client.put_scaling_policy(**policy)["PolicyARN"]
        if policy["PolicyName"] != _FROM_ZERO_POLICY:
            return
        # Application Auto Scaling creates the alarms of target tracking policies only. A policy that is put again has
        # another ARN, so the alarm is put with it.
        self._cloudwatch.put_metric_alarm(
            AlarmName=self._alarm_name(policy["ResourceId"]),
            AlarmDescription=f"Endpoint {self._endpoint} has requests in its queue and no instance.",
            Namespace="AWS/SageMaker",
            MetricName="HasBacklogWithoutCapacity",
            Dimensions=self._dimensions,
            Statistic="Average",
            Period=60,
            EvaluationPeriods=2,
            DatapointsToAlarm=2,
            Threshold=1,
            ComparisonOperator="GreaterThanOrEqualToThreshold",
            TreatMissingData="missing",
            AlarmActions=[arn],
        )

    def _remove_from_zero(self, target: dict[str, str]) -> None:
        """Delete the step scaling policy and its alarm that an earlier configuration has left."""
        policies = self._policies(target["ResourceId"])
        if any(policy["PolicyName"] == _FROM_ZERO_POLICY for policy in policies):
            self._client.delete_scaling_policy(**target, PolicyName=_FROM_ZERO_POLICY)
            self._cloudwatch.delete_alarms(AlarmNames=[self._alarm_name(target["ResourceId"])])


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
