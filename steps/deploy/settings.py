"""Settings of deployment: when, to which endpoint, and how traffic shifts to a new version."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from steps.settings import InstanceType, ResourceName, S3Uri, Settings

PackageArn = Annotated[
    str, StringConstraints(pattern=r"^arn:aws[a-z-]*:sagemaker:[a-z0-9-]+:\d{12}:model-package/.+$", max_length=2048)
]
TopicArn = Annotated[str, StringConstraints(pattern=r"^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[a-zA-Z0-9_.-]+$")]


class ServerlessSettings(Settings):
    """A serverless endpoint: no instances of its own, billed by use, with cold starts, CPU only."""

    memory_mb: Literal[1024, 2048, 3072, 4096, 5120, 6144] = Field(4096, description="Memory, MB.")
    max_concurrency: int = Field(5, ge=1, le=200, description="Maximum of parallel requests; more are throttled.")
    provisioned_concurrency: int | None = Field(
        None,
        ge=1,
        le=200,
        description="Parallel requests that capacity is kept warm for, billed all the time; null: none.",
    )

    @model_validator(mode="after")
    def _provisioned_within_max(self) -> ServerlessSettings:
        if self.provisioned_concurrency and self.provisioned_concurrency > self.max_concurrency:
            raise ValueError(
                f"provisioned_concurrency {self.provisioned_concurrency} is over max_concurrency {self.max_concurrency}"
            )
        return self


class AsyncInferenceSettings(Settings):
    """An asynchronous endpoint: requests and responses are objects in S3, for large images and long queues."""

    output: S3Uri | None = Field(None, description="S3 prefix of the responses; null: async/ under aws.prefix.")
    max_concurrent_invocations: int | None = Field(
        None, ge=1, le=1000, description="Parallel requests per instance; null: chosen by SageMaker."
    )
    success_topic: TopicArn | None = Field(None, description="SNS topic for successful responses.")
    error_topic: TopicArn | None = Field(None, description="SNS topic for failures.")


class AutoscalingSettings(Settings):
    """Target tracking of the variant: instances are added and removed with the load."""

    min_instances: int = Field(1, ge=0, le=1000, description="Minimum of instances; 0 for asynchronous endpoints only.")
    max_instances: int = Field(ge=1, le=1000, description="Maximum of instances.")
    target: float = Field(
        gt=0, description="Target value: requests per instance and minute; asynchronous: queued requests per instance."
    )
    scale_out_cooldown_seconds: int = Field(60, ge=0, le=3600, description="ScaleOutCooldown, seconds.")
    scale_in_cooldown_seconds: int = Field(300, ge=0, le=3600, description="ScaleInCooldown, seconds.")

    @model_validator(mode="after")
    def _min_below_max(self) -> AutoscalingSettings:
        if self.min_instances > self.max_instances:
            raise ValueError(f"min_instances {self.min_instances} is over max_instances {self.max_instances}")
        return self


class VariantSettings(Settings):
    """A production variant: another version that gets a share of the requests."""

    name: ResourceName = Field(description="Name of the variant.")
    package: Annotated[int, Field(ge=1)] | PackageArn = Field(description="Version in registry.group, or package ARN.")
    weight: float = Field(gt=0, le=1e6, description="Its share is its weight over the sum of all weights.")
    instance_type: InstanceType | None = Field(None, description="Instance type; null: the endpoint's instance_type.")
    instance_count: int = Field(1, ge=1, le=100, description="Number of instances.")


class EndpointSettings(Settings):
    """The endpoint: real-time, serverless or asynchronous."""

    name: ResourceName = Field(
        "groundloop",
        description="Name of the endpoint, which is created, or updated when it exists. The role that doctor prints "
        "allows this name, and those that continue it with a hyphen.",
    )
    variant_name: ResourceName = Field("AllTraffic", description="Name of the production variant.")
    weight: float = Field(1.0, gt=0, le=1e6, description="Weight of the variant, against those of additional_variants.")
    instance_type: InstanceType = Field("ml.m5.xlarge", description="Instance type, CPU or GPU.")
    instance_count: int = Field(1, ge=1, le=100, description="Number of instances.")
    additional_variants: list[VariantSettings] = Field(
        [], max_length=9, description="Other variants that share the requests (A/B test)."
    )
    serverless: ServerlessSettings | None = Field(None, description="Serverless endpoint; null: one with instances.")
    async_inference: AsyncInferenceSettings | None = Field(None, description="Asynchronous endpoint; null: no.")
    autoscaling: AutoscalingSettings | None = Field(None, description="Autoscaling of the variant; null: no.")
    data_capture_percent: int = Field(
        0, ge=0, le=100, description="Share of requests whose data is captured to S3; 0: data capture is off."
    )

    @property
    def allowed_names(self) -> list[str]:
        """Return the patterns of endpoint names that the role's policy allows the parameter EndpointName to have."""
        return [self.name, f"{self.name}-*"]

    @model_validator(mode="after")
    def _single_inference_type(self) -> EndpointSettings:
        """Reject what AWS's documentation excludes from serverless endpoints, and what autoscaling lacks."""
        if self.serverless:
            for key, value in (
                ("async_inference", self.async_inference),
                ("autoscaling", self.autoscaling),
                ("additional_variants", self.additional_variants),
                ("data_capture_percent", self.data_capture_percent),
            ):
                if value:
                    raise ValueError(f"a serverless endpoint can't have {key}: drop serverless or {key}")
        if self.autoscaling and self.autoscaling.min_instances == 0 and not self.async_inference:
            raise ValueError("autoscaling.min_instances 0 needs an asynchronous endpoint; give at least 1")
        names = [self.variant_name, *(other.name for other in self.additional_variants)]
        if doubled := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"two variants are named {doubled!r}; each needs a name of its own")
        return self


