"""Definitions that train, tune and go on from an earlier model, made by the SDK."""

from __future__ import annotations

from sagemaker.core.lambda_helper import Lambda
from sagemaker.core.parameter import CategoricalParameter, ContinuousParameter, IntegerParameter
from sagemaker.core.workflow.conditions import (
    ConditionEquals,
    ConditionIn,
    ConditionLessThanOrEqualTo,
    ConditionNot,
    ConditionOr,
)
from sagemaker.core.workflow.functions import Join, JsonGet
from sagemaker.core.workflow.parameters import ParameterFloat, ParameterInteger, ParameterString
from sagemaker.core.workflow.properties import PropertyFile
from sagemaker.mlops.workflow.cleanup_step import CleanupStep, S3CleanupSource
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.fail_step import FailStep
from sagemaker.mlops.workflow.lambda_step import LambdaStep
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.step_dependency import StepDependency, TriggerCondition
from sagemaker.mlops.workflow.steps import CacheConfig, Step, TrainingStep, TuningStep
from sagemaker.train.tuner import HyperparameterTuner

from tests.groundloop.check.sdk_steps import (
    DETECTOR,
    SESSION,
    augmented,
    channel,
    model,
    output,
    pipeline,
    processing,
    register,
    trainer,
)


def abalone() -> Pipeline:
    """The SDK's classic: prepare, train, evaluate, a condition on a JSON file, register with figures, or fail."""
    instance_type = ParameterString("InstanceType", "ml.m5.xlarge")
    rounds, limit = ParameterInteger("Rounds", 50), ParameterFloat("MaxError", 6.0)
    status = ParameterString("Status", "PendingManualApproval", enum_values=["Approved", "PendingManualApproval"])
    prepare = processing("Prepare", "--share", "0.7", cache_config=CacheConfig(True, "p30d"))
    train = TrainingStep(
        name="Train",
        step_args=trainer(
            [channel("train", output(prepare)), channel("validation", Join(on="/", values=[output(prepare), "v"]))],
            {"num_round": rounds.to_string(), "objective": "reg:linear"},
            instance_type=instance_type,
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
    return pipeline("abalone", [prepare, train, evaluate, gate], [instance_type, rounds, limit, status])


def tuning() -> Pipeline:
    """A search over the built-in detector's hyperparameters, and the best model of it."""
    attribute = ParameterString("Attribute", "boxes")
    tuned = HyperparameterTuner(
        model_trainer=trainer(
            [augmented("train", attribute), augmented("validation", attribute)],
            {"num_classes": "2", "num_training_samples": "640", "epochs": "40", "lr_scheduler_step": "20,30"},
            image=DETECTOR,
            instance_type="ml.g4dn.xlarge",
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


def parallel() -> Pipeline:
    """Three trainings side by side on spot instances, a step after all of them, and one that reports a failure."""
    trainings: list[Step] = [
        TrainingStep(
            name=f"Train-{name}",
            step_args=trainer(
                [channel("training", "s3://bucket/data")],
                {"depth": str(depth)},
                spot=True,
                instance_type="ml.c5.xlarge",
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


def incremental() -> Pipeline:
    """The built-in detector on RecordIO files, then once more from where it ended."""
    given = {"num_classes": "2", "num_training_samples": "640", "mini_batch_size": "32", "base_network": "resnet-50"}
    recordio = "application/x-recordio"
    data = [channel(name, f"s3://bucket/{name}.rec", recordio) for name in ("train", "validation")]
    first = TrainingStep(
        name="First", step_args=trainer(data, given, image=DETECTOR, instance_type="ml.g4dn.xlarge").train()
    )
    start = channel("model", first.properties.ModelArtifacts.S3ModelArtifacts, "application/x-sagemaker-model")
    again = {**given, "use_pretrained_model": "0", "learning_rate": "0.0001"}
    second = TrainingStep(
        name="Second", step_args=trainer([*data, start], again, image=DETECTOR, instance_type="ml.g4dn.xlarge").train()
    )
    return pipeline("incremental", [first, second])
