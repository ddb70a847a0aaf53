"""The whole configuration as one model, and the rules that span several steps."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from groundloop.errors import UserError
from groundloop.tracking.destination import check_tracking_uri
from pipeline.config.labeling import LabelingSettings
from pipeline.config.review import ReviewSettings
from pipeline.config.triggers import TriggersSettings
from steps.deploy.settings import DeploySettings
from steps.evaluate.settings import EvaluateSettings, GateSettings
from steps.monitor.settings import MonitorSettings
from steps.predict.settings import PredictSettings
from steps.prepare.settings import LabelsSettings, PrepareSettings
from steps.register.settings import RegistrySettings
from steps.settings import (
    AwsSettings,
    ExecutionSettings,
    InstanceType,
    PipelineSettings,
    ProcessingSettings,
    Settings,
    TrackingSettings,
)
from steps.train.settings import TrainingSettings


class CostsSettings(Settings):
    """Prices of instances, for the cost estimate of `groundloop plan`."""

    hourly_usd: dict[InstanceType, Annotated[float, Field(gt=0)]] = Field(
        {}, description="US dollars per hour by instance type; prices of other types come from the AWS Pricing API."
    )


class Config(Settings):
    """The whole configuration, in the order of `configs/base.yaml`."""

    pipeline: PipelineSettings = Field(PipelineSettings(), description="The pipelines' names.")
    aws: AwsSettings = Field(description="Account, bucket, role, network.")
    labels: LabelsSettings = Field(description="Labelled images and their classes.")
    processing: ProcessingSettings = Field(
        ProcessingSettings(), description="Instances and image of the processing jobs."
    )
    prepare: PrepareSettings = Field(PrepareSettings(), description="Checks of the labels, and splits.")
    training: TrainingSettings = Field(TrainingSettings(), description="The built-in algorithm's training.")
    predict: PredictSettings = Field(PredictSettings(), description="Batch Transform: validation and test, new images.")
    evaluate: EvaluateSettings = Field(EvaluateSettings(), description="Operating threshold, intervals and slices.")
    gate: GateSettings = Field(GateSettings(), description="Thresholds of the metrics on the test split.")
    registry: RegistrySettings = Field(RegistrySettings(), description="Model registry.")
    deploy: DeploySettings = Field(DeploySettings(), description="Endpoint and deployment.")
    monitor: MonitorSettings = Field(
        MonitorSettings(), description="Comparison of captured requests with what the model was evaluated on."
    )
    review: ReviewSettings = Field(ReviewSettings(), description="Queues of images that people review.")
    triggers: TriggersSettings = Field(TriggersSettings(), description="EventBridge rules that start the pipelines.")
    labeling: LabelingSettings = Field(LabelingSettings(), description="Ground Truth's labelling jobs, and A2I.")
    execution: ExecutionSettings = Field(ExecutionSettings(), description="Step caching and retries.")
    tracking: TrackingSettings = Field(TrackingSettings(), description="Logging of executions to MLflow.")
    costs: CostsSettings = Field(CostsSettings(), description="Prices for the cost estimate of `groundloop plan`.")

    @property
    def has_monitor(self) -> bool:
        """Whether there is a monitor pipeline: the endpoint captures requests, or captured ones are elsewhere."""
        captures = self.deploy.mode != "never" and self.deploy.endpoint.data_capture_percent > 0
        return captures or self.monitor.captures is not None

    @model_validator(mode="after")
    def _gate_classes_exist(self) -> Config:
        self.gate.check_classes(self.labels.classes)
        return self

    @model_validator(mode="after")
    def _gate_slices_exist(self) -> Config:
        self.gate.check_slices(self.evaluate.slices)
        return self

    @model_validator(mode="after")
    def _isolated_jobs_need_no_network(self) -> Config:
        if self.aws.network.isolation:
            if self.processing.requirements != "preinstalled":
                raise ValueError(
                    "aws.network.isolation leaves the jobs without a network, so pip can't install their requirements: "
                    "set processing.image_uri to an image that holds steps/prepare/requirements.txt and "
                    "steps/evaluate/requirements.txt, and processing.requirements to preinstalled"
                )
            if self.tracking.in_job:
                raise ValueError(
                    "aws.network.isolation leaves Evaluate without a network, so it can't reach MLflow: set "
                    "tracking.at to command, and run `groundloop track`"
                )
            if self.gate.min_improvement_over_champion:
                raise ValueError(
                    "aws.network.isolation leaves Evaluate without a network, so it can't read the registry: "
                    "set gate.min_improvement_over_champion to {}"
                )
            if self.prepare.check_images != "none":
                raise ValueError(
                    "aws.network.isolation leaves Prepare without a network, so it can't check the images in S3: "
                    "set prepare.check_images to none"
                )
        return self

    @model_validator(mode="after")
    def _jobs_may_write_to_mlflow(self) -> Config:
        if self.tracking.in_job and self.tracking.mlflow:
            account = self.aws.role.split(":")[4]
            try:
                check_tracking_uri(self.tracking.mlflow, self.aws.region, account)
            except UserError as error:
                raise ValueError(f"tracking.mlflow: {error}") from None
        return self

    @model_validator(mode="after")
    def _predict_schedules_have_images(self) -> Config:
        if not self.predict.input:
            for name, schedule in self.triggers.schedules.items():
                if schedule.pipeline == "predict":
                    raise ValueError(
                        f"triggers.schedules.{name} starts the predict pipeline, which does not exist without "
                        "predict.input: set it to the S3 prefix or manifest of the images"
                    )
        return self

    @model_validator(mode="after")
    def _monitor_schedules_have_requests(self) -> Config:
        if not self.has_monitor:
            for name, schedule in self.triggers.schedules.items():
                if schedule.pipeline == "monitor":
                    raise ValueError(
                        f"triggers.schedules.{name} starts the monitor pipeline, which does not exist without captured "
                        "requests: set deploy.endpoint.data_capture_percent, or monitor.captures to their S3 prefix"
                    )
        return self

    @model_validator(mode="after")
    def _pipelines_have_names_of_their_own(self) -> Config:
        others = {"predict": self.pipeline.predict_name} if self.predict.input else {}
        others |= {"monitor": self.pipeline.monitor_name} if self.has_monitor else {}
        for kind, name in others.items():
            if self.pipeline.deploy_name == name:
                raise ValueError(
                    f"pipeline.deploy_name is {name!r}, which is the name of the {kind} pipeline: choose another"
                )
        return self

    @model_validator(mode="after")
    def _serverless_has_no_vpc(self) -> Config:
        if self.deploy.endpoint.serverless and (self.aws.network.subnets or self.aws.network.isolation):
            raise ValueError(
                "deploy.endpoint.serverless: a serverless endpoint takes neither a VPC nor network isolation: "
                "drop it, or aws.network.subnets and aws.network.isolation"
            )
        return self