class RolloutSettings(Settings):
    """How an update shifts traffic from the old version to the new one (blue/green deployment)."""

    traffic: Literal["all_at_once", "canary", "linear"] = Field(
        "all_at_once", description="canary: a first step, then the rest; linear: equal steps."
    )
    step_percent: int = Field(
        10, ge=1, le=50, description="Size of canary's first step, or of linear's steps (at least 10), percent."
    )
    wait_interval_minutes: int = Field(
        5, ge=0, le=60, description="WaitIntervalInSeconds: baking period after each step, minutes."
    )
    termination_wait_minutes: int = Field(
        0,
        ge=0,
        le=60,
        description="TerminationWaitInSeconds: old instances are kept for this after the last step, minutes.",
    )
    alarms: list[Annotated[str, StringConstraints(min_length=1, max_length=255)]] = Field(
        [], max_length=10, description="Names of CloudWatch alarms; one that goes off during the rollout rolls it back."
    )
    timeout_minutes: int = Field(60, ge=10, le=480, description="A rollout that takes longer is rolled back, minutes.")

    @property
    def warning(self) -> str | None:
        """Return what is accepted but not advisable, in a sentence; None if there is nothing."""
        if self.traffic == "all_at_once" or self.alarms:
            return None
        return (
            f"deploy.rollout.traffic is {self.traffic} without alarms: errors of the new version don't roll it back; "
            "name CloudWatch alarms in deploy.rollout.alarms"
        )

    @model_validator(mode="after")
    def _steps_fit_timeout(self) -> RolloutSettings:
        if self.traffic == "linear" and self.step_percent < 10:
            raise ValueError(f"step_percent {self.step_percent}: linear takes steps of 10 to 50 percent")
        if self.alarms and self.traffic == "all_at_once" and not self.termination_wait_minutes:
            raise ValueError(
                "alarms are watched during the termination wait: give termination_wait_minutes, or another traffic"
            )
        steps = {"all_at_once": 0, "canary": 2, "linear": -(-100 // self.step_percent)}[self.traffic]
        minimum = steps * self.wait_interval_minutes + self.termination_wait_minutes
        if minimum >= self.timeout_minutes:
            raise ValueError(
                f"timeout_minutes {self.timeout_minutes} is too short: {steps} x wait_interval_minutes and "
                f"termination_wait_minutes alone take {minimum} minutes"
            )
        return self


class DeploySettings(Settings):
    """Settings of the deploy steps and of the deploy pipeline."""

    mode: Literal["on_pass", "on_approval", "never"] = Field(
        "on_approval",
        description="on_pass: at once when the gate passes; on_approval: by the deploy pipeline; never: not at all.",
    )
    endpoint: EndpointSettings = Field(EndpointSettings(), description="The endpoint.")
    rollout: RolloutSettings = Field(RolloutSettings(), description="How an update shifts traffic.")

    @model_validator(mode="after")
    def _instances_allow_steps(self) -> DeploySettings:
        if self.rollout.traffic == "all_at_once":
            return self
        if self.endpoint.serverless:
            raise ValueError(
                f"rollout.traffic {self.rollout.traffic} needs instances; a serverless endpoint takes all_at_once"
            )
        if self.endpoint.instance_count < 2:
            raise ValueError(
                f"rollout.traffic {self.rollout.traffic} needs endpoint.instance_count of at least 2: a step is at "
                "least one instance and at most half of them"
            )
        return self

    @property
    def needs_job(self) -> bool:
        """Return whether the pipeline's own EndpointConfig and Endpoint steps can't express the deployment."""
        return bool(self.rollout != RolloutSettings() or self.endpoint.additional_variants or self.endpoint.autoscaling)
