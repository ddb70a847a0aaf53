"""Quotas by instance type and use, and what to take instead."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from pipeline.doctor.findings import AccountFinding, Level
from pipeline.doctor.quotas import needs, quotas

Build = Callable[..., Any]
PLENTY = {
    "ml.m5.xlarge for processing job usage": 4,
    "ml.p3.2xlarge for training job usage": 4,
    "ml.m5.xlarge for transform job usage": 4,
    "ml.m5.xlarge for endpoint usage": 4,
}


@pytest.fixture
def configured(configured: Build) -> Build:
    """The configuration of an account that trains on the default instance type, which EC2 retires."""
    return lambda *assignments: configured("training.instance_type=ml.p3.2xlarge", *assignments)


def page(quota_values: Mapping[str, float]) -> dict[str, Any]:
    items = [
        {"QuotaName": name, "Value": value, "QuotaCode": f"L-{i}"}
        for i, (name, value) in enumerate(quota_values.items())
    ]
    return {"Quotas": items}


def found(
    scripted: Build,
    config: Any,
    applied: Mapping[str, float],
    default: Mapping[str, float] | None = None,
    offered: tuple[str, ...] | Exception = ("p3.2xlarge", "g4dn.xlarge", "g5.xlarge"),
) -> dict[str, AccountFinding]:
    answers = {"list_service_quotas": page(applied), "list_aws_default_service_quotas": page(default or {})}
    aws = scripted(service_quotas=answers, ec2={"describe_instance_type_offerings": offerings(offered)})
    return {finding.check: finding for finding in quotas(config, aws)}


def offerings(names: tuple[str, ...] | Exception) -> Any:
    if isinstance(names, Exception):
        return names
    return {"InstanceTypeOfferings": [{"InstanceType": name, "LocationType": "region"} for name in names]}


def test_enough_of_each(scripted: Build, configured: Build) -> None:
    result = found(scripted, configured(), PLENTY)
    assert [finding.level for finding in result.values()] == [Level.OK] * 4
    assert result["quota, training job"].text == "ml.p3.2xlarge: quota 4, needed 1"


@pytest.mark.parametrize(
    ("quota_values", "remedy"),
    [
        pytest.param(
            {"ml.g4dn.xlarge": 2, "ml.g5.xlarge": 2},
            "use --set training.instance_type=ml.g4dn.xlarge (quota 2)",
            id="g4dn",
        ),
        pytest.param(
            {"ml.g4dn.xlarge": 0, "ml.g5.xlarge": 1}, "use --set training.instance_type=ml.g5.xlarge (quota 1)", id="g5"
        ),
        pytest.param(
            {"ml.g4dn.xlarge": 0, "ml.g4dn.2xlarge": 3},
            "use --set training.instance_type=ml.g4dn.2xlarge (quota 3)",
            id="a larger one",
        ),
        pytest.param(
            {"ml.g4dn.xlarge": 0, "ml.g5.xlarge": 0},
            "no usual type has quota; for ml.g4dn.xlarge, request an increase: aws service-quotas "
            "request-service-quota-increase --service-code sagemaker --quota-code L-4 --desired-value 1, then --set "
            "training.instance_type=ml.g4dn.xlarge",
            id="none",
        ),
        pytest.param(
            {},
            "no usual type has quota: request one in Service Quotas, then set training.instance_type",
            id="not listed",
        ),
    ],
)
def test_without_p3_the_assignment_that_works_is_named(
    scripted: Build, configured: Build, quota_values: dict[str, float], remedy: str
) -> None:
    others = {f"{name} for training job usage": value for name, value in quota_values.items()}
    nothing = {"ml.p3.2xlarge for training job usage": 0}
    finding = found(scripted, configured(), {**PLENTY, **others, **nothing})["quota, training job"]
    assert (finding.level, finding.remedy) == (Level.ERROR, remedy)
    assert finding.text == "ml.p3.2xlarge: quota 0, needed 1; EC2 retires the generation of ml.p3.2xlarge"


def test_a_training_instance_that_ec2_does_not_offer(scripted: Build, configured: Build) -> None:
    """An old quota stays in the list when a generation is gone."""
    quota_values = {**PLENTY, "ml.g4dn.xlarge for training job usage": 1, "ml.g5.xlarge for training job usage": 1}
    finding = found(scripted, configured(), quota_values, offered=("g5.xlarge",))["quota, training job"]
    assert finding.level is Level.ERROR
    assert "EC2 does not offer p3.2xlarge in us-east-1" in finding.text
    assert finding.remedy == "use --set training.instance_type=ml.g5.xlarge (quota 1)"


def test_without_ec2s_answer_a_retired_generation_is_a_warning(
    scripted: Build, configured: Build, refusal: Callable[..., Exception]
) -> None:
    denied = refusal("UnauthorizedOperation", 403)
    finding = found(scripted, configured(), PLENTY, offered=denied)["quota, training job"]
    assert finding.level is Level.WARNING
    assert "EC2 retires the generation" in finding.text


@pytest.mark.parametrize(
    ("minutes", "level"),
    [
        pytest.param(7200, None, id="within the default of every account"),
        pytest.param(7201, Level.ERROR, id="longer than the quota"),
    ],
)
def test_the_run_time_is_compared_with_its_quota(
    scripted: Build, configured: Build, minutes: int, level: Level | None
) -> None:
    config = configured(f"training.max_runtime_minutes={minutes}")
    findings = found(scripted, config, {**PLENTY, "Longest run time for a training job": 432000})
    finding = findings.get("quota, run time")
    assert (finding and finding.level) is level
    if finding:
        assert finding.remedy.startswith("set training.max_runtime_minutes to at most 7200, or request an increase")


def test_a_search_needs_the_instances_of_all_its_parallel_jobs(scripted: Build, configured: Build) -> None:
    search = "training.tuning={enabled: true, jobs: 12, parallel_jobs: 3}"
    config = configured(search, "training.instance_count=2", "training.hyperparameters.kv_store=dist_sync")
    result = found(scripted, config, PLENTY)["quota, training job"]
    assert result.text.startswith("ml.p3.2xlarge: quota 4, needed 6")
    assert result.level is Level.ERROR


def test_spot_has_a_quota_of_its_own(scripted: Build, configured: Build) -> None:
    config = configured("training.spot.enabled=true")
    result = found(scripted, config, {**PLENTY, "ml.p3.2xlarge for spot training job usage": 0})
    assert result["quota, spot training job"].level is Level.ERROR


def test_a_type_that_the_region_does_not_offer(scripted: Build, configured: Build) -> None:
    config = configured("predict.instance_type=ml.x9.xlarge")
    result = found(scripted, config, PLENTY)["quota, transform job"]
    assert result.level is Level.ERROR
    assert result.text == "us-east-1 does not offer ml.x9.xlarge for this use"
    assert result.remedy == "use --set predict.instance_type=ml.m5.xlarge (quota 4)"


def test_a_list_without_any_instance_type_verifies_nothing(scripted: Build, configured: Build) -> None:
    assert {finding.level for finding in found(scripted, configured(), {}).values()} == {Level.WARNING}


def test_the_accounts_own_quota_comes_before_the_default(scripted: Build, configured: Build) -> None:
    applied = {name: value for name, value in PLENTY.items() if "training" not in name}
    training = "ml.p3.2xlarge for training job usage"
    default = {**PLENTY, training: 0.0}
    assert found(scripted, configured(), PLENTY, default)["quota, training job"].level is Level.OK
    assert found(scripted, configured(), applied, default)["quota, training job"].level is Level.ERROR


def test_an_update_takes_twice_the_instances(scripted: Build, configured: Build) -> None:
    config = configured("deploy.endpoint.instance_count=3")
    result = found(scripted, config, PLENTY)["quota, endpoint"]
    assert result.level is Level.WARNING
    assert result.remedy.startswith("request 6 of 'ml.m5.xlarge for endpoint usage'")


def test_the_list_is_read_no_further_than_needed(scripted: Build, configured: Build) -> None:
    def unread(_: dict[str, Any]) -> dict[str, Any]:
        raise AssertionError("all was known before")

    answers = {"list_service_quotas": page(PLENTY), "list_aws_default_service_quotas": unread}
    ec2 = {"describe_instance_type_offerings": offerings(("p3.2xlarge",))}
    assert len(quotas(configured(), scripted(service_quotas=answers, ec2=ec2))) == 4


@pytest.mark.parametrize(
    ("assignments", "instances"),
    [
        pytest.param(["deploy.mode=never"], {}, id="no deployment"),
        pytest.param(["deploy.endpoint.serverless={}"], {}, id="no instances"),
        pytest.param(
            [
                (
                    "deploy.endpoint.additional_variants="
                    "[{name: B, package: 1, weight: 1, instance_type: ml.c5.large, instance_count: 2}]"
                )
            ],
            {"ml.m5.xlarge": 1, "ml.c5.large": 2},
            id="two variants on two types",
        ),
        pytest.param(
            ["deploy.endpoint.additional_variants=[{name: B, package: 1, weight: 1}]"],
            {"ml.m5.xlarge": 2},
            id="two on one type",
        ),
    ],
)
def test_what_an_endpoint_needs(configured: Build, assignments: list[str], instances: dict[str, int]) -> None:
    wanted = [need for need in needs(configured(*assignments)) if need.use == "endpoint"]
    assert {need.instance_type: need.count for need in wanted} == instances
