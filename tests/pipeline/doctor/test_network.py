"""The VPC of the jobs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pipeline.doctor.findings import AccountFinding, Level
from pipeline.doctor.network import network

Build = Callable[..., Any]
SETTING = "aws.network={subnets: [subnet-1, subnet-2], security_groups: [sg-1]}"
NAT = {"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-1", "State": "active"}
INTERNET = {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1", "State": "active"}
LOCAL = {"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local", "State": "active"}


SERVICES = ("sagemaker.api", "application-autoscaling")


def vpc(
    *routes: dict[str, Any], gateway: bool = False, interfaces: tuple[str, ...] = SERVICES, **changes: Any
) -> dict[str, Any]:
    """The answers of a VPC whose main route table has these routes, with endpoints for S3 and for services."""
    endpoint = {
        "ServiceName": "com.amazonaws.us-east-1.s3",
        "State": "available",
        "VpcEndpointType": "Gateway",
        "RouteTableIds": ["rtb-1"],
    }
    return {
        "describe_subnets": {
            "Subnets": [{"SubnetId": f"subnet-{n}", "VpcId": "vpc-1", "AvailableIpAddressCount": 9} for n in (1, 2)]
        },
        "describe_security_groups": {"SecurityGroups": [{"GroupId": "sg-1", "VpcId": "vpc-1"}]},
        "describe_route_tables": {
            "RouteTables": [{"RouteTableId": "rtb-1", "Routes": [LOCAL, *routes], "Associations": [{"Main": True}]}]
        },
        "describe_vpc_endpoints": {
            "VpcEndpoints": [
                *([endpoint] if gateway else []),
                *(
                    {
                        "ServiceName": f"com.amazonaws.us-east-1.{name}",
                        "State": "available",
                        "VpcEndpointType": "Interface",
                    }
                    for name in interfaces
                ),
            ]
        },
        **changes,
    }


def looked(scripted: Build, config: Any, answers: dict[str, Any]) -> list[AccountFinding]:
    return network(config, scripted(ec2=answers))


def test_without_a_vpc_nothing_is_asked(scripted: Build, configured: Build) -> None:
    (found,) = looked(scripted, configured(), {})
    assert found.level is Level.OK


@pytest.mark.parametrize(
    ("answers", "level", "text"),
    [
        pytest.param(vpc(NAT), Level.OK, "and so can the internet", id="a NAT"),
        pytest.param(vpc(gateway=True), Level.WARNING, "no package index can be reached", id="S3 only"),
        pytest.param(vpc(), Level.ERROR, "S3 can't be reached", id="closed"),
        pytest.param(vpc(INTERNET), Level.ERROR, "S3 can't be reached", id="jobs have no public address"),
    ],
)
def test_what_can_be_reached(
    scripted: Build, configured: Build, answers: dict[str, Any], level: Level, text: str
) -> None:
    (found,) = looked(scripted, configured(SETTING), answers)
    assert found.level is level
    assert text in found.text


def test_an_image_that_holds_the_requirements_needs_no_index(scripted: Build, configured: Build) -> None:
    own = "processing={image_uri: 111122223333.dkr.ecr.us-east-1.amazonaws.com/own:1, requirements: preinstalled}"
    (found,) = looked(scripted, configured(SETTING, own), vpc(gateway=True))
    assert found.level is Level.OK


OWN_IMAGE = "processing={image_uri: 111122223333.dkr.ecr.us-east-1.amazonaws.com/own:1, requirements: preinstalled}"
FROM_ZERO = "deploy.endpoint={async_inference: {}, autoscaling: {min_instances: 0, max_instances: 2, target: 4}}"


@pytest.mark.parametrize(
    ("assignments", "interfaces", "missing"),
    [
        pytest.param([], ("sagemaker.api",), ["application-autoscaling, which Deploy calls"], id="autoscaling"),
        pytest.param([], (), ["sagemaker.api, which Deploy", "application-autoscaling, which Deploy"], id="both"),
        pytest.param(["deploy.mode=on_pass"], ("sagemaker.api",), [], id="deployed without the Deploy job"),
        pytest.param(["deploy.mode=never"], (), ["sagemaker.api, which Evaluate"], id="the champion is compared"),
        pytest.param([FROM_ZERO], SERVICES, ["monitoring, which Deploy"], id="an alarm starts the first instance"),
    ],
)
def test_the_services_that_jobs_call_need_endpoints_in_closed_subnets(
    scripted: Build, configured: Build, assignments: list[str], interfaces: tuple[str, ...], missing: list[str]
) -> None:
    config = configured(SETTING, OWN_IMAGE, *assignments)
    findings = looked(scripted, config, vpc(gateway=True, interfaces=interfaces))
    errors = [finding.text.replace(" can't be reached", "") for finding in findings if finding.level is Level.ERROR]
    assert len(errors) == len(missing)
    assert all(part in text for part, text in zip(missing, errors, strict=True))


def test_with_a_nat_no_interface_endpoint_is_needed(scripted: Build, configured: Build) -> None:
    (found,) = looked(scripted, configured(SETTING), vpc(NAT, interfaces=()))
    assert found.level is Level.OK


def test_a_subnets_own_route_table_counts(scripted: Build, configured: Build) -> None:
    tables = [
        {"RouteTableId": "rtb-1", "Routes": [NAT], "Associations": [{"Main": True}]},
        {"RouteTableId": "rtb-2", "Routes": [LOCAL], "Associations": [{"SubnetId": "subnet-2"}]},
    ]
    (found,) = looked(scripted, configured(SETTING), vpc(describe_route_tables={"RouteTables": tables}))
    assert found.level is Level.ERROR
    assert "from subnet-2 S3 can't be reached" in found.text


def test_several_vpcs(scripted: Build, configured: Build) -> None:
    groups = {"SecurityGroups": [{"GroupId": "sg-1", "VpcId": "vpc-2"}]}
    (found,) = looked(scripted, configured(SETTING), vpc(describe_security_groups=groups))
    assert found.level is Level.ERROR
    assert "sg-1 in vpc-2" in found.text


def test_a_subnet_that_is_not_there(scripted: Build, configured: Build, refusal: Callable[..., Exception]) -> None:
    gone = refusal("InvalidSubnetID.NotFound", message="The subnet ID 'subnet-1' does not exist")
    (found,) = looked(scripted, configured(SETTING), vpc(describe_subnets=gone))
    assert (found.level, found.text) == (Level.ERROR, "aws.network: The subnet ID 'subnet-1' does not exist")


def test_a_subnet_without_addresses(scripted: Build, configured: Build) -> None:
    full = {"Subnets": [{"SubnetId": "subnet-1", "VpcId": "vpc-1", "AvailableIpAddressCount": 0}]}
    addresses, ways = looked(scripted, configured(SETTING), vpc(NAT, describe_subnets=full))
    assert addresses.level is Level.WARNING
    assert ways.level is Level.OK


def test_isolation_is_explained(scripted: Build, configured: Build) -> None:
    isolated = (
        "aws.network.isolation=true",
        "processing={image_uri: 111122223333.dkr.ecr.us-east-1.amazonaws.com/own:1, requirements: preinstalled}",
        "prepare.check_images=none",
    )
    explained, _ = looked(scripted, configured(*isolated), {})
    assert "containers get no network" in explained.text
