"""A rollout against an AWS whose answers are given: what is asked, and what becomes of a failure."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from groundloop.errors import UserError
from groundloop.models.autoscaling import Scaling
from groundloop.models.desired_endpoint import DesiredEndpoint, desired_endpoint
from groundloop.models.rollout import BusyError, Rollout

PACKAGE = "arn:aws:sagemaker:us-east-1:111122223333:model-package/detectors/2"
INSTANCES = {"VariantName": "AllTraffic", "CurrentInstanceCount": 1}
SERVERLESS = {"VariantName": "AllTraffic", "CurrentServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 5}}
TRACKING = {
    "MinCapacity": 1,
    "MaxCapacity": 4,
    "Policy": {"TargetValue": 100.0, "ScaleOutCooldown": 60, "ScaleInCooldown": 300},
}


def rejected(code: str, message: str = "no") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "Operation")


class Service:
    """A client whose operations return what is given, raise an error, or return nothing; calls are kept."""

    def __init__(self, **answers: Any) -> None:
        self.answers, self.calls = answers, []  # type: tuple[dict[str, Any], list[tuple[str, dict[str, Any]]]]

    def __getattr__(self, operation: str) -> Any:
        def call(**members: Any) -> Any:
            self.calls.append((operation, members))
            answer = self.answers.get(operation, {})
            if isinstance(answer, list):
                answer = answer.pop(0) if len(answer) > 1 else answer[0]
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call

    def members(self, operation: str) -> list[dict[str, Any]]:
        return [members for name, members in self.calls if name == operation]


def described(config: str, variant: dict[str, Any] = INSTANCES, status: str = "InService") -> dict[str, Any]:
    return {"EndpointStatus": status, "EndpointConfigName": config, "ProductionVariants": [variant]}


def specified(variant: dict[str, Any], scaling: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "variants": [{"VariantName": "AllTraffic", **variant}],
        "model": {},
        "config": {},
        "tags": {},
        "project": "p",
        "rollout": {"BlueGreenUpdatePolicy": {}},
        "scaling": scaling,
    }


def prepared(
    specification: dict[str, Any], sagemaker: Service, autoscaling: Service, cloudwatch: Service | None = None
) -> tuple[Rollout, DesiredEndpoint, list[str]]:
    said: list[str] = []
    scaling = Scaling(autoscaling, cloudwatch or Service(), "bolts")
    rollout = Rollout(sagemaker, scaling, "bolts", specification, said.append, 0)
    return rollout, desired_endpoint(specification, "bolts", PACKAGE, "ml.m5.xlarge"), said


def scalable(registered: bool) -> Service:
    target = {"ServiceNamespace": "sagemaker", "ResourceId": "endpoint/bolts/variant/AllTraffic"}
    target["ScalableDimension"] = "sagemaker:variant:DesiredInstanceCount"
    return Service(
        describe_scalable_targets={"ScalableTargets": [{**target, "MinCapacity": 1, "MaxCapacity": 2}] * registered},
        describe_scaling_policies={"ScalingPolicies": []},
        put_scaling_policy={"PolicyARN": "arn:policy"},
    )


def test_an_instance_based_endpoint_cannot_become_serverless() -> None:
    sagemaker = Service()
    rollout, desired, _ = prepared(specified({"ServerlessConfig": {"MemorySizeInMB": 2048}}), sagemaker, Service())
    with pytest.raises(UserError, match="'bolts' is instance-based and can't become serverless: delete it"):
        rollout.roll_out(desired, described("old"))
    assert sagemaker.calls == [], "nothing was created for it"


def test_a_serverless_endpoint_that_gets_instances_is_a_one_way_street() -> None:
    rollout, desired, said = prepared(specified({}), sagemaker := Service(), scalable(False))
    sagemaker.answers["describe_endpoint"] = described(desired.name)
    assert rollout.roll_out(desired, described("old", SERVERLESS)) == ""
    assert "SageMaker can't change it back" in said[0]


def test_a_serverless_update_has_no_deployment_config_and_asks_for_no_scaling() -> None:
    rollout, desired, _ = prepared(
        specified({"ServerlessConfig": {"MemorySizeInMB": 2048}}), sagemaker := Service(), autoscaling := Service()
    )
    sagemaker.answers["describe_endpoint"] = described(desired.name, SERVERLESS)
    rollout.roll_out(desired, described("old", SERVERLESS))
    assert sagemaker.members("update_endpoint") == [{"EndpointName": "bolts", "EndpointConfigName": desired.name}]
    assert autoscaling.calls == []


@pytest.mark.parametrize(
    ("registered", "state"),
    [
        pytest.param(True, "as it was before", id="the earlier one is restored"),
        pytest.param(False, "incomplete", id="there was none"),
    ],
)
def test_a_failure_of_autoscaling_leaves_the_new_version_serving(registered: bool, state: str) -> None:
    autoscaling = scalable(registered)
    autoscaling.answers["put_scaling_policy"] = rejected("AccessDeniedException")
    rollout, desired, _ = prepared(specified({}, TRACKING), sagemaker := Service(), autoscaling)
    sagemaker.answers["describe_endpoint"] = described(desired.name)
    warning = rollout.roll_out(desired, described("old"))
    assert f"could not be set and is {state}" in warning
    assert "AccessDeniedException" in warning
    assert sagemaker.members("delete_model") == []
    assert len(autoscaling.members("register_scalable_target")) == 1 + registered


def test_what_exists_already_is_known_by_describing_it_not_by_the_text() -> None:
    sagemaker = Service(
        create_model=rejected("ValidationException", "in words that nobody knows"),
        create_endpoint_config=rejected("ValidationException"),
    )
    rollout, desired, _ = prepared(specified({}), sagemaker, scalable(False))
    sagemaker.answers["describe_endpoint"] = described(desired.name)
    assert rollout.roll_out(desired, None) == ""


@pytest.mark.parametrize(
    ("status", "error"),
    [
        pytest.param("Updating", BusyError, id="another deployment is in progress"),
        pytest.param("InService", ClientError, id="AWS rejects the update itself"),
    ],
)
def test_a_rejected_update_is_told_apart_by_the_endpoints_status(status: str, error: type[Exception]) -> None:
    sagemaker = Service(update_endpoint=rejected("ValidationException", "in words that nobody knows"))
    rollout, desired, _ = prepared(specified({}), sagemaker, scalable(True))
    sagemaker.answers["describe_endpoint"] = [described("old", status=status), described("old")]
    with pytest.raises(error):
        rollout.roll_out(desired, described("old"))


def test_from_zero_a_step_policy_and_an_alarm_start_the_first_instance() -> None:
    """Target tracking alone waits until the queue exceeds its target value."""
    autoscaling, cloudwatch = scalable(False), Service()
    rollout, desired, _ = prepared(specified({}, {**TRACKING, "MinCapacity": 0}), Service(), autoscaling, cloudwatch)
    assert rollout.scale(desired) == ""
    kinds = [members["PolicyType"] for members in autoscaling.members("put_scaling_policy")]
    assert kinds == ["TargetTrackingScaling", "StepScaling"]
    (alarm,) = cloudwatch.members("put_metric_alarm")
    assert (alarm["MetricName"], alarm["AlarmActions"]) == ("HasBacklogWithoutCapacity", ["arn:policy"])
    assert alarm["Dimensions"] == [{"Name": "EndpointName", "Value": "bolts"}]
