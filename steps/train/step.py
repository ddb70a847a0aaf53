"""Train: the built-in Object Detection algorithm on the augmented manifests, streamed in Pipe mode."""

from __future__ import annotations

import functools

from sagemaker.core.helper.pipeline_variable import PipelineVariable
from sagemaker.core.image_uris import retrieve
from sagemaker.core.shapes import (
    Channel,
    CheckpointConfig,
    DataSource,
    OutputDataConfig,
    S3DataSource,
    ShuffleConfig,
    StoppingCondition,
    Tag,
)
from sagemaker.mlops.workflow.steps import ProcessingStep, TrainingStep
from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute, Networking

from groundloop.spec.object_detection import MODEL_CONTENT_TYPE, RECORDIO
from steps.build_context import BuildContext
from steps.prepare.settings import PrepareSettings
from steps.prepare.step import summary_value, training_data_uri
from steps.train.settings import TrainingSettings

NAME = "Train"
# Image first, then label: the order in which each line's records reach the algorithm.
ATTRIBUTES = ["source-ref", "bounding-box"]
# The model that training starts from, beside the manifests (steps/prepare/writing.py).
MODEL = "model.tar.gz"


@functools.cache
def algorithm_image_uri(region: str) -> str:
    """Return the URI of the built-in algorithm's image, which trains the model and serves it.

    Raises:
        ValueError: SageMaker has no such image in the region.
    """
    uri: str = retrieve("object-detection", region=region)
    return uri


def train_step(context: BuildContext, prepare: ProcessingStep) -> TrainingStep:
    """Return the Train step; the hyperparameters that depend on the data come from Prepare."""
    settings, aws, p = context.settings(TrainingSettings), context.aws, context.parameters
    shuffle_seed = context.settings(PrepareSettings).shuffle_seed
    spot = settings.spot.enabled
    runtime_seconds = settings.max_runtime_minutes * 60
    trainer = ModelTrainer(
        training_image=algorithm_image_uri(aws.region),
        training_input_mode=settings.input_mode,
        role=aws.role,
        sagemaker_session=context.session,
        hyperparameters={
            **settings.hyperparameter_strings(),
            "epochs": p.epochs.to_string(),
            "mini_batch_size": p.mini_batch_size.to_string(),
            "learning_rate": p.learning_rate.to_string(),
            **{name: summary_value(prepare, name) for name in ("num_classes", "num_training_samples", "label_width")},
        },
        compute=Compute(
            instance_type=p.train_instance_type,
            instance_count=settings.instance_count,
            volume_size_in_gb=settings.volume_gb,
            # No volume_kms_key_id: types of TrainInstanceType have local storage, which is encrypted in hardware, and
            # the API rejects the key for them.
            enable_managed_spot_training=spot or None,
        ),
        stopping_condition=StoppingCondition(
            max_runtime_in_seconds=runtime_seconds,
            max_wait_time_in_seconds=settings.spot.max_wait_minutes * 60 if spot else None,
        ),
        checkpoint_config=CheckpointConfig(s3_uri=context.results("train", "checkpoints")) if spot else None,
        output_data_config=OutputDataConfig(
            s3_output_path=context.results("train"), kms_key_id=aws.kms_key, compression_type="GZIP"
        ),
        input_data_config=[
            _channel("train", training_data_uri(context, prepare, "train.manifest"), ShuffleConfig(seed=shuffle_seed)),
            _channel("validation", training_data_uri(context, prepare, "validation.manifest")),
            *([] if settings.start_from is None else [_model_channel(training_data_uri(context, prepare, MODEL))]),
        ],
        networking=_networking(context),
        tags=[Tag(key=key, value=value) for key, value in sorted(aws.tags.items())] or None,
    )
    return TrainingStep(
        name=NAME,
        display_name="Train detector",
        description="Built-in Object Detection (SSD), augmented manifest in Pipe mode.",
        step_args=trainer.train(),
        cache_config=context.cache,
        retry_policies=context.job_retries,
    )


def _channel(name: str, uri: PipelineVariable, shuffle: ShuffleConfig | None = None) -> Channel:
    """Return a channel of an augmented manifest; RecordIO keeps image and label apart in the stream."""
    return Channel(
        channel_name=name,
        content_type=RECORDIO,
        compression_type="None",
        record_wrapper_type="RecordIO",
        input_mode="Pipe",
        **({"shuffle_config": shuffle} if shuffle else {}),
        data_source=DataSource(
            s3_data_source=S3DataSource(
                s3_data_type="AugmentedManifestFile",
                s3_uri=uri,
                s3_data_distribution_type="FullyReplicated",
                attribute_names=ATTRIBUTES,
            )
        ),
    )


def _model_channel(uri: PipelineVariable) -> Channel:
    """Return the channel of the model that training starts from, which is a file also where others are streamed."""
    return Channel(
        channel_name="model",
        content_type=MODEL_CONTENT_TYPE,
        compression_type="None",
        input_mode="File",
        data_source=DataSource(
            s3_data_source=S3DataSource(
                s3_data_type="S3Prefix", s3_uri=uri, s3_data_distribution_type="FullyReplicated"
            )
        ),
    )


def _networking(context: BuildContext) -> Networking | None:
    network = context.aws.network
    if not (network.subnets or network.isolation or network.encrypt_traffic):
        return None
    return Networking(
        subnets=network.subnets or None,
        security_group_ids=network.security_groups or None,
        enable_network_isolation=network.isolation or None,
        enable_inter_container_traffic_encryption=network.encrypt_traffic or None,
    )
