"""The pipelines' parameters, which Studio offers for each execution; their defaults come from the configuration."""

from __future__ import annotations

from typing import get_args

from sagemaker.core.workflow.parameters import ParameterFloat, ParameterInteger, ParameterString

from pipeline.config import Config
from pipeline.reviewed_manifest import PARAMETER, no_labels_uri
from steps.build_context import Parameters
from steps.deploy.arguments import LATEST_APPROVED, NO_CHANGE
from steps.deploy.settings import DeploySettings
from steps.evaluate.requirements import AT_LEAST, AT_MOST
from steps.register.settings import RegistrySettings
from steps.settings import Settings
from steps.train.settings import TrainingSettings

#: Parameters of the quality gate, by metric and operator. Each exists when `gate.thresholds` sets its threshold.
_THRESHOLDS = {
    ("map", AT_LEAST): "MinMap",
    ("map_50", AT_LEAST): "MinMap50",
    ("voc_map", AT_LEAST): "MinVocMap",
    ("count.mae", AT_MOST): "MaxCountMae",
}


def pipeline_parameters(config: Config) -> Parameters:
    """Return the parameters of all pipelines. Their names hold no underscore: EventBridge rejects it."""
    hyperparameters, endpoint = config.training.hyperparameters, config.deploy.endpoint
    tuning = config.training.tuning
    mini_batch_size = ParameterInteger("MiniBatchSize", hyperparameters.mini_batch_size)
    set_thresholds = {(item.metric, item.operator): item.threshold for item in config.gate.requirements}
    return Parameters(
        input_manifest=ParameterString("InputManifest", config.labels.manifest),
        reviewed_manifest=ParameterString(PARAMETER, no_labels_uri(config)),
        label_attribute=ParameterString("LabelAttribute", config.labels.attribute),
        processing_instance_type=ParameterString("ProcessingInstanceType", config.processing.instance_type),
        train_instance_type=ParameterString(
            "TrainInstanceType", config.training.instance_type, enum_values=_choices(TrainingSettings, "instance_type")
        ),
        transform_instance_type=ParameterString("TransformInstanceType", config.predict.instance_type),
        epochs=ParameterInteger("Epochs", hyperparameters.epochs),
        mini_batch_size=mini_batch_size,
        max_mini_batch_size=str(tuning.largest_mini_batch)
        if tuning.largest_mini_batch
        else mini_batch_size.to_string(),
        learning_rate=ParameterFloat("LearningRate", config.training.learning_rate),
        tuned=tuning.tuned,
        searches_grid=tuning.strategy == "grid",
        tuning_jobs=ParameterInteger("TuningJobs", tuning.jobs),
        tuning_parallel_jobs=ParameterInteger("TuningParallelJobs", tuning.parallel_jobs),
        thresholds={
            key: ParameterFloat(name, set_thresholds[key]) for key, name in _THRESHOLDS.items() if key in set_thresholds
        },
        approval_status=ParameterString(
            "ModelApprovalStatus",
            config.registry.approval_status,
            enum_values=_choices(RegistrySettings, "approval_status"),
        ),
        deploy_mode=ParameterString("DeployMode", config.deploy.mode, enum_values=_deploy_modes(config.deploy)),
        endpoint_name=ParameterString("EndpointName", endpoint.name),
        endpoint_instance_type=(
            None if endpoint.serverless else ParameterString("EndpointInstanceType", endpoint.instance_type)
        ),
        model_package_arn=ParameterString("ModelPackageArn", LATEST_APPROVED),
        changed_package_arn=ParameterString("ChangedPackageArn", NO_CHANGE),
        input_uri=ParameterString("InputUri", config.predict.input),
        output_uri=ParameterString("OutputUri", predictions_prefix(config)),
        window_hours=ParameterInteger("WindowHours", config.monitor.window_hours),
    )


def predictions_prefix(config: Config) -> str:
    """Return the S3 prefix of the predict pipeline's results."""
    return (config.predict.output or f"s3://{config.aws.bucket}/{config.aws.prefix}/predictions").rstrip("/")


def _deploy_modes(settings: DeploySettings) -> list[str]:
    """Return the modes that an execution may choose: only never where the role is not allowed to deploy."""
    return ["never"] if settings.mode == "never" else _choices(DeploySettings, "mode")


def _choices(settings: type[Settings], field: str) -> list[str]:
    """Return the values of a Literal field, so that configuration and Studio offer the same."""
    return list(get_args(settings.model_fields[field].annotation))
