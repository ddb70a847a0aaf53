"""Free: IAM's own simulator and Access Analyzer on the role that `groundloop doctor --policy role` prints."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pipeline.config import Config
from pipeline.doctor.region import container_images
from pipeline.doctor.role_policy import policies
from pipeline.prove.trial import Trial
from pipeline.prove.verdict import Assumption, Verdict, broke, held
from pipeline.prove.workbench import Workbench, prerequisite

_GUIDE = "Amazon SageMaker developer guide, 'How to use SageMaker execution roles'"

VALID = Assumption(
    "role-policy-valid",
    "The role policy that `groundloop doctor --policy role` prints is valid.",
    "A misspelt action or condition key grants nothing, silently.",
    "access-analyzer ValidatePolicy on it; errors and warnings break it.",
    "IAM user guide, 'Access Analyzer policy check reference'",
)
PRINTED = Assumption(
    "role-policy-suffices",
    "The printed role policy allows every call that the pipeline service, the jobs and the Deploy job make.",
    "A step fails with AccessDenied after minutes that are paid for.",
    "iam SimulateCustomPolicy of it for each call, on the names that SageMaker gives to jobs of a pipeline.",
    _GUIDE,
)
ACCOUNT = Assumption(
    "role-suffices",
    "The role `aws.role` as it is in the account allows those calls.",
    "As above, for the role that is really used.",
    "iam SimulatePrincipalPolicy of it for each call.",
    _GUIDE,
)


@dataclass(frozen=True)
class Call:
    """One call under the role: its IAM actions, what it is made on, and the condition keys that come with it."""

    actions: tuple[str, ...]
    resource: str
    context: dict[str, str] = field(default_factory=dict)

    def request(self) -> dict[str, Any]:
        """Return the members of a simulation."""
        members: dict[str, Any] = {"ActionNames": list(self.actions)}
        if self.resource != "*":
            members["ResourceArns"] = [self.resource]
        if self.context:
            members["ContextEntries"] = [
                {"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": "string"}
                for key, value in self.context.items()
            ]
        return members


def calls(config: Config) -> list[Call]:
    """Return the calls of one execution and of one deployment, by what the guide's role page names for each."""
    _, partition, _, _, account, _ = config.aws.role.split(":", 5)
    region, aws = config.aws.region, config.aws

    def arn(service: str, resource: str) -> str:
        return f"arn:{partition}:{service}:{region}:{account}:{resource}"

    found = [
        Call(
            (*(f"sagemaker:{verb}{kind}Job" for verb in ("Create", "Describe", "Stop")), "sagemaker:AddTags"),
            arn("sagemaker", f"{kind.lower()}-job/pipelines-a1b2c3d4e5f6-{step}-AbCdEfGhIj"),
        )
        for kind, step in (("Processing", "Prepare"), ("Training", "Train"), ("Transform", "Predict"))
    ]
    made = "model/pipelines-a1b2c3d4e5f6-CreateModel-AbCdEfGhIj"
    group = config.registry.group
    found += [
        Call(("sagemaker:CreateModel", "sagemaker:DescribeModel"), arn("sagemaker", made)),
        Call(
            ("sagemaker:CreateModelPackage", "sagemaker:DescribeModelPackage"),
            arn("sagemaker", f"model-package/{group}/1"),
        ),
        Call(
            ("sagemaker:DescribeModelPackageGroup", "sagemaker:ListModelPackages"),
            arn("sagemaker", f"model-package-group/{group}"),
        ),
        Call(("iam:PassRole",), aws.role, {"iam:PassedToService": "sagemaker.amazonaws.com"}),
        Call(("s3:GetObject", "s3:PutObject"), f"arn:{partition}:s3:::{aws.bucket}/{aws.prefix}/executions/a/model"),
        Call(("s3:ListBucket",), f"arn:{partition}:s3:::{aws.bucket}"),
        Call(("s3:GetObject",), f"arn:{partition}:s3:::{config.labels.manifest.removeprefix('s3://')}"),
        Call(("ecr:GetAuthorizationToken",), "*"),
        Call(
            ("logs:CreateLogStream", "logs:PutLogEvents"),
            arn("logs", "log-group:/aws/sagemaker/TrainingJobs:log-stream:pipelines-a1b2c3d4e5f6/algo-1"),
        ),
        Call(("cloudwatch:PutMetricData",), "*", {"cloudwatch:namespace": "/aws/sagemaker/TrainingJobs"}),
    ]
    if config.aws.network.subnets:
        # The guide: no conditions or resource filters, so each is simulated on any resource.
        created = ("CreateNetworkInterface", "CreateNetworkInterfacePermission", "DeleteNetworkInterface")
        described = ("DhcpOptions", "NetworkInterfaces", "SecurityGroups", "Subnets", "Vpcs")
        names = [*created, *(f"Describe{what}" for what in described)]
        found.append(Call(tuple(f"ec2:{name}" for name in names), "*"))
    return [*found, *(_deployment(config, arn) if config.deploy.mode != "never" else [])]


