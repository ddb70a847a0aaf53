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
from sagemaker.core.workflow.parameters import ParameterFloat, ParameterInteger, ParameterString
from sagemaker.mlops.workflow.steps import ProcessingStep, TrainingStep
from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute, Networking

from groundloop.spec.object_detection import RECORDIO
from steps.build_context import BuildContext
from steps.prepare.step import derived, manifest_uri
from steps.train.settings import TrainingSettings

NAME = "Train"
# Image first, then label: the order in which each line's records reach the algorithm.
ATTRIBUTES = ["source-ref", "bounding-box"]


@functools.cache
def image_uri(region: str) -> str:
    """The built-in algorithm's image, always tag 1; the model is hosted with the image it was trained with.

    Raises:
        ValueError: SageMaker has no such image in the region.
    """
    uri: str = retrieve("object-detection", region=region)
    return uri


def train_step(
    building: BuildContext,
    settings: TrainingSettings,
    *,
    prepare: ProcessingStep,
    shuffle_seed: int,
    instance_type: ParameterString,
    epochs: ParameterInteger,
    mini_batch_size: ParameterInteger,
    learning_rate: ParameterFloat,
) -> TrainingStep:
    """The Train step. What depends on the data comes from Prepare, so nobody types it."""
    aws = building.aws
    spot = settings.spot.enabled
    runtime_seconds = settings.max_runtime_minutes * 60
    trainer = ModelTrainer(
        training_image=image_uri(aws.region),
        training_input_mode=settings.input_mode,
        role=aws.role,
        sagemaker_session=building.session,
        hyperparameters={
            **settings.hyperparameters.strings(),
            "epochs": epochs.to_string(),
            "mini_batch_size": mini_batch_size.to_string(),
            "learning_rate": learning_rate.to_string(),
            "num_classes": derived(prepare, "num_classes"),
            "num_training_samples": derived(prepare, "num_training_samples"),
            "label_width": derived(prepare, "label_width"),
        },
        compute=Compute(
            instance_type=instance_type,
            instance_count=settings.instance_count,
            volume_size_in_gb=settings.volume_gb,
            volume_kms_key_id=aws.kms_key,
            enable_managed_spot_training=spot or None,
        ),
        stopping_condition=StoppingCondition(
            max_runtime_in_seconds=runtime_seconds,
            max_wait_time_in_seconds=settings.spot.max_wait_minutes * 60 if spot else None,
        ),
        checkpoint_config=CheckpointConfig(s3_uri=building.results("train", "checkpoints")) if spot else None,
        output_data_config=OutputDataConfig(
            s3_output_path=building.results("train"), kms_key_id=aws.kms_key, compression_type="GZIP"
        ),
        input_data_config=[
            _channel("train", manifest_uri(prepare, "train.manifest"), ShuffleConfig(seed=shuffle_seed)),
            _channel("validation", manifest_uri(prepare, "validation.manifest")),
        ],
        networking=_networking(building),
        tags=[Tag(key=key, value=value) for key, value in sorted(aws.tags.items())] or None,
    )
    return TrainingStep(
        name=NAME,
        display_name="Train detector",
        description="Built-in Object Detection (SSD), augmented manifest in Pipe mode.",
        step_args=trainer.train(),
        cache_config=building.cache,
        retry_policies=building.job_retries,
    )


def _channel(name: str, uri: PipelineVariable, shuffle: ShuffleConfig | None = None) -> Channel:
    """One augmented-manifest channel; RecordIO keeps image and label apart in the stream."""
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


def _networking(building: BuildContext) -> Networking | None:
    network = building.aws.network
    if not (network.subnets or network.isolation or network.encrypt_traffic):
        return None
    return Networking(
        subnets=network.subnets or None,
        security_group_ids=network.security_groups or None,
        enable_network_isolation=network.isolation or None,
        enable_inter_container_traffic_encryption=network.encrypt_traffic or None,
    )
