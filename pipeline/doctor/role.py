"""Check the execution role: that it exists, which services may assume it, and what it may do."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from groundloop.aws import error_code, offline_endpoint
from groundloop.errors import ConfigError
from pipeline.config import Config
from pipeline.doctor.findings import AccountFinding, error, ok, unverified, warning
from pipeline.doctor.policy_statement import Condition, Statement
from pipeline.doctor.region import container_images
from pipeline.doctor.role_policy import EVENTS, SAGEMAKER, starts_by_events, statements
from pipeline.doctor.session import Aws

ROLE, PERMISSIONS = "role", "permissions"
_POLICY = "`groundloop doctor --policy trust` and `--policy role` print its policies"
_AT_ONCE = 4
_ACCESS_DENIED = {"AccessDenied", "AccessDeniedException"}
# A simulation of the role's policies does not see what a key's own policy allows.
_BY_RESOURCE = "kms:"


def role(config: Config, aws: Aws) -> list[AccountFinding]:
    """Check that the role exists under exactly this ARN and trusts SageMaker, and EventBridge where needed."""
    arn = config.aws.role
    try:
        described = aws.client("iam").get_role(RoleName=arn.rsplit("/", 1)[-1])["Role"]
    except ClientError as fault:
        if error_code(fault) in {"NoSuchEntity", "NoSuchEntityException"}:
            return [error(ROLE, f"aws.role: there is no role {arn}", f"create it: {_POLICY}")]
        raise
    if described["Arn"] != arn:
        return [error(ROLE, f"aws.role is {arn}, but that role's ARN is {described['Arn']}", "correct aws.role")]
    trust, account = described["AssumeRolePolicyDocument"], arn.split(":")[4]
    if not trusts(trust, SAGEMAKER, account):
        return [
            error(
                ROLE,
                f"the trust policy of {arn} does not let {SAGEMAKER} assume it",
                f"set it with aws iam update-assume-role-policy; {_POLICY}",
            )
        ]
    boundary = described.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
    finding = ok(ROLE, f"{arn} trusts {SAGEMAKER}{f', within the boundary {boundary}' if boundary else ''}")
    if starts_by_events(config) and not trusts(trust, EVENTS, account):
        return [
            finding,
            warning(
                ROLE,
                f"{arn} does not trust {EVENTS}, so an approval or a schedule can't start a pipeline with it",
                f"add it to the trust policy ({_POLICY}), or name a role for that in triggers.role",
            ),
        ]
    return [finding]


def trusts(document: dict[str, Any], service: str, account: str) -> bool:
    """Tell whether a trust policy lets a service assume the role on behalf of the account."""
    given = document.get("Statement", [])
    return any(_allows(statement, service, account) for statement in (given if isinstance(given, list) else [given]))


def _allows(statement: dict[str, Any], service: str, account: str) -> bool:
    principal = statement.get("Principal", {})
    services = _listed(principal.get("Service", [])) if isinstance(principal, dict) else []
    if statement.get("Effect") != "Allow" or service not in services:
        return False
    if not {"sts:AssumeRole", "sts:*", "*"} & set(_listed(statement.get("Action", []))):
        return False
    # The usual condition here; others are not evaluated.
    accounts = [
        value
        for keys in statement.get("Condition", {}).values()
        for name, given in keys.items()
        if name.lower() == "aws:sourceaccount"
        for value in _listed(given)
    ]
    return not accounts or account in accounts


def _listed(value: Any) -> list[str]:
    return list(value) if isinstance(value, list) else [str(value)]


def permissions(config: Config, aws: Aws) -> list[AccountFinding]:
    """Simulate each statement of the least-privilege policy for the role."""
    what = f"what {config.aws.role} may do"
    if offline_endpoint():
        return [unverified(PERMISSIONS, what, "the offline AWS allows everything")]
    try:
        images = container_images(config)
    except ConfigError:
        images = []  # the region's own finding says so
    required = statements(config, images)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        simulations = list(pool.map(lambda statement: _simulated(config, aws, statement), required))
    if failure := next((item.failure for item in simulations if item.failure), ""):
        remedy = "allow iam:SimulatePrincipalPolicy on it to whoever runs doctor, or compare with doctor --policy role"
        return [unverified(PERMISSIONS, what, failure, remedy)]
    findings = [_denied(item) for item in simulations if item.denied]
    count = sum(len(statement.actions) for statement in required)
    return findings or [ok(PERMISSIONS, f"all {count} actions of {len(required)} statements are allowed (simulated)")]


@dataclass(frozen=True)
class _Simulation:
    """The result of simulating one statement.

    Attributes:
        statement: the statement.
        denied: texts of the form `action on resource`.
        failure: why it could not be simulated; empty if it was.
    """

    statement: Statement
    denied: list[str]
    failure: str = ""


def _simulated(config: Config, aws: Aws, statement: Statement) -> _Simulation:
    # The simulator takes no wildcards: a name that a job could have stands for them.
    resources = [resource.replace("*", "example") for resource in statement.resources if resource != "*"]
    request: dict[str, Any] = {"PolicySourceArn": config.aws.role, "ActionNames": list(statement.actions)}
    if resources:
        request["ResourceArns"] = resources
    if statement.condition:
        request["ContextEntries"] = _context(statement.condition)
    denied: list[str] = []
    try:
        for page in aws.client("iam").get_paginator("simulate_principal_policy").paginate(**request):
            denied += [
                f"{result['EvalActionName']} on {result.get('EvalResourceName', '*')}"
                for result in page["EvaluationResults"]
                if result["EvalDecision"] != "allowed"
            ]
    except ClientError as fault:
        if error_code(fault) in _ACCESS_DENIED:
            return _Simulation(statement, [], "these credentials may not simulate it")
        if error_code(fault) in {"NoSuchEntity", "NoSuchEntityException"}:
            return _Simulation(statement, [], "there is no such role")
        raise
    return _Simulation(statement, denied)


def _context(condition: Condition) -> list[dict[str, Any]]:
    """Return the keys of a statement's condition with values that satisfy it."""
    return [
        {
            "ContextKeyName": name,
            "ContextKeyValues": [value.replace("*", "example") for value in _listed(given)][:1],
            "ContextKeyType": "stringList" if operator.startswith("ForAnyValue") else "string",
        }
        for operator, keys in condition.items()
        for name, given in keys.items()
    ]


def _denied(simulation: _Simulation) -> AccountFinding:
    statement = simulation.statement
    shown = ", ".join(simulation.denied[:3]) + (
        f" and {len(simulation.denied) - 3} more" * (len(simulation.denied) > 3)
    )
    text = f"{statement.sid}: the role may not {shown}"
    remedy = f"add the statement {statement.sid} of `groundloop doctor --policy role`"
    if all(denied.startswith(_BY_RESOURCE) for denied in simulation.denied):
        return warning(PERMISSIONS, text, f"{remedy}, unless the key's own policy allows it")
    return error(PERMISSIONS, text, remedy)
