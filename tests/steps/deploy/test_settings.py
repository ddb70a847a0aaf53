"""Which endpoints and rollouts go together, and which don't."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from steps.deploy.settings import DeploySettings

CANARY = {"traffic": "canary", "step_percent": 20}


@pytest.mark.parametrize(
    ("endpoint", "rollout", "message"),
    [
        pytest.param(
            {"serverless": {}, "autoscaling": {"max_instances": 2, "target": 1}},
            {},
            "autoscaling",
            id="serverless scales itself",
        ),
        pytest.param({"serverless": {}, "async_inference": {}}, {}, "async_inference", id="serverless or asynchronous"),
        pytest.param(
            {"serverless": {}, "data_capture_percent": 5}, {}, "data_capture_percent", id="serverless captures nothing"
        ),
        pytest.param(
            {"serverless": {}, "additional_variants": [{"name": "B", "package": 2, "weight": 1}]},
            {},
            "additional_variants",
            id="serverless has one variant",
        ),
        pytest.param({"serverless": {}}, CANARY, "needs instances", id="serverless by parts"),
        pytest.param({"serverless": {"memory_mb": 3000}}, {}, "1024", id="memory in steps of 1024"),
        pytest.param(
            {"serverless": {"max_concurrency": 2, "provisioned_concurrency": 3}},
            {},
            "is over max_concurrency",
            id="more warm than all",
        ),
        pytest.param({}, CANARY, "instance_count of at least 2", id="a part of one instance"),
        pytest.param(
            {"instance_count": 2},
            {"traffic": "linear", "step_percent": 5},
            "10 to 50 percent",
            id="linear in tiny steps",
        ),
        pytest.param(
            {"instance_count": 2},
            {"traffic": "canary", "step_percent": 60},
            "less than or equal to 50",
            id="a canary of more than half",
        ),
        pytest.param(
            {"instance_count": 2},
            {"traffic": "linear", "wait_interval_minutes": 10},
            "too short: 10 x wait_interval_minutes",
            id="longer than the timeout",
        ),
        pytest.param({}, {"alarms": ["errors"]}, "give termination_wait_minutes", id="alarms that nobody watches"),
        pytest.param(
            {"autoscaling": {"min_instances": 3, "max_instances": 2, "target": 1}},
            {},
            "over max_instances",
            id="least over most",
        ),
        pytest.param(
            {"autoscaling": {"min_instances": 0, "max_instances": 2, "target": 1}},
            {},
            "needs an asynchronous",
            id="no instance at all",
        ),
        pytest.param(
            {"additional_variants": [{"name": "AllTraffic", "package": 2, "weight": 1}]},
            {},
            "two variants are named 'AllTraffic'",
            id="one name twice",
        ),
        pytest.param(
            {"additional_variants": [{"name": "B", "package": "latest", "weight": 1}]},
            {},
            "package",
            id="neither version nor ARN",
        ),
        pytest.param(
            {"additional_variants": [{"name": "B", "package": 2, "weight": 0}]},
            {},
            "greater than 0",
            id="a variant without requests",
        ),
    ],
)
def test_what_can_not_be_made_is_refused(endpoint: dict[str, Any], rollout: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        DeploySettings.model_validate({"endpoint": endpoint, "rollout": rollout})


@pytest.mark.parametrize(
    ("endpoint", "rollout", "needs_job"),
    [
        pytest.param({}, {}, False, id="a plain endpoint"),
        pytest.param({"serverless": {"provisioned_concurrency": 2}}, {}, False, id="serverless"),
        pytest.param({"async_inference": {}, "data_capture_percent": 10}, {}, False, id="asynchronous with capture"),
        pytest.param({"instance_count": 4}, CANARY, True, id="canary"),
        pytest.param({}, {"alarms": ["errors"], "termination_wait_minutes": 5}, True, id="alarms"),
        pytest.param({"additional_variants": [{"name": "B", "package": 2, "weight": 0.1}]}, {}, True, id="variants"),
        pytest.param({"autoscaling": {"max_instances": 2, "target": 300}}, {}, True, id="autoscaling"),
        pytest.param(
            {"async_inference": {}, "autoscaling": {"min_instances": 0, "max_instances": 2, "target": 3}}, {}, True,
            id="down to no instance",
        ),
    ],
)  # fmt: skip
def test_what_can_be_made_knows_whether_steps_suffice(
    endpoint: dict[str, Any], rollout: dict[str, Any], needs_job: bool
) -> None:
    assert DeploySettings.model_validate({"endpoint": endpoint, "rollout": rollout}).needs_job is needs_job
