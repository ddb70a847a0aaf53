"""The endpoint as deployed against the configuration: reported, but not upsert's to change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pipeline.config import Config
from pipeline.plan.planning import make_plan
from pipeline.plan.rendering import change_lines

Configured = Callable[..., Config]


@pytest.fixture
def serving(deployed: Any) -> Any:
    """An endpoint of one ml.m5.xlarge whose model is version 1 of the group."""
    package = deployed.create_model_package(
        ModelPackageGroupName="groundloop",
        ModelApprovalStatus="Approved",
        InferenceSpecification={
            "Containers": [{"Image": "i:1", "ModelDataUrl": "s3://b/model.tar.gz"}],
            "SupportedContentTypes": ["image/jpeg"],
        },
    )["ModelPackageArn"]
    deployed.create_model(
        ModelName="m",
        PrimaryContainer={"ModelPackageName": package, "ModelDataUrl": "s3://b/model.tar.gz"},
        ExecutionRoleArn="arn:aws:iam::123456789012:role/r",
    )
    variant = {"VariantName": "AllTraffic", "ModelName": "m", "InitialInstanceCount": 1, "InstanceType": "ml.m5.xlarge"}
    deployed.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[variant])
    deployed.create_endpoint(EndpointName="groundloop", EndpointConfigName="c")
    return deployed


def endpoint_lines(config: Config) -> list[str]:
    return [
        line.strip()
        for line in change_lines(make_plan(config), None)
        if "endpoint groundloop" in line or "AllTraffic" in line
    ]


def test_an_endpoint_as_configured_is_one_line(serving: Any, configured: Configured) -> None:
    assert endpoint_lines(configured()) == ["endpoint groundloop: InService, serves version 1, as configured"]


def test_what_the_next_deployment_changes_is_told(serving: Any, configured: Configured) -> None:
    from pipeline.upsert import upsert_pipelines

    bigger = configured("deploy.endpoint={instance_type: ml.m5.2xlarge, instance_count: 2, data_capture_percent: 5}")
    upsert_pipelines(bigger)
    made = make_plan(bigger)
    assert made.endpoint is not None
    assert [(c.path, c.old, c.new) for c in made.endpoint.changes] == [
        ("data capture", "0 %", "5 %"),
        ("AllTraffic instance type", "ml.m5.xlarge", "ml.m5.2xlarge"),
        ("AllTraffic instance count", "1", "2"),
    ]
    assert not made.differs, "upsert has nothing to do for it"


def test_another_kind_of_endpoint_is_told(serving: Any, configured: Configured) -> None:
    made = make_plan(configured("deploy.endpoint.serverless={memory_mb: 4096, max_concurrency: 5}")).endpoint
    assert made is not None
    assert [(c.sign, c.path, c.new) for c in made.changes] == [
        ("~", "kind", "serverless"),
        ("~", "AllTraffic instance type", "serverless, 4096 MB"),
        ("-", "AllTraffic instance count", None),
    ]


def test_where_nothing_is_deployed_there_is_no_endpoint_to_tell_of(aws: Any, configured: Configured) -> None:
    assert make_plan(configured("deploy.mode=never")).endpoint is None
