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


def vpc(*routes: dict[str, Any], gateway: bool = False, **changes: Any) -> dict[str, Any]:
    """The answers of a VPC whose main route table has these routes."""
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
        "describe_vpc_endpoints": {"VpcEndpoints": [endpoint] if gateway else []},
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
        pytest.param(vpc(gateway=True), Level.WARNING, "nothing leads to a package index", id="S3 only"),
        pytest.param(vpc(), Level.ERROR, "nothing leads to S3", id="closed"),
        pytest.param(vpc(INTERNET), Level.ERROR, "nothing leads to S3", id="jobs have no public address"),
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


def test_a_subnets_own_route_table_counts(scripted: Build, configured: Build) -> None:
    tables = [
        {"RouteTableId": "rtb-1", "Routes": [NAT], "Associations": [{"Main": True}]},
        {"RouteTableId": "rtb-2", "Routes": [LOCAL], "Associations": [{"SubnetId": "subnet-2"}]},
    ]
    (found,) = looked(scripted, configured(SETTING), vpc(describe_route_tables={"RouteTables": tables}))
    assert found.level is Level.ERROR
    assert "from subnet-2 nothing leads to S3" in found.text


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
