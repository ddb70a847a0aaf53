"""Definitions of other shapes than ours, made by the SDK with every type of step that it can make offline."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest

from pipeline import sdk  # first: the SDK can't be imported without a region

# isort: split
from sagemaker.core.clarify import BiasConfig, DataConfig
from sagemaker.core.lambda_helper import Lambda
from sagemaker.core.model_monitor.dataset_format import DatasetFormat
from sagemaker.core.model_registry import create_model_package_from_containers
from sagemaker.core.parameter import CategoricalParameter, ContinuousParameter, IntegerParameter
from sagemaker.core.processing import ScriptProcessor
from sagemaker.core.s3.client import S3Uploader
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
from sagemaker.core.transformer import Transformer
from sagemaker.core.workflow.conditions import (
    ConditionEquals,
    ConditionGreaterThan,
    ConditionIn,
    ConditionLessThanOrEqualTo,
    ConditionNot,
    ConditionOr,
)
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join, JsonGet
from sagemaker.core.workflow.parameters import ParameterBoolean, ParameterFloat, ParameterInteger, ParameterString
from sagemaker.core.workflow.properties import PropertyFile
from sagemaker.mlops.workflow.callback_step import CallbackOutput, CallbackOutputTypeEnum, CallbackStep
from sagemaker.mlops.workflow.check_job_config import CheckJobConfig
from sagemaker.mlops.workflow.clarify_check_step import ClarifyCheckStep, DataBiasCheckConfig
from sagemaker.mlops.workflow.cleanup_step import CleanupStep, S3CleanupSource
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.emr_serverless_step import EMRServerlessJobConfig, EMRServerlessStep
from sagemaker.mlops.workflow.emr_step import EMRStep, EMRStepConfig
from sagemaker.mlops.workflow.endpoint_step import EndpointConfigStep, EndpointStep
from sagemaker.mlops.workflow.fail_step import FailStep
from sagemaker.mlops.workflow.for_each_step import CurrentItem, ForEachSelector, ForEachStep, IterationOutput
from sagemaker.mlops.workflow.inference_component_step import InferenceComponentStep
from sagemaker.mlops.workflow.lambda_step import LambdaOutput, LambdaOutputTypeEnum, LambdaStep
from sagemaker.mlops.workflow.model_step import ModelStep
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.quality_check_step import DataQualityCheckConfig, QualityCheckStep
from sagemaker.mlops.workflow.step_dependency import StepDependency, TriggerCondition
from sagemaker.mlops.workflow.steps import CacheConfig, ProcessingStep, Step, TrainingStep, TransformStep, TuningStep
from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute
from sagemaker.train.tuner import HyperparameterTuner

from steps.model import captured

Definition = dict[str, Any]

ROLE = "arn:aws:iam::111122223333:role/pipelines"
OWN_IMAGE = "111122223333.dkr.ecr.us-east-1.amazonaws.com/boosting:3"
DETECTOR = "811284229777.dkr.ecr.us-east-1.amazonaws.com/object-detection:1"
RUN = ExecutionVariables.PIPELINE_EXECUTION_ID
SESSION = sdk.OfflineSession("us-east-1", "bucket")


def processing(
    name: str, *arguments: Any, source: Any = "s3://bucket/raw", machine: Any = "ml.m5.large", **more: Any
) -> ProcessingStep:
    processor = ScriptProcessor(
        image_uri=OWN_IMAGE,
        command=["python3"],
        role=ROLE,
        instance_count=1,
        instance_type=machine,
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
    machine: Any = "ml.m5.xlarge",
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
            instance_type=machine,
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

    return ModelStep(name=name, step_args=captured(SESSION, create))


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

    return ModelStep(name=name, step_args=captured(SESSION, create))


def pipeline(name: str, steps: list[Step], parameters: list[Any] | None = None) -> Pipeline:
    return Pipeline(name=name, parameters=parameters or [], steps=steps, sagemaker_session=SESSION)


def abalone() -> Pipeline:
    """The SDK's classic: prepare, train, evaluate, a condition on a JSON file, register with figures, or fail."""
    machine = ParameterString("Machine", "ml.m5.xlarge")
    rounds, limit = ParameterInteger("Rounds", 50), ParameterFloat("MaxError", 6.0)
    status = ParameterString("Status", "PendingManualApproval", enum_values=["Approved", "PendingManualApproval"])
    prepare = processing("Prepare", "--share", "0.7", cache_config=CacheConfig(True, "p30d"))
    train = TrainingStep(
        name="Train",
        step_args=trainer(
            [channel("train", output(prepare)), channel("validation", Join(on="/", values=[output(prepare), "v"]))],
            {"num_round": rounds.to_string(), "objective": "reg:linear"},
            machine=machine,
        ).train(),
    )
    report = PropertyFile(name="Report", output_name="out", path="evaluation.json")
    evaluate = processing(
        "Evaluate", "--model", source=train.properties.ModelArtifacts.S3ModelArtifacts, property_files=[report]
    )
    error = JsonGet(step_name="Evaluate", property_file=report, json_path="regression_metrics.mse['the value']")
    accept = register(
        "Register",
        train.properties.ModelArtifacts.S3ModelArtifacts,
        approval_status=status,
        model_metrics={
            "ModelQuality": {
                "Statistics": {
                    "ContentType": "application/json",
                    "S3Uri": Join(on="/", values=[output(evaluate), "evaluation.json"]),
                }
            }
        },
    )
    gate = ConditionStep(
        name="Gate",
        conditions=[
            ConditionLessThanOrEqualTo(left=error, right=limit),
            ConditionOr([ConditionIn(status, ["Approved", "PendingManualApproval"]), ConditionEquals(rounds, 5.0)]),
            ConditionNot(ConditionEquals(train.properties.TrainingJobStatus, "Stopped")),
        ],
        if_steps=[accept, model("Serve", train.properties.ModelArtifacts.S3ModelArtifacts)],
        else_steps=[FailStep("TooBad", error_message=Join(on=" ", values=["error over", limit]))],
    )
    return pipeline("abalone", [prepare, train, evaluate, gate], [machine, rounds, limit, status])


