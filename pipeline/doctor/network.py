"""Check the jobs' network: that subnets and security groups fit together, and what can be reached from them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from groundloop.aws import error_code, error_message
from pipeline.config import Config
from pipeline.doctor.findings import AccountFinding, error, ok, warning
from pipeline.doctor.session import Aws

NETWORK = "network"
_NOT_FOUND = {
    "InvalidSubnetID.NotFound",
    "InvalidSubnetID.Malformed",
    "InvalidGroup.NotFound",
    "InvalidGroupId.Malformed",
    "InvalidGroupID.NotFound",
}


def network(config: Config, aws: Aws) -> list[AccountFinding]:
    """Subnets and groups exist in one VPC; jobs there reach S3, and a package index where they need one."""
    settings = config.aws.network
    findings = _isolation(config)
    if not settings.subnets:
        return [*findings, ok(NETWORK, "no VPC: jobs use SageMaker's own network")]
    ec2 = aws.client("ec2")
    try:
        subnets = ec2.describe_subnets(SubnetIds=settings.subnets)["Subnets"]
        groups = ec2.describe_security_groups(GroupIds=settings.security_groups)["SecurityGroups"]
    except ClientError as fault:
        if error_code(fault) in _NOT_FOUND:
            return [*findings, error(NETWORK, f"aws.network: {error_message(fault)}", "correct it, or set aws.region")]
        raise
    vpcs = sorted({item["VpcId"] for item in [*subnets, *groups]})
    if len(vpcs) > 1:
        places = ", ".join(
            f"{item.get('SubnetId') or item['GroupId']} in {item['VpcId']}" for item in [*subnets, *groups]
        )
        remedy = "name subnets and security groups of one VPC"
        return [
            *findings,
            error(NETWORK, f"aws.network: the subnets and groups are of {len(vpcs)} VPCs: {places}", remedy),
        ]
    text = f"{vpcs[0]}: {len(subnets)} subnets, {len(groups)} security groups"
    return [*findings, *_addresses(subnets), *_ways_out(config, ec2, vpcs[0], subnets, text)]


def _isolation(config: Config) -> list[AccountFinding]:
    if not config.aws.network.isolation:
        return []
    return [
        ok(
            NETWORK,
            "isolation: containers get no network; SageMaker itself brings their data, Prepare does not look at "
            "images, the Deploy job (which calls SageMaker) is not isolated",
        )
    ]


def _addresses(subnets: list[dict[str, Any]]) -> list[AccountFinding]:
    full = [subnet["SubnetId"] for subnet in subnets if subnet.get("AvailableIpAddressCount", 1) == 0]
    if not full:
        return []
    return [warning(NETWORK, f"{', '.join(full)}: no free IP address", "free some, or name another subnet")]


def _ways_out(config: Config, ec2: Any, vpc: str, subnets: list[dict[str, Any]], text: str) -> Iterator[AccountFinding]:
    tables = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"]
    endpoints = [
        item
        for item in ec2.describe_vpc_endpoints(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["VpcEndpoints"]
        if item["State"].lower() == "available"
    ]
    names = [item["SubnetId"] for item in subnets]
    closed = [name for name in names if not _leads_out(_table_of(name, tables))]
    to_s3 = _endpoints_of(config, "s3", endpoints)
    without_s3 = [name for name in closed if not _serves(to_s3, _table_of(name, tables))]
    if without_s3:
        service = _service(config, "s3")
        yield error(
            NETWORK,
            f"{text}; from {', '.join(without_s3)} S3 can't be reached: it has neither a gateway endpoint nor a NAT",
            f"aws ec2 create-vpc-endpoint --vpc-id {vpc} --service-name {service} --route-table-ids ..., "
            "or add a NAT gateway",
        )
        return
    if closed:
        yield from _services_called(config, vpc, closed, endpoints)
    if closed and not config.aws.network.isolation and config.processing.requirements == "install":
        yield warning(
            NETWORK,
            f"{text}; from {', '.join(closed)} no package index can be reached, and jobs install with pip",
            "add a NAT gateway, or set processing.image_uri to an image that holds the requirements and "
            "processing.requirements to preinstalled",
        )
        return
    yield ok(NETWORK, f"{text}; S3 can be reached{'' if closed else ' and so can the internet'}")


def _services_called(
    config: Config, vpc: str, closed: list[str], endpoints: list[dict[str, Any]]
) -> Iterator[AccountFinding]:
    """Yield an error for each AWS service that a job calls and that closed subnets can't reach."""
    for name, caller in _called_by_jobs(config).items():
        if _endpoints_of(config, name, endpoints):
            continue
        service = _service(config, name)
        yield error(
            NETWORK,
            f"from {', '.join(closed)} the service {service} can't be reached, which {caller} calls",
            f"aws ec2 create-vpc-endpoint --vpc-id {vpc} --vpc-endpoint-type Interface --service-name {service} "
            "--subnet-ids ..., or add a NAT gateway",
        )


def _called_by_jobs(config: Config) -> dict[str, str]:
    """Return the AWS services besides S3 that jobs call, and which job calls them."""
    called = {}
    if not config.aws.network.isolation:
        called["sagemaker.api"] = "Evaluate (for the champion)"
    if config.predict.input:
        called["sagemaker.api"] = "Select (for the champion)"
    if config.has_monitor:
        called["sagemaker.api"] = "Monitor (for the endpoint)"
        if config.monitor.metrics_namespace:
            called["monitoring"] = "Monitor (for its metrics)"
    deploy = config.deploy
    if deploy.mode == "on_approval" or (deploy.mode == "on_pass" and deploy.needs_job):
        called["sagemaker.api"] = "Deploy"
        called["application-autoscaling"] = "Deploy"
        if deploy.endpoint.autoscaling and deploy.endpoint.autoscaling.min_instances == 0:
            called["monitoring"] = "Deploy (for the alarm that starts the first instance)"
    return called


def _service(config: Config, name: str) -> str:
    return f"com.amazonaws.{config.aws.region}.{name}"


def _endpoints_of(config: Config, name: str, endpoints: list[dict[str, Any]]) -> list[dict[str, Any]]:
    # In the China Regions the names begin with "cn.".
    return [item for item in endpoints if item["ServiceName"].endswith(_service(config, name))]


def _table_of(subnet: str, tables: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the subnet's own route table, else the VPC's main one."""
    main: dict[str, Any] = {}
    for table in tables:
        for association in table.get("Associations", []):
            if association.get("SubnetId") == subnet:
                return table
            if association.get("Main"):
                main = table
    return main


def _leads_out(table: dict[str, Any]) -> bool:
    """Tell whether a job has a default route. An internet gateway is none: its interfaces have no public address."""
    return any(
        route.get("DestinationCidrBlock") == "0.0.0.0/0"
        and route.get("State", "active") == "active"
        and not route.get("GatewayId", "").startswith("igw-")
        for route in table.get("Routes", [])
    )


def _serves(endpoints: list[dict[str, Any]], table: dict[str, Any]) -> bool:
    """Tell whether an S3 endpoint serves this route table; an interface endpoint serves the whole VPC."""
    return any(
        endpoint.get("VpcEndpointType", "Gateway") == "Interface"
        or table.get("RouteTableId") in endpoint["RouteTableIds"]
        for endpoint in endpoints
    )
