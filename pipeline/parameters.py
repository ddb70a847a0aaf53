"""The pipelines' parameters: the knobs in Studio. Each has a default from the configuration, and each is used."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import get_args

from sagemaker.core.workflow.parameters import Parameter, ParameterFloat, ParameterInteger, ParameterString

from pipeline.config import Config
from steps.deploy.settings import DeploySettings, EndpointSettings
from steps.register.settings import RegistrySettings
from steps.settings import Settings
from steps.train.settings import TrainingSettings


@dataclass(frozen=True)
class Parameters:
    """Parameters of the pipeline from labels to endpoint. Names have no underscore: EventBridge refuses it."""

    input_manifest: ParameterString
    label_attribute: ParameterString
    processing_instance_type: ParameterString
    train_instance_type: ParameterString
    transform_instance_type: ParameterString
    epochs: ParameterInteger
    mini_batch_size: ParameterInteger
    learning_rate: ParameterFloat
    min_map: ParameterFloat
    min_map_50: ParameterFloat
    min_voc_map: ParameterFloat
    max_count_mae: ParameterFloat
    approval_status: ParameterString
    deploy_mode: ParameterString
    endpoint_name: ParameterString
    endpoint_instance_type: ParameterString | None

    @classmethod
    def of(cls, config: Config) -> Parameters:
        chosen = config.training.hyperparameters
        return cls(
            input_manifest=ParameterString("InputManifest", config.labels.manifest),
            label_attribute=ParameterString("LabelAttribute", config.labels.attribute),
            processing_instance_type=ParameterString("ProcessingInstanceType", config.processing.instance_type),
            train_instance_type=ParameterString(
                "TrainInstanceType",
                config.training.instance_type,
                enum_values=_choices(TrainingSettings, "instance_type"),
            ),
            transform_instance_type=ParameterString("TransformInstanceType", config.predict.instance_type),
            epochs=ParameterInteger("Epochs", chosen.epochs),
            mini_batch_size=ParameterInteger("MiniBatchSize", chosen.mini_batch_size),
            learning_rate=ParameterFloat("LearningRate", chosen.learning_rate),
            min_map=ParameterFloat("MinMap", config.gate.map),
            min_map_50=ParameterFloat("MinMap50", config.gate.map_50),
            min_voc_map=ParameterFloat("MinVocMap", config.gate.voc_map),
            max_count_mae=ParameterFloat("MaxCountMae", config.gate.count_mae),
            approval_status=ParameterString(
                "ModelApprovalStatus",
                config.registry.approval_status,
                enum_values=_choices(RegistrySettings, "approval_status"),
            ),
            deploy_mode=ParameterString("DeployMode", config.deploy.mode, enum_values=_choices(DeploySettings, "mode")),
            endpoint_name=ParameterString("EndpointName", config.deploy.endpoint.name),
            endpoint_instance_type=endpoint_instance_type(config.deploy.endpoint),
        )

    def all(self) -> list[Parameter]:
        parameters = [getattr(self, field.name) for field in fields(self)]
        return [parameter for parameter in parameters if parameter is not None]


def endpoint_instance_type(endpoint: EndpointSettings) -> ParameterString | None:
    """The endpoint's machine as a parameter; None for a serverless endpoint, which has none."""
    return None if endpoint.serverless else ParameterString("EndpointInstanceType", endpoint.instance_type)


def _choices(settings: type[Settings], field: str) -> list[str]:
    """The values of a Literal field, so that configuration and Studio offer the same."""
    return list(get_args(settings.model_fields[field].annotation))
