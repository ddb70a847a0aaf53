"""The whole configuration as one model, and the rules that span several steps."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from pipeline.config.triggers import TriggersSettings
from steps.deploy.settings import DeploySettings
from steps.evaluate.settings import EvaluateSettings, GateSettings
from steps.predict.settings import PredictSettings
from steps.prepare.settings import LabelsSettings, PrepareSettings
from steps.register.settings import RegistrySettings
from steps.settings import AwsSettings, ExecutionSettings, InstanceType, ProcessingSettings, Settings
from steps.train.settings import TrainingSettings

PipelineName = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,255}$", max_length=256)]


class PipelineSettings(Settings):
    """Names of the two pipelines."""

    name: PipelineName = Field("groundloop", description="Name of the pipeline from labels to endpoint.")
    deploy_name: PipelineName = Field("groundloop-deploy", description="Name of the pipeline that deploys a package.")
    description: str = Field(
        "Ground Truth labels to a registered object detector.", max_length=3072, description="Shown in Studio."
    )

    @model_validator(mode="after")
    def _names_differ(self) -> PipelineSettings:
        if self.name == self.deploy_name:
            raise ValueError(f"name and deploy_name are both {self.name!r}; they are two pipelines")
        return self


class CostsSettings(Settings):
    """Prices of machines, for what `groundloop plan` says an execution can cost."""

    hourly_usd: dict[InstanceType, Annotated[float, Field(gt=0)]] = Field(
        {}, description="US dollars an hour by machine type; of other types the AWS Pricing API is asked."
    )


class Config(Settings):
    """Every setting of the product, in the order of ``configs/base.yaml``."""

    pipeline: PipelineSettings = Field(PipelineSettings(), description="The pipelines' names.")
    aws: AwsSettings = Field(description="Account, bucket, role, network.")
    labels: LabelsSettings = Field(description="The labels.")
    processing: ProcessingSettings = Field(ProcessingSettings(), description="Machine of Prepare and Evaluate.")
    prepare: PrepareSettings = Field(PrepareSettings(), description="Checks and splits.")
    training: TrainingSettings = Field(TrainingSettings(), description="The built-in algorithm's training.")
    predict: PredictSettings = Field(PredictSettings(), description="Batch Transform over validation and test.")
    evaluate: EvaluateSettings = Field(EvaluateSettings(), description="Operating threshold and intervals.")
    gate: GateSettings = Field(GateSettings(), description="What the figures on the test split must reach.")
    registry: RegistrySettings = Field(RegistrySettings(), description="Model registry.")
    deploy: DeploySettings = Field(DeploySettings(), description="Deployment.")
    triggers: TriggersSettings = Field(TriggersSettings(), description="What starts the pipelines.")
    execution: ExecutionSettings = Field(ExecutionSettings(), description="Caching and retries.")
    costs: CostsSettings = Field(CostsSettings(), description="Prices for `groundloop plan`.")

    @model_validator(mode="after")
    def _the_gate_asks_about_classes_that_there_are(self) -> Config:
        self.gate.check_classes(self.labels.classes)
        return self

    @model_validator(mode="after")
    def _isolated_jobs_need_nothing_from_outside(self) -> Config:
        if self.aws.network.isolation:
            if self.processing.requirements != "preinstalled":
                raise ValueError(
                    "aws.network.isolation leaves the jobs without a network, so pip can't install their requirements: "
                    "set processing.image_uri to an image that holds steps/requirements.txt and "
                    "processing.requirements to preinstalled"
                )
            if self.gate.min_improvement_over_champion:
                raise ValueError(
                    "aws.network.isolation leaves Evaluate without a network, so it can't read the registry: "
                    "set gate.min_improvement_over_champion to {}"
                )
            if self.prepare.check_images != "none":
                raise ValueError(
                    "aws.network.isolation leaves Prepare without a network, so it can't look at images in S3: "
                    "set prepare.check_images to none"
                )
        return self

    @model_validator(mode="after")
    def _serverless_is_open(self) -> Config:
        if self.deploy.endpoint.serverless and (self.aws.network.subnets or self.aws.network.isolation):
            raise ValueError(
                "deploy.endpoint.serverless: a serverless endpoint takes neither a VPC nor network isolation: "
                "drop it, or aws.network.subnets and aws.network.isolation"
            )
        return self
