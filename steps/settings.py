"""Settings that all steps share: the account, the processing jobs, retries and caching.

A step's own settings are in `steps/<step>/settings.py`; `pipeline/config` reads them from YAML.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationInfo, field_validator, model_validator

from groundloop.errors import UserError
from groundloop.tracking.destination import check_experiment, check_tracking_uri, is_reached_by_network


class Settings(BaseModel):
    """Base class of all settings: unknown keys are rejected, and values don't change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, allow_inf_nan=False)


S3Uri = Annotated[str, StringConstraints(pattern=r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/.+$", max_length=1024)]
InstanceType = Annotated[str, StringConstraints(pattern=r"^ml\.[a-z0-9-]+\.[a-z0-9]+$")]
RoleArn = Annotated[
    str, StringConstraints(pattern=r"^arn:aws[a-z-]*:iam::\d{12}:role/[a-zA-Z_0-9+=,.@\-_/]+$", max_length=2048)
]
BucketName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]
ResourceName = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$")]
AccountId = Annotated[str, StringConstraints(pattern=r"^\d{12}$")]
KeyPrefix = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9_.-]+(/[a-zA-Z0-9_.-]+)*$", max_length=120)]
CacheAge = Annotated[str, StringConstraints(pattern=r"^P(\d+[YMWD](T\d+[HM])?|T\d+[HM])$")]


# The API takes 256 characters, but the ARN of an execution, which has the name and up to 85 more, is a value of the
# model package's metadata, and these have at most 256.
PipelineName = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,159}$", max_length=160)]


class PipelineSettings(Settings):
    """Names of the pipelines."""

    name: PipelineName = Field("groundloop", description="Name of the pipeline from labels to endpoint.")
    deploy_name: PipelineName = Field(
        "groundloop-deploy", description="Name of the pipeline that deploys a model package."
    )
    description: str = Field(
        "Ground Truth labels to a registered object detector.",
        max_length=3072,
        description="Description of the pipeline in Studio.",
    )

    @property
    def predict_name(self) -> str:
        """Name of the pipeline that predicts new images."""
        return f"{self.name}-predict"

    @property
    def monitor_name(self) -> str:
        """Name of the pipeline that compares captured requests with the baseline."""
        return f"{self.name}-monitor"

    def of_kind(self, kind: Literal["training", "predict", "monitor"]) -> str:
        """Return the name of a pipeline that a schedule can start."""
        return {"training": self.name, "predict": self.predict_name, "monitor": self.monitor_name}[kind]

    @model_validator(mode="after")
    def _names_differ(self) -> PipelineSettings:
        if self.name == self.deploy_name:
            raise ValueError(f"name and deploy_name are both {self.name!r}; they are two pipelines")
        return self


class NetworkSettings(Settings):
    """The network of the jobs and of the hosted model."""

    subnets: list[str] = Field([], max_length=16, description="VPC subnets of all jobs and of the hosted model.")
    security_groups: list[str] = Field([], max_length=5, description="Security groups; required with subnets.")
    isolation: bool = Field(False, description="EnableNetworkIsolation: containers have no network.")
    encrypt_traffic: bool = Field(False, description="Encrypt traffic between the instances of one job.")

    @model_validator(mode="after")
    def _subnets_with_security_groups(self) -> NetworkSettings:
        if bool(self.subnets) != bool(self.security_groups):
            raise ValueError("subnets and security_groups go together: give both, or neither")
        return self


class AwsSettings(Settings):
    """The account, and the places of data and results in it."""

    region: str = Field("us-east-1", description="AWS region of the pipeline, its jobs and its bucket.")
    account: AccountId | None = Field(
        None, description="Account that this configuration is for, checked by doctor; null: any."
    )
    role: RoleArn = Field(description="ARN of the execution role that the pipeline and its jobs run as.")
    bucket: BucketName = Field(description="S3 bucket for code, data and results, in the same region.")
    prefix: KeyPrefix = Field(
        # URIs of results are values of the model package's metadata, which have at most 256 characters.
        "groundloop",
        description="Key prefix in the bucket under which everything is written.",
    )
    kms_key: str | None = Field(
        None,
        max_length=2048,
        description="KMS key for outputs and volumes; null: the AWS managed keys. Volumes of instance types with local "
        "storage, which is encrypted in hardware, take no key.",
    )
    decrypt_keys: list[Annotated[str, StringConstraints(min_length=1, max_length=2048)]] = Field(
        [],
        max_length=10,
        description="Further KMS keys that labels or images are encrypted with; the role may only decrypt with them.",
    )
    tags: dict[str, str] = Field({}, max_length=40, description="Tags of every resource that is created.")
    network: NetworkSettings = Field(NetworkSettings(), description="VPC, isolation, traffic encryption.")


