"""What Prepare and Evaluate have in common: a Processing step that runs one job of this package."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, TypeAlias

from sagemaker.core.helper.pipeline_variable import PipelineVariable
from sagemaker.core.image_uris import retrieve
from sagemaker.core.processing import ScriptProcessor
from sagemaker.core.shapes import ProcessingInput, ProcessingOutput, ProcessingS3Input, ProcessingS3Output
from sagemaker.core.workflow.properties import PropertyFile
from sagemaker.mlops.workflow.steps import ProcessingStep

from steps.build_context import BuildContext
from steps.settings import ProcessingSettings

MOUNT = "/opt/ml/processing"
# Shown by DescribeProcessingJob as ExitMessage: a job's one line on what is wrong.
MESSAGE_FILE = "/opt/ml/output/message"

Text: TypeAlias = str | PipelineVariable


def image_uri(settings: ProcessingSettings, region: str) -> str:
    """The own image, or SageMaker's scikit-learn image with Python 3.12.

    Raises:
        ValueError: SageMaker has no such image in the region.
    """
    return settings.image_uri or _scikit_learn_image(region)


def spark_image_uri(settings: ProcessingSettings, region: str) -> str:
    """The own image, or SageMaker's Spark image with Python 3.12.

    Raises:
        ValueError: SageMaker has no such image in the region.
    """
    return settings.spark.image_uri or _spark_image(region)


@functools.cache
def _spark_image(region: str) -> str:
    uri: str = retrieve("spark", region=region, version="3.5", py_version="py312")
    return uri


@functools.cache
def _scikit_learn_image(region: str) -> str:
    uri: str = retrieve("sklearn", region=region, version="1.4-2-py312", py_version="py3")
    return uri


def processing_step(
    building: BuildContext,
    settings: ProcessingSettings,
    *,
    name: str,
    display_name: str,
    description: str,
    code_uri: str,
    instance_type: Text,
    arguments: Sequence[Text],
    inputs: dict[str, Text],
    outputs: Sequence[str],
    property_file: PropertyFile,
    spark_machines: int = 0,
) -> ProcessingStep:
    """A step that runs the job archive at ``code_uri``.

    Args:
        code_uri: S3 URI of the job's zip application (``pipeline/job_archive.py``).
        spark_machines: of the cluster that runs it; 0: one machine without Spark.
        inputs: Name to S3 URI; each lands in ``/opt/ml/processing/input/<name>``.
        outputs: Names; each is uploaded from ``/opt/ml/processing/output/<name>``.
        property_file: The JSON file that later steps read values from.
    """
    machine: dict[str, Any] = {
        "role": building.aws.role,
        "instance_type": instance_type,
        "volume_size_in_gb": settings.volume_gb,
        "volume_kms_key": building.aws.kms_key,
        "output_kms_key": building.aws.kms_key,
        "max_runtime_in_seconds": settings.max_runtime_minutes * 60,
        "sagemaker_session": building.session,
        "env": {"GROUNDLOOP_REQUIREMENTS": settings.requirements},
        "tags": building.tags or None,
        "network_config": building.processing_network,
    }
    work: dict[str, Any] = {
        "arguments": [*arguments, "--message-file", MESSAGE_FILE],
        "inputs": [
            ProcessingInput(
                input_name=name,
                s3_input=ProcessingS3Input(
                    s3_uri=uri, local_path=f"{MOUNT}/input/{name}", s3_data_type="S3Prefix", s3_input_mode="File"
                ),
            )
            for name, uri in inputs.items()
        ],
        "outputs": [
            ProcessingOutput(
                output_name=output,
                s3_output=ProcessingS3Output(
                    s3_uri=building.results(name.lower(), output),
                    local_path=f"{MOUNT}/output/{output}",
                    s3_upload_mode="EndOfJob",
                ),
            )
            for output in outputs
        ],
    }
    if spark_machines:
        from sagemaker.core.spark.processing import PySparkProcessor

        spark = PySparkProcessor(
            image_uri=spark_image_uri(settings, building.aws.region), instance_count=spark_machines, **machine
        )
        step_args = spark.run(submit_app=code_uri, **work)
    else:
        plain = ScriptProcessor(
            image_uri=image_uri(settings, building.aws.region), command=["python3"], instance_count=1, **machine
        )
        step_args = plain.run(code=code_uri, **work)
    return ProcessingStep(
        name=name,
        display_name=display_name,
        description=description,
        step_args=step_args,
        property_files=[property_file],
        cache_config=building.cache,
        retry_policies=building.job_retries,
    )


def output_uri(step: ProcessingStep, output: str) -> PipelineVariable:
    """S3 URI of one of a Processing step's outputs; from the cached run when the step came from the cache."""
    uri: PipelineVariable = step.properties.ProcessingOutputConfig.Outputs[output].S3Output.S3Uri
    return uri
