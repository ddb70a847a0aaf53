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


def page(quota_values: Mapping[str, float]) -> dict[str, Any]:
    items = [
        {"QuotaName": name, "Value": value, "QuotaCode": f"L-{i}"}
        for i, (name, value) in enumerate(quota_values.items())
    ]
    return {"Quotas": items}


def found(
    scripted: Build, config: Any, applied: Mapping[str, float], default: Mapping[str, float] | None = None
) -> dict[str, AccountFinding]:
    answers = {"list_service_quotas": page(applied), "list_aws_default_service_quotas": page(default or {})}
    return {finding.check: finding for finding in quotas(config, scripted(service_quotas=answers))}


def test_enough_of_each(scripted: Build, configured: Build) -> None:
    told = found(scripted, configured(), PLENTY)
    assert [finding.level for finding in told.values()] == [Level.OK] * 4
    assert told["quota, training job"].text == "ml.p3.2xlarge: quota 4, needed 1"


def test_no_p3_names_the_next_types_that_have_quota(scripted: Build, configured: Build) -> None:
    """Its quota is 0 at first."""
    others = {"ml.g4dn.2xlarge for training job usage": 1, "ml.g5.xlarge for training job usage": 2}
    nothing = {"ml.g4dn.xlarge for training job usage": 0, "ml.p3.2xlarge for training job usage": 0}
    told = found(scripted, configured(), {**PLENTY, **others, **nothing})["quota, training job"]
    assert (told.level, told.text) == (Level.ERROR, "ml.p3.2xlarge: quota 0, needed 1")
    assert "--quota-code L-1 --desired-value 1" in told.remedy
    assert told.remedy.endswith("set training.instance_type to ml.g4dn.2xlarge (quota 1) or ml.g5.xlarge (quota 2)")


def test_none_of_the_others_either(scripted: Build, configured: Build) -> None:
    told = found(scripted, configured(), {**PLENTY, "ml.p3.2xlarge for training job usage": 0})["quota, training job"]
    assert "none of the usual types has quota" in told.remedy


def test_spot_has_a_quota_of_its_own(scripted: Build, configured: Build) -> None:
    config = configured("training.spot.enabled=true")
    told = found(scripted, config, {**PLENTY, "ml.p3.2xlarge for spot training job usage": 0})
    assert told["quota, spot training job"].level is Level.ERROR


def test_a_type_that_the_region_does_not_offer(scripted: Build, configured: Build) -> None:
    config = configured("predict.instance_type=ml.x9.xlarge")
    told = found(scripted, config, PLENTY)["quota, transform job"]
    assert told.level is Level.ERROR
    assert told.text == "us-east-1 does not offer ml.x9.xlarge for this use"
    assert told.remedy == "set predict.instance_type to ml.m5.xlarge (quota 4)"


def test_a_list_without_any_machine_verifies_nothing(scripted: Build, configured: Build) -> None:
    assert {finding.level for finding in found(scripted, configured(), {}).values()} == {Level.WARNING}


def test_the_accounts_own_quota_comes_before_the_default(scripted: Build, configured: Build) -> None:
    applied = {name: value for name, value in PLENTY.items() if "training" not in name}
    training = "ml.p3.2xlarge for training job usage"
    default = {**PLENTY, training: 0.0}
    assert found(scripted, configured(), PLENTY, default)["quota, training job"].level is Level.OK
    assert found(scripted, configured(), applied, default)["quota, training job"].level is Level.ERROR


def test_an_update_takes_twice_the_machines(scripted: Build, configured: Build) -> None:
    config = configured("deploy.endpoint.instance_count=3")
    told = found(scripted, config, PLENTY)["quota, endpoint"]
    assert told.level is Level.WARNING
    assert told.remedy.startswith("ask for 6 of 'ml.m5.xlarge for endpoint usage'")


def test_the_list_is_read_no_further_than_needed(scripted: Build, configured: Build) -> None:
    def unread(_: dict[str, Any]) -> dict[str, Any]:
        raise AssertionError("all was known before")

    answers = {"list_service_quotas": page(PLENTY), "list_aws_default_service_quotas": unread}
    assert len(quotas(configured(), scripted(service_quotas=answers))) == 4


@pytest.mark.parametrize(
    ("assignments", "machines"),
    [
        pytest.param(["deploy.mode=never"], {}, id="no deployment"),
        pytest.param(["deploy.endpoint.serverless={}"], {}, id="no machines"),
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
def test_what_an_endpoint_needs(configured: Build, assignments: list[str], machines: dict[str, int]) -> None:
    wanted = [need for need in needs(configured(*assignments)) if need.use == "endpoint"]
    assert {need.instance_type: need.count for need in wanted} == machines