class SparkSettings(Settings):
    """The cluster that Prepare runs on with `engine: spark`; its instances are of processing.instance_type."""

    instance_count: int = Field(2, ge=1, le=100, description="Number of instances, the driver's included.")
    image_uri: str | None = Field(
        None,
        max_length=255,
        description="Custom image based on SageMaker's for Spark, Python 3.10+; null: SageMaker's, Spark 3.5.",
    )


class ProcessingSettings(Settings):
    """Instances and image of the processing jobs: Prepare, Evaluate and Deploy."""

    instance_type: InstanceType = Field("ml.m5.xlarge", description="Instance type of the processing jobs.")
    volume_gb: int = Field(30, ge=1, le=16384, description="Size of the instance's volume, GB.")
    max_runtime_minutes: int = Field(120, ge=1, le=12960, description="The job is stopped after this.")
    image_uri: str | None = Field(
        None,
        max_length=255,
        description="Custom image with Python 3.10+; null: SageMaker's scikit-learn image, Python 3.12.",
    )
    requirements: Literal["install", "preinstalled"] = Field(
        "install", description="install: pip installs the job's pins at start; preinstalled: image_uri has them."
    )

    engine: Literal["processes", "spark"] = Field(
        "processes",
        description="Engine of Prepare: all processors of one instance, or a Spark cluster; the results are equal.",
    )
    spark: SparkSettings = Field(SparkSettings(), description="The cluster of engine: spark.")

    @model_validator(mode="after")
    def _preinstalled_needs_image(self) -> ProcessingSettings:
        if self.requirements == "preinstalled" and self.image_uri is None:
            raise ValueError(
                "requirements: preinstalled needs image_uri, an image that holds steps/prepare/requirements.txt and "
                "steps/evaluate/requirements.txt"
            )
        if self.requirements == "preinstalled" and self.engine == "spark" and self.spark.image_uri is None:
            raise ValueError("requirements: preinstalled with engine: spark needs spark.image_uri, for Prepare")
        return self


class TrackingSettings(Settings):
    """Where executions are logged: runs of MLflow."""

    mlflow: str | None = Field(
        None,
        max_length=250,
        description="Tracking URI: the ARN of an MLflow app or tracking server of SageMaker, https://..., or "
        "sqlite:///mlflow.db; null: none.",
    )
    experiment: str | None = Field(None, max_length=250, description="Name of the experiment; null: the pipeline's.")
    at: Literal["evaluate", "command"] = Field(
        "evaluate", description="evaluate: the Evaluate job logs the run; command: only `groundloop track` does."
    )

    @field_validator("mlflow", "experiment")
    @classmethod
    def _valid(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None:
            try:
                (check_tracking_uri if info.field_name == "mlflow" else check_experiment)(value)
            except UserError as error:
                raise ValueError(str(error)) from None
        return value

    @model_validator(mode="after")
    def _jobs_reach_it(self) -> TrackingSettings:
        if self.in_job and self.mlflow and not is_reached_by_network(self.mlflow):
            raise ValueError(f"a job on AWS can't reach {self.mlflow}: set at to command, and run `groundloop track`")
        return self

    @property
    def in_job(self) -> bool:
        """Whether the Evaluate job logs the run."""
        return self.mlflow is not None and self.at == "evaluate"


class CacheSettings(Settings):
    """Reuse of a step's results when its inputs have not changed."""

    enabled: bool = Field(True, description="Reuse results of earlier executions.")
    expire_after: CacheAge = Field(
        "P30D", description="How old a reused result may be, an ISO 8601 duration (P30D, PT12H)."
    )


class RetryRule(Settings):
    """A retry policy: the wait grows from interval_seconds by backoff_rate."""

    interval_seconds: int = Field(ge=1, le=43200, description="Wait before the first retry, seconds.")
    backoff_rate: float = Field(2.0, ge=1, le=10, description="Each wait is this many times the one before.")
    max_attempts: int = Field(ge=1, le=20, description="Maximum number of retries.")


class RetrySettings(Settings):
    """Retry policies by kind of failure; null disables one."""

    service: RetryRule | None = Field(
        RetryRule(interval_seconds=10, max_attempts=5), description="Faults and throttling of the service, every step."
    )
    job: RetryRule | None = Field(
        RetryRule(interval_seconds=60, max_attempts=2), description="Internal errors of a job."
    )
    capacity: RetryRule | None = Field(
        RetryRule(interval_seconds=300, backoff_rate=1.5, max_attempts=6),
        description="No capacity for the instance type.",
    )


class ExecutionSettings(Settings):
    """Step caching and retry policies."""

    cache: CacheSettings = Field(CacheSettings(), description="Step caching.")
    retry: RetrySettings = Field(RetrySettings(), description="Retry policies.")
