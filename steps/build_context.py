"""The context that every step is built in: configuration, pipeline parameters, SDK session, job archives."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from sagemaker.core.network import NetworkConfig
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join
from sagemaker.core.workflow.parameters import Parameter, ParameterFloat, ParameterInteger, ParameterString
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.mlops.workflow.retry import (
    RetryPolicy,
    SageMakerJobExceptionTypeEnum,
    SageMakerJobStepRetryPolicy,
    StepExceptionTypeEnum,
    StepRetryPolicy,
)
from sagemaker.mlops.workflow.steps import CacheConfig

from groundloop.spec.instance_types import has_local_storage
from steps.settings import AwsSettings, ExecutionSettings, RetryRule, Settings

Section = TypeVar("Section", bound=Settings)


@dataclass(frozen=True)
class Parameters:
    """The parameters of all pipelines.

    Attributes:
        reviewed_manifest: labels that people reviewed, a manifest; by default one without labels.
        max_mini_batch_size: the largest mini-batch as text: the parameter, or the end of its range where it is tuned.
        tuned: names of the hyperparameters that Tune sets, so that executions don't.
        searches_grid: the strategy is grid.
        tuning_jobs, tuning_parallel_jobs: the numbers of training jobs of Tune, in all and at the same time.
        thresholds: parameters of the quality gate's thresholds, by metric and operator (`>=` or `<=`).
        endpoint_instance_type: None for a serverless endpoint, which has no instances.
        model_package_arn: version that the deploy pipeline deploys, or the predict pipeline predicts with.
        changed_package_arn: version whose approval status has changed, of which an event tells the deploy pipeline.
        input_uri: S3 prefix or manifest of the images that the predict pipeline predicts.
        output_uri: S3 prefix of its results.
        window_hours: how far the monitor pipeline looks back.
    """

    input_manifest: ParameterString
    reviewed_manifest: ParameterString
    label_attribute: ParameterString
    processing_instance_type: ParameterString
    train_instance_type: ParameterString
    transform_instance_type: ParameterString
    epochs: ParameterInteger
    mini_batch_size: ParameterInteger
    learning_rate: ParameterFloat
    max_mini_batch_size: Any
    tuned: tuple[str, ...]
    searches_grid: bool
    tuning_jobs: ParameterInteger
    tuning_parallel_jobs: ParameterInteger
    thresholds: Mapping[tuple[str, str], ParameterFloat]
    approval_status: ParameterString
    deploy_mode: ParameterString
    endpoint_name: ParameterString
    endpoint_instance_type: ParameterString | None
    model_package_arn: ParameterString
    changed_package_arn: ParameterString
    input_uri: ParameterString
    output_uri: ParameterString
    window_hours: ParameterInteger

    def of_training_pipeline(self) -> list[Parameter]:
        """List the parameters of the training pipeline, in the order in which Studio shows them."""
        return [
            self.input_manifest,
            self.reviewed_manifest,
            self.label_attribute,
            self.processing_instance_type,
            self.train_instance_type,
            self.transform_instance_type,
            self.epochs,
            *([] if "mini_batch_size" in self.tuned else [self.mini_batch_size]),
            *([] if "learning_rate" in self.tuned else [self.learning_rate]),
            *self._search(),
            *self.thresholds.values(),
            self.approval_status,
            self.deploy_mode,
            self.endpoint_name,
            *self._instance_type(),
        ]

    def of_deploy_pipeline(self) -> list[Parameter]:
        """List the parameters of the deploy pipeline, in the order in which Studio shows them."""
        return [self.model_package_arn, self.changed_package_arn, self.endpoint_name, *self._instance_type()]

    def of_predict_pipeline(self) -> list[Parameter]:
        """List the parameters of the predict pipeline, in the order in which Studio shows them."""
        return [
            self.input_uri,
            self.output_uri,
            self.model_package_arn,
            self.processing_instance_type,
            self.transform_instance_type,
        ]

    def of_monitor_pipeline(self) -> list[Parameter]:
        """List the parameters of the monitor pipeline, in the order in which Studio shows them."""
        return [self.endpoint_name, self.window_hours, self.processing_instance_type]

    def _search(self) -> list[Parameter]:
        """List the parameters of Tune; the jobs of a grid are all its combinations."""
        if not self.tuned:
            return []
        return [*([] if self.searches_grid else [self.tuning_jobs]), self.tuning_parallel_jobs]

    def _instance_type(self) -> list[Parameter]:
        return [] if self.endpoint_instance_type is None else [self.endpoint_instance_type]


class JobArchive(Protocol):
    """The code of one job, as it is uploaded."""

    @property
    def sha256(self) -> str:
        """Return the hash of the archive's content."""

    def uri(self, bucket: str, prefix: str) -> str:
        """Return the S3 URI that the archive is uploaded to."""


