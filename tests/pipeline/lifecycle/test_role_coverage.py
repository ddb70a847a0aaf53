"""The printed role policy allows every call that the Deploy job makes, whatever is configured."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import boto3
import pytest

from pipeline.doctor.role_policy import statements
from tests.fixtures.recorded_calls import JOB_KEY, CallRecorder, covered, covered_by_chance

FROM_ZERO = (
    "deploy.endpoint.async_inference={}",
    "deploy.endpoint.autoscaling={min_instances: 0, max_instances: 2, target: 4}",
)
SCALED = ("deploy.endpoint.autoscaling={min_instances: 2, max_instances: 6, target: 300}",)
SERVERLESS = ("deploy.endpoint.serverless={memory_mb: 2048}",)


pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def job_client() -> Callable[[str], Any]:
    """Makes clients of the jobs' own, whose calls are recorded."""
    session = boto3.Session(aws_access_key_id=JOB_KEY, aws_secret_access_key="testing", region_name="us-east-1")
    return functools.cache(session.client)


def policy_of(project: Any) -> list[dict[str, Any]]:
    return [statement.json() for statement in statements(project.config, [])]


def deploy(project: Any, groundloop: Any, assignments: tuple[str, ...], *, broken: bool = False) -> Any:
    changed = project.changed(*assignments)
    changed.upsert()
    project.register(status="Approved", broken=broken)
    assert groundloop("deploy", given=changed).code == (1 if broken else 0)
    return changed


@pytest.mark.parametrize(
    "assignments",
    [
        pytest.param((), id="plain"),
        pytest.param(SCALED, id="autoscaling"),
        pytest.param(FROM_ZERO, id="asynchronous, from zero"),
        pytest.param(SERVERLESS, id="serverless"),
    ],
)
def test_deployments_and_a_failed_one_are_allowed(
    project: Any, groundloop: Any, recorded_calls: CallRecorder, assignments: tuple[str, ...]
) -> None:
    for broken in (False, True):
        changed = deploy(project, groundloop, assignments, broken=broken)
    policy = policy_of(changed)
    calls = recorded_calls.calls
    actions = {call.action for call in calls}
    assert {
        "sagemaker:CreateEndpoint",
        "sagemaker:UpdateEndpoint",
        "sagemaker:DeleteModel",
        "sagemaker:AddTags",
    } <= actions
    if assignments in (SCALED, FROM_ZERO):
        assert "application-autoscaling:PutScalingPolicy" in actions
    assert [call for call in calls if not covered(call, policy)] == []
    assert [call for call in calls if covered_by_chance(call, policy)] == [], "a removed action would go unnoticed"


def test_autoscaling_that_is_switched_off_is_allowed_to_go(
    project: Any, groundloop: Any, recorded_calls: CallRecorder
) -> None:
    deploy(project, groundloop, FROM_ZERO)
    recorded_calls.calls.clear()
    plain = deploy(project, groundloop, ("deploy.endpoint.async_inference={}",))
    actions = {call.action for call in recorded_calls.calls}
    assert {"application-autoscaling:DeregisterScalableTarget", "cloudwatch:DeleteAlarms"} <= actions
    assert [call for call in recorded_calls.calls if not covered(call, policy_of(plain))] == []
