"""Processing steps: Prepare, Evaluate and Deploy each run one job of this package in one."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from sagemaker.core.helper.pipeline_variable import PipelineVariable
from sagemaker.core.image_uris import retrieve
from sagemaker.core.processing import ScriptProcessor
from sagemaker.core.shapes import ProcessingInput, ProcessingOutput, ProcessingS3Input, ProcessingS3Output
from sagemaker.core.workflow.functions import Join, JsonGet
from sagemaker.core.workflow.properties import PropertyFile
from sagemaker.mlops.workflow.steps import ProcessingStep

from steps.build_context import BuildContext
from steps.jobs import MESSAGE_FILE
from steps.settings import ProcessingSettings

MOUNT = "/opt/ml/processing"
Text: TypeAlias = str | PipelineVariable


def processing_image_uri(settings: ProcessingSettings, region: str) -> str:
    """Return the URI of the configured image, or of SageMaker's scikit-learn image with Python 3.12.

    Raises:
        ValueError: SageMaker has no such image in the region.
    """
    return settings.image_uri or _scikit_learn_image(region)


def spark_image_uri(settings: ProcessingSettings, region: str) -> str:
    """Return the URI of the configured image, or of SageMaker's Spark image with Python 3.12.

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
    context: BuildContext,
    *,
    name: str,
    display_name: str,
    description: str,
    instance_type: Text,
    arguments: Sequence[Text],
    inputs: dict[str, Text],
    outputs: Sequence[str],
    shared_outputs: Mapping[str, str] | None = None,
    property_file: PropertyFile,
    spark_instances: int = 0,
    max_runtime_minutes: int | None = None,
    cached: bool = True,
    calls_aws: bool = False,
) -> ProcessingStep:
    """Return the step that runs the job of the same name (`steps/<name>/job.py`).

    Args:
        context: what steps are built from.
        name: name of the step; in lower case that of the job and of its prefix in S3.
        display_name: name in Studio.
        description: description in Studio.
        instance_type: type of the job's instances.
        arguments: arguments of the job.
        inputs: S3 URI by name; each is downloaded to `/opt/ml/processing/input/<name>`.
        outputs: names; each is uploaded from `/opt/ml/processing/output/<name>` under the execution's own prefix.
        shared_outputs: S3 URI by name, of outputs that go where those of all executions go.
        property_file: the JSON file that later steps read values from.
        spark_instances: number of instances of the Spark cluster; 0: one instance without Spark.
        max_runtime_minutes: the job is stopped after this; None: `processing.max_runtime_minutes`.
        cached: whether the result of an earlier execution may be reused, as `execution.cache` says.
        calls_aws: the job calls AWS's API, so it is never isolated from the network.
    """
    settings, aws = context.settings(ProcessingSettings), context.aws
    resources: dict[str, Any] = {
        "role": aws.role,
        "instance_type": instance_type,
        "volume_size_in_gb": settings.volume_gb,
        "volume_kms_key": context.volume_key(settings.instance_type),
        "output_kms_key": aws.kms_key,
        "max_runtime_in_seconds": (max_runtime_minutes or settings.max_runtime_minutes) * 60,
        "sagemaker_session": context.session,
        # boto3 reads no region from SageMaker's own AWS_REGION; without one its S3 client calls us-east-1.
        "env": {"AWS_DEFAULT_REGION": aws.region, "GROUNDLOOP_REQUIREMENTS": settings.requirements},
        "tags": context.tags or None,
        "network_config": context.processing_network(calls_aws=calls_aws),
    }
    code_uri = context.code_uri(name.lower())
    output_uris: dict[str, Text] = {output: context.results(name.lower(), output) for output in outputs}
    output_uris.update(shared_outputs or {})
    run: dict[str, Any] = {
        "arguments": [*arguments, "--message-file", str(MESSAGE_FILE)],
        "inputs": [
            ProcessingInput(
                input_name=input_name,
                s3_input=ProcessingS3Input(
                    s3_uri=uri, local_path=f"{MOUNT}/input/{input_name}", s3_data_type="S3Prefix", s3_input_mode="File"
                ),
            )
            for input_name, uri in inputs.items()
        ],
        "outputs": [
            ProcessingOutput(
                output_name=output,
                s3_output=ProcessingS3Output(
                    s3_uri=uri,
                    local_path=f"{MOUNT}/output/{output}",
                    s3_upload_mode="EndOfJob",
                ),
            )
            for output, uri in output_uris.items()
        ],
    }
    if spark_instances:
        from sagemaker.core.spark.processing import PySparkProcessor

        spark = PySparkProcessor(
            image_uri=spark_image_uri(settings, aws.region), instance_count=spark_instances, **resources
        )
        step_args = spark.run(submit_app=code_uri, **run)
    else:
        script = ScriptProcessor(
            image_uri=processing_image_uri(settings, aws.region), command=["python3"], instance_count=1, **resources
        )
        step_args = script.run(code=code_uri, **run)
    return ProcessingStep(
        name=name,
        display_name=display_name,
        description=description,
        step_args=step_args,
        property_files=[property_file],
        cache_config=context.cache if cached else None,
        retry_policies=context.job_retries,
    )


def as_text(value: JsonGet) -> Join:
    """Return a value of a property file for a member of the API that takes text.

    Joined it is text whatever the file holds. Bare, the guide shows it in Conditions only.
    """
    return Join(on="", values=[value])


def output_uri(step: ProcessingStep, output: str) -> PipelineVariable:
    """Return the S3 URI of one of a Processing step's outputs.

    When the step comes from the cache, it is that of the execution whose result is reused.
    """
    uri: PipelineVariable = step.properties.ProcessingOutputConfig.Outputs[output].S3Output.S3Uri
    return uri