def tuning() -> Pipeline:
    """A search over the built-in detector's hyperparameters, and the best model of it."""
    attribute = ParameterString("Attribute", "boxes")
    tuned = HyperparameterTuner(
        model_trainer=trainer(
            [augmented("train", attribute), augmented("validation", attribute)],
            {"num_classes": "2", "num_training_samples": "640", "epochs": "40", "lr_scheduler_step": "20,30"},
            image=DETECTOR,
            machine="ml.g4dn.xlarge",
            mode="Pipe",
        ),
        objective_metric_name="validation:mAP",
        hyperparameter_ranges={
            "learning_rate": ContinuousParameter(1e-6, 0.5, scaling_type="Logarithmic"),
            "mini_batch_size": IntegerParameter(8, 32),
            "optimizer": CategoricalParameter(["sgd", "adam"]),
        },
        max_jobs=9,
        max_parallel_jobs=3,
    )
    search = TuningStep(name="Search", step_args=tuned.tune(), cache_config=CacheConfig(True, "PT12H"))
    best = model("Best", search.get_top_model_s3_uri(top_k=0, s3_bucket="bucket", prefix="models"), DETECTOR)
    record = processing("Record", "--best", search.properties.BestTrainingJob.TrainingJobName)
    return pipeline("tuning", [search, best, record], [attribute])


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


def parallel() -> Pipeline:
    """Three trainings side by side on spot machines, a step after all of them, and one that tells of a failure."""
    trainings: list[Step] = [
        TrainingStep(
            name=f"Train-{name}",
            step_args=trainer(
                [channel("training", "s3://bucket/data")], {"depth": str(depth)}, spot=True, machine="ml.c5.xlarge"
            ).train(),
        )
        for depth, name in enumerate(["small", "medium", "large"], start=3)
    ]
    compare = processing(
        "Compare", *[step.properties.ModelArtifacts.S3ModelArtifacts for step in trainings], depends_on=trainings
    )
    tell = LambdaStep(
        name="Tell",
        lambda_func=Lambda(function_arn="arn:aws:lambda:us-east-1:111122223333:function:tell", session=SESSION),
        depends_on=[StepDependency(trainings[0], TriggerCondition.FAILED)],
    )
    tidy = CleanupStep(name="Tidy", s3_sources=[S3CleanupSource(trainings[1])])
    return pipeline("parallel", [*trainings, compare, tell, tidy])


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
        description="On machines that come and go.",
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


def incremental() -> Pipeline:
    """The built-in detector on RecordIO files, then once more from where it ended."""
    given = {"num_classes": "2", "num_training_samples": "640", "mini_batch_size": "32", "base_network": "resnet-50"}
    recordio = "application/x-recordio"
    data = [channel(name, f"s3://bucket/{name}.rec", recordio) for name in ("train", "validation")]
    first = TrainingStep(name="First", step_args=trainer(data, given, image=DETECTOR, machine="ml.p3.2xlarge").train())
    start = channel("model", first.properties.ModelArtifacts.S3ModelArtifacts, "application/x-sagemaker-model")
    again = {**given, "use_pretrained_model": "0", "learning_rate": "0.0001"}
    second = TrainingStep(
        name="Second", step_args=trainer([*data, start], again, image=DETECTOR, machine="ml.p3.2xlarge").train()
    )
    return pipeline("incremental", [first, second])


SHAPES = {
    shape.__name__: shape
    for shape in (abalone, tuning, outside, parallel, checks, clusters, loop, hosting, incremental)
}


def _compiled(shape: Callable[[], Pipeline]) -> Definition:
    with sdk.building():
        definition: Definition = json.loads(shape().definition())
        return definition


@pytest.fixture(scope="session")
def shapes() -> dict[str, Definition]:
    """The definitions by the names of the functions above."""
    return {name: _compiled(shape) for name, shape in SHAPES.items()}
