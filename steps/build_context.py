"""What every step needs while a definition is built: the session, where results go, tags, retries, caching."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sagemaker.core.network import NetworkConfig
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.mlops.workflow.retry import (
    RetryPolicy,
    SageMakerJobExceptionTypeEnum,
    SageMakerJobStepRetryPolicy,
    StepExceptionTypeEnum,
    StepRetryPolicy,
)
from sagemaker.mlops.workflow.steps import CacheConfig

from steps.settings import AwsSettings, ExecutionSettings, RetryRule


@dataclass(frozen=True)
class BuildContext:
    """The part of the configuration that all steps share, in the SDK's terms."""

    session: PipelineSession
    aws: AwsSettings
    execution: ExecutionSettings

    def results(self, *parts: str) -> Join:
        """S3 URI under the running execution's own prefix, so that no execution overwrites another's results."""
        return Join(
            on="/",
            values=[
                f"s3://{self.aws.bucket}/{self.aws.prefix}/executions",
                ExecutionVariables.PIPELINE_EXECUTION_ID,
                *parts,
            ],
        )

    @property
    def tags(self) -> list[dict[str, str]]:
        return [{"Key": key, "Value": value} for key, value in sorted(self.aws.tags.items())]

    @property
    def cache(self) -> CacheConfig | None:
        """Cache settings of a step; None when caching is off."""
        settings = self.execution.cache
        return CacheConfig(enable_caching=True, expire_after=settings.expire_after) if settings.enabled else None

    @property
    def service_retries(self) -> list[RetryPolicy]:
        """Retries of any step: faults and throttling of the service."""
        faults = [StepExceptionTypeEnum.SERVICE_FAULT, StepExceptionTypeEnum.THROTTLING]
        rule = self.execution.retry.service
        return [StepRetryPolicy(exception_types=faults, **_waits(rule))] if rule else []

    @property
    def job_retries(self) -> list[RetryPolicy]:
        """Retries of a step that runs a job.

        RESOURCE_LIMIT is never retried: a quota (ml.p3 has 0 at first) does not rise by waiting, and the
        execution should say so at once.
        """
        policies = self.service_retries
        retry = self.execution.retry
        for rule, fault in (
            (retry.job, SageMakerJobExceptionTypeEnum.INTERNAL_ERROR),
            (retry.capacity, SageMakerJobExceptionTypeEnum.CAPACITY_ERROR),
        ):
            if rule:
                policies.append(SageMakerJobStepRetryPolicy(failure_reason_types=[fault], **_waits(rule)))
        return policies

    @property
    def vpc_config(self) -> dict[str, list[str]] | None:
        """VpcConfig of a model; None without a VPC."""
        network = self.aws.network
        if not network.subnets:
            return None
        return {"Subnets": network.subnets, "SecurityGroupIds": network.security_groups}

    @property
    def processing_network(self) -> NetworkConfig | None:
        """NetworkConfig of a processing job; None when nothing about the network is set."""
        network = self.aws.network
        if not (network.subnets or network.isolation or network.encrypt_traffic):
            return None
        return NetworkConfig(
            enable_network_isolation=network.isolation,
            encrypt_inter_container_traffic=network.encrypt_traffic or None,
            security_group_ids=network.security_groups or None,
            subnets=network.subnets or None,
        )


def _waits(rule: RetryRule) -> dict[str, Any]:
    return {
        "interval_seconds": rule.interval_seconds,
        "backoff_rate": rule.backoff_rate,
        "max_attempts": rule.max_attempts,
    }
