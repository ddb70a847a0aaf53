"""Builders of steps with the SDK, for definitions of other shapes than ours."""

from __future__ import annotations

from typing import Any

from pipeline import sdk  # first: the SDK can't be imported without a region

# isort: split
from sagemaker.core.model_registry import create_model_package_from_containers
from sagemaker.core.processing import ScriptProcessor
from sagemaker.core.shapes import (
    Channel,
    CheckpointConfig,
    DataSource,
    OutputDataConfig,
    ProcessingInput,
    ProcessingOutput,
    ProcessingS3Input,
    ProcessingS3Output,
    S3DataSource,
    ShuffleConfig,
    StoppingCondition,
)
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join
from sagemaker.mlops.workflow.model_step import ModelStep
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.steps import ProcessingStep, Step
from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute

from steps.model import capture_model_request

ROLE = "arn:aws:iam::111122223333:role/pipelines"
OWN_IMAGE = "111122223333.dkr.ecr.us-east-1.amazonaws.com/boosting:3"
DETECTOR = "811284229777.dkr.ecr.us-east-1.amazonaws.com/object-detection:1"
RUN = ExecutionVariables.PIPELINE_EXECUTION_ID
SESSION = sdk.OfflineSession("us-east-1", "bucket")


def processing(
    name: str, *arguments: Any, source: Any = "s3://bucket/raw", instance_type: Any = "ml.m5.large", **more: Any
) -> ProcessingStep:
    processor = ScriptProcessor(
        image_uri=OWN_IMAGE,
        command=["python3"],
        role=ROLE,
        instance_count=1,
        instance_type=instance_type,
        sagemaker_session=SESSION,
    )
    step_args = processor.run(
        code="s3://bucket/code/run.py",
        arguments=list(arguments) or None,
        inputs=[
            ProcessingInput(
                input_name="data",
                s3_input=ProcessingS3Input(
                    s3_uri=source, local_path="/opt/ml/processing/in", s3_data_type="S3Prefix", s3_input_mode="File"
                ),
            )
        ],
        outputs=[
            ProcessingOutput(
                output_name="out",
                s3_output=ProcessingS3Output(
                    s3_uri=Join(on="/", values=["s3://bucket", RUN, name]),
                    local_path="/opt/ml/processing/out",
                    s3_upload_mode="EndOfJob",
                ),
            )
        ],
    )
    return ProcessingStep(name=name, step_args=step_args, **more)


def output(step: ProcessingStep) -> Any:
    return step.properties.ProcessingOutputConfig.Outputs["out"].S3Output.S3Uri


def channel(name: str, uri: Any, content: str = "text/csv", **more: Any) -> Channel:
    source = S3DataSource(s3_data_type="S3Prefix", s3_uri=uri, s3_data_distribution_type="FullyReplicated")
    return Channel(channel_name=name, content_type=content, data_source=DataSource(s3_data_source=source), **more)


def augmented(name: str, attribute: Any) -> Channel:
    source = S3DataSource(
        s3_data_type="AugmentedManifestFile",
        s3_uri=f"s3://bucket/{name}.manifest",
        s3_data_distribution_type="FullyReplicated",
        attribute_names=["source-ref", attribute],
    )
    return Channel(
        channel_name=name,
        content_type="application/x-recordio",
        record_wrapper_type="RecordIO",
        input_mode="Pipe",
        shuffle_config=ShuffleConfig(seed=3),
        data_source=DataSource(s3_data_source=source),
    )


def trainer(
    channels: list[Channel],
    hyperparameters: dict[str, Any],
    *,
    image: Any = OWN_IMAGE,
    instance_type: Any = "ml.m5.xlarge",
    spot: bool = False,
    mode: str = "File",
) -> ModelTrainer:
    return ModelTrainer(
        training_image=image,
        training_input_mode=mode,
        role=ROLE,
        sagemaker_session=SESSION,
        hyperparameters=hyperparameters,
        compute=Compute(
            instance_type=instance_type,
            instance_count=1,
            volume_size_in_gb=30,
            enable_managed_spot_training=spot or None,
        ),
        stopping_condition=StoppingCondition(
            max_runtime_in_seconds=3600, max_wait_time_in_seconds=7200 if spot else None
        ),
        checkpoint_config=CheckpointConfig(s3_uri="s3://bucket/checkpoints") if spot else None,
        output_data_config=OutputDataConfig(s3_output_path="s3://bucket/models", compression_type="GZIP"),
        input_data_config=channels,
    )


def model(name: str, data: Any, image: str = OWN_IMAGE) -> ModelStep:
    def create() -> None:
        SESSION.create_model(name=None, role=ROLE, container_defs={"Image": image, "ModelDataUrl": data})

    return ModelStep(name=name, step_args=capture_model_request(SESSION, create))


def register(name: str, data: Any, **more: Any) -> ModelStep:
    def create() -> None:
        create_model_package_from_containers(
            SESSION,
            model_package_group_name="group",
            containers=[{"Image": OWN_IMAGE, "ModelDataUrl": data}],
            content_types=["text/csv"],
            response_types=["text/csv"],
            inference_instances=["ml.t2.medium", "ml.m5.large"],
            transform_instances=["ml.m5.large"],
            **more,
        )

    return ModelStep(name=name, step_args=capture_model_request(SESSION, create))


def pipeline(name: str, steps: list[Step], parameters: list[Any] | None = None) -> Pipeline:
    return Pipeline(name=name, parameters=parameters or [], steps=steps, sagemaker_session=SESSION)
