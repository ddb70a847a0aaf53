"""The least-privilege policy and the trust policy of the execution role, for one configuration.

The role is both the pipeline's, which starts jobs and registers models, and the jobs', which read and write data.
Which action a call needs: "How to use SageMaker AI execution roles" in the SageMaker developer guide, and the Service
Authorization Reference. `tests/pipeline/doctor/test_role_coverage.py` compares the policy with the calls that are made.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipeline.config import Config
from pipeline.doctor.control_plane_statements import control_plane_statements
from pipeline.doctor.data_plane_statements import data_plane_statements
from pipeline.doctor.policy_statement import ArnBuilder, Condition, Statement, policy_document

SAGEMAKER, EVENTS = "sagemaker.amazonaws.com", "events.amazonaws.com"


def policies(config: Config, images: Sequence[str], data_buckets: Sequence[str] = ()) -> dict[str, Any]:
    """Return both documents as IAM takes them, under `TrustPolicy` and `RolePolicy`.

    Args:
        config: the configuration.
        images: URIs of the jobs' container images.
        data_buckets: buckets of images besides those that the configuration names.
    """
    return {"TrustPolicy": trust_policy(config), "RolePolicy": role_policy(config, images, data_buckets)}


def role_policy(config: Config, images: Sequence[str], data_buckets: Sequence[str] = ()) -> dict[str, Any]:
    """Return the least-privilege policy of the role, as `aws iam put-role-policy` takes it.

    Args:
        config: the configuration.
        images: URIs of the jobs' container images.
        data_buckets: buckets of images besides those that the configuration names.
    """
    return policy_document([statement.json() for statement in statements(config, images, data_buckets)])


def trust_policy(config: Config) -> dict[str, Any]:
    """Return the trust policy: SageMaker may assume the role, and EventBridge where it starts the pipelines with it.

    `aws:SourceAccount` limits both to this account ("Cross-service confused deputy prevention" in the SageMaker
    developer guide). `aws:SourceArn` would need one pattern per service and kind of job, and adds nothing to that.
    """
    services = [SAGEMAKER, EVENTS] if starts_by_events(config) else [SAGEMAKER]
    return policy_document(
        [
            {
                "Sid": "ServicesAssumeRole",
                "Effect": "Allow",
                "Principal": {"Service": services},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"aws:SourceAccount": ArnBuilder.of(config).account}},
            }
        ]
    )


def starts_by_events(config: Config) -> bool:
    """Tell whether EventBridge assumes this role, to start a pipeline on approval or on a schedule."""
    rules = config.deploy.mode == "on_approval" or bool(config.triggers.schedules)
    triggered = config.triggers.enabled and rules
    return triggered and config.triggers.role in {None, config.aws.role}


def statements(config: Config, images: Sequence[str], data_buckets: Sequence[str] = ()) -> list[Statement]:
    """Return the statements of the role's policy.

    Args:
        config: the configuration.
        images: URIs of the jobs' container images.
        data_buckets: buckets of images besides those that the configuration names.
    """
    arns = ArnBuilder.of(config)
    found = [*data_plane_statements(config, arns, images, data_buckets), *control_plane_statements(config, arns)]
    if starts_by_events(config):
        pipelines = arns.sagemaker(*(f"pipeline/{name}" for name in _pipeline_names(config)))
        found.append(Statement("StartPipelines", ["sagemaker:StartPipelineExecution"], pipelines))
    condition: Condition = {"StringEquals": {"iam:PassedToService": SAGEMAKER}}
    return [*found, Statement("PassRoleToSageMaker", ["iam:PassRole"], [config.aws.role], condition)]


def _pipeline_names(config: Config) -> list[str]:
    names = config.pipeline
    predict = [names.predict_name] if config.predict.input else []
    monitor = [names.monitor_name] if config.has_monitor else []
    return [names.name, names.deploy_name, *predict, *monitor]