@dataclass(frozen=True)
class BuildContext:
    """Everything that the steps are built from.

    Attributes:
        config: the whole configuration; a step reads its sections with :meth:`settings`.
        parameters: the pipelines' parameters, whose defaults come from the configuration.
        session: the SDK's session.
        job_archive: returns the archive of a job: `prepare`, `evaluate`, `deploy`, `select`, `collect` or `monitor`.
        max_image_mb: largest image that Predict can send, MB; Prepare keeps larger ones out.
        image_shape: side of the square that training scales images to, pixels; Prepare warns of objects too small.
        base_network: network that training uses.
        start_from: model that training starts from, see `TrainingSettings`; None for the algorithm's own weights.
        model_package_group: group that Register adds versions to, and that the champion is looked up in.
    """

    config: Settings
    parameters: Parameters
    session: PipelineSession
    job_archive: Callable[[str], JobArchive]
    max_image_mb: int
    image_shape: int
    base_network: str
    start_from: str | None
    model_package_group: str

    def settings(self, section: type[Section]) -> Section:
        """Return the configuration's section of a class.

        Args:
            section: class of the section, such as `TrainingSettings`.

        Raises:
            TypeError: the configuration has no such section.
        """
        for _, value in self.config:
            if isinstance(value, section):
                return value
        raise TypeError(f"{type(self.config).__name__} has no section of class {section.__name__}")

    @property
    def aws(self) -> AwsSettings:
        """Return the account's settings."""
        return self.settings(AwsSettings)

    @property
    def execution(self) -> ExecutionSettings:
        """Return the settings of caching and retries."""
        return self.settings(ExecutionSettings)

    @property
    def config_sha256(self) -> str:
        """Return the hash of the configuration, without what has no influence on a model."""
        without: dict[str, Any] = {"triggers": True, "costs": True, "monitor": True, "predict": {"input", "output"}}
        return hashlib.sha256(self.config.model_dump_json(exclude=without).encode()).hexdigest()

    def code_uri(self, job: str) -> str:
        """Return the S3 URI of a job's archive."""
        return self.job_archive(job).uri(self.aws.bucket, self.aws.prefix)

    def volume_key(self, instance_type: str) -> str | None:
        """Return the KMS key of a job's volumes; None for an instance type with local storage, which takes none.

        Args:
            instance_type: the configured instance type. One that an execution chooses instead has to be of the same
                kind, or the API rejects the job.
        """
        return None if has_local_storage(instance_type) else self.aws.kms_key

    def results(self, *parts: str) -> Join:
        """Return an S3 URI under the execution's own prefix, so that no execution overwrites another's results."""
        return Join(
            on="/",
            values=[
                f"s3://{self.aws.bucket}/{self.aws.prefix}/executions",
                ExecutionVariables.PIPELINE_EXECUTION_ID,
                *parts,
            ],
        )

    @property
    def training_data_uri(self) -> str:
        """Return the S3 prefix of all executions' training data, each under a name that is made of its content."""
        return f"s3://{self.aws.bucket}/{self.aws.prefix}/training-data"

    @property
    def image_checks_uri(self) -> str:
        """Return the S3 prefix of the image checks that executions share."""
        return f"s3://{self.aws.bucket}/{self.aws.prefix}/image-checks"

    @property
    def tags(self) -> list[dict[str, str]]:
        """Return the tags of every resource, as the API takes them."""
        return [{"Key": key, "Value": value} for key, value in sorted(self.aws.tags.items())]

    @property
    def cache(self) -> CacheConfig | None:
        """Return the cache settings of a step; None when caching is disabled."""
        settings = self.execution.cache
        return CacheConfig(enable_caching=True, expire_after=settings.expire_after) if settings.enabled else None

    @property
    def service_retries(self) -> list[RetryPolicy]:
        """Return the retry policies of any step: faults and throttling of the service."""
        faults = [StepExceptionTypeEnum.SERVICE_FAULT, StepExceptionTypeEnum.THROTTLING]
        rule = self.execution.retry.service
        return [StepRetryPolicy(exception_types=faults, **_waits(rule))] if rule else []

    @property
    def job_retries(self) -> list[RetryPolicy]:
        """Return the retry policies of a step that runs a job.

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
        """Return the VpcConfig of a model; None without a VPC."""
        network = self.aws.network
        if not network.subnets:
            return None
        return {"Subnets": network.subnets, "SecurityGroupIds": network.security_groups}

    def processing_network(self, *, calls_aws: bool) -> NetworkConfig | None:
        """Return the NetworkConfig of a processing job; None when there is nothing to configure.

        Args:
            calls_aws: the job calls AWS's API, so it is never isolated from the network.
        """
        network = self.aws.network
        isolation = network.isolation and not calls_aws
        if not (network.subnets or isolation or network.encrypt_traffic):
            return None
        return NetworkConfig(
            enable_network_isolation=isolation,
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
