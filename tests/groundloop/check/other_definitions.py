"""Definitions with steps outside of training: functions, checks, clusters, loops, hosting; made by the SDK."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

from sagemaker.core.clarify import BiasConfig, DataConfig
from sagemaker.core.lambda_helper import Lambda
from sagemaker.core.model_monitor.dataset_format import DatasetFormat
from sagemaker.core.s3.client import S3Uploader
from sagemaker.core.transformer import Transformer
from sagemaker.core.workflow.conditions import (
    ConditionGreaterThan,
)
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join
from sagemaker.core.workflow.parameters import ParameterBoolean, ParameterString
from sagemaker.mlops.workflow.callback_step import CallbackOutput, CallbackOutputTypeEnum, CallbackStep
from sagemaker.mlops.workflow.check_job_config import CheckJobConfig
from sagemaker.mlops.workflow.clarify_check_step import ClarifyCheckStep, DataBiasCheckConfig
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.emr_serverless_step import EMRServerlessJobConfig, EMRServerlessStep
from sagemaker.mlops.workflow.emr_step import EMRStep, EMRStepConfig
from sagemaker.mlops.workflow.endpoint_step import EndpointConfigStep, EndpointStep
from sagemaker.mlops.workflow.for_each_step import CurrentItem, ForEachSelector, ForEachStep, IterationOutput
from sagemaker.mlops.workflow.inference_component_step import InferenceComponentStep
from sagemaker.mlops.workflow.lambda_step import LambdaOutput, LambdaOutputTypeEnum, LambdaStep
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.quality_check_step import DataQualityCheckConfig, QualityCheckStep
from sagemaker.mlops.workflow.steps import CacheConfig, TransformStep

from tests.groundloop.check.sdk_steps import ROLE, RUN, SESSION, model, pipeline, processing, register


def outside() -> Pipeline:
    """A Lambda function and a queue: what they give back is used by type."""
    ask = LambdaStep(
        name="Ask",
        lambda_func=Lambda(function_arn="arn:aws:lambda:us-east-1:111122223333:function:ask", session=SESSION),
        inputs={"run": RUN, "limits": {"least": 3}},
        outputs=[
            LambdaOutput("Count", LambdaOutputTypeEnum.Integer),
            LambdaOutput("Uri", LambdaOutputTypeEnum.String),
        ],
        cache_config=CacheConfig(True, "P1D"),
    )
    wait = CallbackStep(
        name="Wait",
        sqs_queue_url="https://sqs.us-east-1.amazonaws.com/111122223333/labels",
        inputs={"uri": ask.properties.Outputs["Uri"]},
        outputs=[CallbackOutput("Labels", CallbackOutputTypeEnum.String)],
    )
    use = processing("Use", "--count", Join(values=[ask.properties.Outputs["Count"]]), depends_on=[wait])
    gate = ConditionStep(
        name="Enough",
        conditions=[ConditionGreaterThan(ask.properties.Outputs["Count"], 10)],
        if_steps=[use],
        else_steps=[],
        depends_on=["Wait"],
    )
    return pipeline("outside", [ask, wait, gate])


def _uploaded(*_: Any, desired_s3_uri: str, **__: Any) -> str:
    """Stands for an upload: this step type makes one while it is built."""
    return desired_s3_uri


def checks() -> Pipeline:
    """Quality and bias of the data before a model is registered with them as its baselines."""
    skip = ParameterBoolean("SkipCheck", default_value=False)
    job = CheckJobConfig(role=ROLE, instance_type="ml.c5.xlarge", sagemaker_session=SESSION)
    quality = QualityCheckStep(
        name="Quality",
        quality_check_config=DataQualityCheckConfig(
            baseline_dataset="s3://bucket/train.csv",
            dataset_format=DatasetFormat.csv(header=False),
            output_s3_uri=Join(on="/", values=["s3://bucket", RUN, "quality"]),
        ),
        check_job_config=job,
        skip_check=skip,
        register_new_baseline=True,
        model_package_group_name="group",
    )
    with patch.multiple(S3Uploader, upload_string_as_file_body=_uploaded, upload=_uploaded):
        bias = ClarifyCheckStep(
            name="Bias",
            clarify_check_config=DataBiasCheckConfig(
                data_config=DataConfig(
                    s3_data_input_path="s3://bucket/train.csv",
                    s3_output_path="s3://bucket/bias",
                    s3_analysis_config_output_path="s3://bucket/bias/config",
                    label=0,
                ),
                data_bias_config=BiasConfig(label_values_or_threshold=[1], facet_name=[1]),
            ),
            check_job_config=job,
            skip_check=skip,
            register_new_baseline=False,
            model_package_group_name="group",
        )
    accept = register(
        "Register",
        "s3://bucket/model.tar.gz",
        approval_status="Approved",
        drift_check_baselines={
            "ModelDataQuality": {
                "Statistics": {
                    "ContentType": "application/json",
                    "S3Uri": quality.properties.BaselineUsedForDriftCheckStatistics,
                },
                "Constraints": {
                    "ContentType": "application/json",
                    "S3Uri": quality.properties.CalculatedBaselineConstraints,
                },
            },
            "Bias": {
                "PreTrainingConstraints": {
                    "ContentType": "application/json",
                    "S3Uri": bias.properties.BaselineUsedForDriftCheckConstraints,
                }
            },
        },
    )
    return pipeline("checks", [quality, bias, accept], [skip])


def clusters() -> Pipeline:
    """Spark outside of SageMaker, then a job on what it wrote."""
    spark = EMRStep(
        name="Spark",
        display_name="Spark",
        description="On a cluster that is there.",
        cluster_id="j-1ABCDEFGHIJKL",
        step_config=EMRStepConfig(jar="s3://bucket/job.jar", args=["--day", ExecutionVariables.START_DATETIME]),
    )
    serverless = EMRServerlessStep(
        name="SparkServerless",
        display_name="Spark, serverless",
        description="On spot instances.",
        job_config=EMRServerlessJobConfig(
            job_driver={"sparkSubmit": {"entryPoint": "s3://bucket/job.py"}}, execution_role_arn=ROLE
        ),
        application_id="00abcdefghijkl01",
    )
    after = processing("After", "--state", spark.properties.Status.State, depends_on=[serverless])
    return pipeline("clusters", [spark, serverless, after])


def loop() -> Pipeline:
    """The same step for each of several items, and what came of the best."""
    items = ParameterString("Items", '["a", "b"]')
    item = CurrentItem()
    score = LambdaStep(
        name="Score",
        lambda_func=Lambda(function_arn="arn:aws:lambda:us-east-1:111122223333:function:score", session=SESSION),
        inputs={"item": item},
        outputs=[LambdaOutput("Value", LambdaOutputTypeEnum.Float)],
    )
    each = ForEachStep(
        name="Each",
        iterable_items=items,
        max_concurrency=2,
        for_each_body=[score, processing("Work", "--item", item)],
        selector=ForEachSelector("MaxBy", IterationOutput(score).OutputParameters["Value"]),
    )
    gate = ConditionStep(
        name="Any",
        conditions=[ConditionGreaterThan(each.properties.SucceededStepCount, 0)],
        if_steps=[processing("Best", "--value", each.properties.IterationOutputs[0].Score.OutputParameters["Value"])],
        else_steps=[],
    )
    return pipeline("loop", [each, gate], [items])


def hosting() -> Pipeline:
    """A model behind an endpoint with a component, and a batch over new data."""
    name = ParameterString("EndpointName", "hosting")
    made = model("Make", "s3://bucket/model.tar.gz")
    config = EndpointConfigStep(
        name="Config",
        step_args=SESSION.create_endpoint_config(
            name=Join(on="-", values=["hosting", RUN]),
            production_variants=[
                {
                    "VariantName": "all",
                    "InstanceType": "ml.g5.xlarge",
                    "InitialInstanceCount": 1,
                    "ManagedInstanceScaling": {"Status": "ENABLED", "MinInstanceCount": 1, "MaxInstanceCount": 2},
                }
            ],
            role=ROLE,
        ),
    )
    endpoint = EndpointStep(
        name="Endpoint",
        step_args=SESSION.create_endpoint(endpoint_name=name, config_name=config.properties.EndpointConfigName),
    )
    component = InferenceComponentStep(
        name="Component",
        step_args=SESSION.create_inference_component(
            inference_component_name="component",
            endpoint_name=endpoint.properties.EndpointName,
            variant_name="all",
            specification={
                "ModelName": made.properties.ModelName,
                "ComputeResourceRequirements": {
                    "MinMemoryRequiredInMb": 1024,
                    "NumberOfAcceleratorDevicesRequired": 1,
                },
            },
            runtime_config={"CopyCount": 1},
        ),
    )
    transformer = Transformer(
        model_name=made.properties.ModelName,
        instance_count=2,
        instance_type="ml.m5.large",
        output_path="s3://bucket/out",
        assemble_with="Line",
        accept="text/csv",
        sagemaker_session=SESSION,
    )
    batch = TransformStep(
        name="Batch",
        step_args=transformer.transform(
            data="s3://bucket/new/", content_type="text/csv", split_type="Line", input_filter="$[1:]"
        ),
    )
    return pipeline("hosting", [made, config, endpoint, component, batch], [name])