def _deployment(config: Config, arn: Any) -> Iterator[Call]:
    endpoint, name = config.deploy.endpoint, config.deploy.endpoint.name[:40]
    configs = arn("sagemaker", f"endpoint-config/{name}-v1-0123456789")
    verbs = ("Create", "Describe", "Delete")
    yield Call(tuple(f"sagemaker:{verb}EndpointConfig" for verb in verbs), configs)
    yield Call(tuple(f"sagemaker:{verb}Model" for verb in verbs), arn("sagemaker", f"model/{name}-v1-0123456789-0"))
    own = arn("sagemaker", f"endpoint/{endpoint.name}")
    yield Call(tuple(f"sagemaker:{verb}Endpoint" for verb in (*verbs, "Update")), own)
    # The Deploy job looks before it removes, also where nothing scales.
    yield Call(("application-autoscaling:DescribeScalableTargets",), "*")
    if endpoint.autoscaling:
        # "Automatic scaling policy prerequisites" asks for these of a custom policy.
        yield Call(("sagemaker:UpdateEndpointWeightsAndCapacities",), own)
        yield Call(
            tuple(f"application-autoscaling:{verb}" for verb in ("RegisterScalableTarget", "PutScalingPolicy")),
            arn("application-autoscaling", "scalable-target/0123456789abcdef"),
            {"application-autoscaling:service-namespace": "sagemaker"},
        )
        alarm = arn("cloudwatch", f"alarm:TargetTracking-endpoint/{endpoint.name}/variant/AllTraffic-AlarmHigh-1")
        yield Call(tuple(f"cloudwatch:{verb}" for verb in ("PutMetricAlarm", "DescribeAlarms", "DeleteAlarms")), alarm)


def printed_policy(config: Config) -> str:
    """Return the role policy that `groundloop doctor --policy role` prints."""
    return json.dumps(policies(config, container_images(config))["RolePolicy"])


def _validated(bench: Workbench) -> Iterator[Verdict]:
    pages = bench.client("accessanalyzer").get_paginator("validate_policy").paginate(
        policyDocument=printed_policy(bench.config), policyType="IDENTITY_POLICY"
    )  # fmt: skip
    found = [item for page in pages for item in page["findings"]]
    wrong = [item for item in found if item["findingType"] in {"ERROR", "WARNING", "SECURITY_WARNING"}]
    if wrong:
        words = "; ".join(f"{item['issueCode']}: {item['findingDetails']}" for item in wrong)
        yield broke(VALID, f"Access Analyzer has {len(wrong)} findings", words)
    else:
        yield held(VALID, f"Access Analyzer has no error and no warning ({len(found)} suggestions)")


def _printed(bench: Workbench) -> Iterator[Verdict]:
    policy = [printed_policy(bench.config)]
    yield _simulated(bench, PRINTED, "simulate_custom_policy", {"PolicyInputList": policy})


def _account(bench: Workbench) -> Iterator[Verdict]:
    yield _simulated(bench, ACCOUNT, "simulate_principal_policy", {"PolicySourceArn": bench.config.aws.role})


def _simulated(bench: Workbench, assumption: Assumption, operation: str, subject: dict[str, Any]) -> Verdict:
    simulate, denied, count = bench.client("iam").get_paginator(operation), [], 0
    for call in calls(bench.config):
        with prerequisite():
            pages = list(simulate.paginate(**subject, **call.request()))
        for result in (result for page in pages for result in page["EvaluationResults"]):
            count += 1
            if result["EvalDecision"] != "allowed":
                denied.append(f"{result['EvalDecision']}: {result['EvalActionName']} on {call.resource}")
    if denied:
        return broke(assumption, f"IAM denies {len(denied)} of {count} calls", "; ".join(denied))
    return held(assumption, f"IAM allows all {count} calls (simulated)")


VALIDATION = Trial("policy-validation", (VALID,), (), _validated, only_aws="the offline AWS has no Access Analyzer")
SIMULATION = Trial(
    "policy-simulation", (PRINTED,), (), _printed, only_aws="the offline AWS has no IAM policy simulator"
)
ROLE_SIMULATION = Trial("role-simulation", (ACCOUNT,), (), _account)
