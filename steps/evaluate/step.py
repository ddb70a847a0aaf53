"""Evaluate: scores the predictions against the ground truth; the quality gate decides on the metrics.

The step never comes from the cache: the version that the model is compared with changes in the registry without a
change of the step's arguments, and a stale verdict would let a model pass. Training, which costs the most, still comes
from its cache; the predictions don't, since each execution makes a model of another name. The jobs' role has to be
allowed to read the model package group and the evaluations of its versions (`steps/evaluate/champion.py` says which).
"""

from __future__ import annotations

from collections.abc import Sequence

from sagemaker.core.workflow.conditions import ConditionLessThanOrEqualTo
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join, JsonGet
from sagemaker.core.workflow.properties import PropertyFile
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.fail_step import FailStep
from sagemaker.mlops.workflow.steps import ProcessingStep, Step, TransformStep

from steps.build_context import BuildContext
from steps.evaluate.requirements import AT_LEAST, AT_MOST, as_argument
from steps.evaluate.settings import EvaluateSettings, GateSettings
from steps.predict.step import predictions_uri
from steps.prepare.step import report_uri
from steps.processing import MOUNT, Text, as_text, output_uri, processing_step
from steps.settings import PipelineSettings, TrackingSettings
from steps.train.trained_model import TrainedModel

NAME = "Evaluate"
#: A small file, since the size that a property file may have isn't documented; evaluation.json grows with the classes.
_EVALUATION = PropertyFile(name="Evaluation", output_name="evaluation", path="gate.json")


def evaluate_step(
    context: BuildContext, prepare: ProcessingStep, trained: TrainedModel, predict: TransformStep
) -> ProcessingStep:
    """Return the Evaluate step; its job is `steps/evaluate/job.py`.

    The job compares the metrics with the thresholds, because no function of the definition can subtract, and the Fail
    step's message says by how much a metric misses its threshold.
    """
    settings, gate = context.settings(EvaluateSettings), context.settings(GateSettings)
    threshold, intervals, improvements = settings.threshold, settings.intervals, gate.min_improvement_over_champion
    return processing_step(
        context,
        name=NAME,
        display_name="Evaluate on test",
        description="COCO and VOC mAP per class, counts and operating threshold, on images never trained on.",
        instance_type=context.parameters.processing_instance_type,
        cached=False,
        inputs={
            "manifests": output_uri(prepare, "manifests"),
            "report": report_uri(prepare),
            "predictions": predictions_uri(predict),
        },
        outputs=["evaluation"],
        property_file=_EVALUATION,
        arguments=[
            *("--manifests", f"{MOUNT}/input/manifests", "--report", f"{MOUNT}/input/report"),
            *("--predictions", f"{MOUNT}/input/predictions", "--output", f"{MOUNT}/output/evaluation"),
            *_option("--minimum", _thresholds(context, AT_LEAST)),
            *_option("--maximum", _thresholds(context, AT_MOST)),
            *("--threshold-rule", threshold.rule, *(["--per-class-threshold"] if threshold.per_class else [])),
            *([] if threshold.target is None else ["--threshold-target", repr(threshold.target)]),
            *("--resamples", str(intervals.resamples), "--interval-level", repr(intervals.level)),
            *("--interval-seed", str(intervals.seed)),
            *_option("--slices", settings.slices),
            *_tracking(context),
            *("--execution", ExecutionVariables.PIPELINE_EXECUTION_ARN),
            *("--input-manifest", context.parameters.input_manifest),
            # Without a network the job can't reach registry and logs, and would only wait for them.
            *([] if context.aws.network.isolation else _reached_by_network(context, trained)),
            *_option("--min-improvement", [as_argument(metric, value) for metric, value in improvements.items()]),
        ],
    )


def _thresholds(context: BuildContext, operator: str) -> list[Text]:
    """Return the arguments of the thresholds of one operator; a parameter takes the place of its default."""
    parameters = context.parameters.thresholds
    return [
        Join(on="=", values=[requirement.metric, parameters[requirement.metric, operator]])
        if (requirement.metric, operator) in parameters
        else as_argument(requirement.metric, requirement.threshold)
        for requirement in context.settings(GateSettings).requirements
        if requirement.operator == operator
    ]


def _reached_by_network(context: BuildContext, trained: TrainedModel) -> list[Text]:
    return [
        *("--champion-group", context.model_package_group),
        *("--training-job", trained.job_name),
    ]


def _tracking(context: BuildContext) -> list[Text]:
    """Return where the job logs its run; nothing where it doesn't."""
    tracking = context.settings(TrackingSettings)
    if not tracking.in_job or tracking.mlflow is None:
        return []
    experiment = tracking.experiment or context.settings(PipelineSettings).name
    return ["--mlflow", tracking.mlflow, experiment]


def _option(name: str, values: Sequence[Text]) -> list[Text]:
    """Return an option with its values; nothing without any."""
    return [name, *values] if values else []


def evaluation_uri(evaluate: ProcessingStep) -> Join:
    """Return the S3 URI of evaluation.json."""
    return Join(on="/", values=[output_uri(evaluate, "evaluation"), "evaluation.json"])


def baseline_uri(evaluate: ProcessingStep) -> Join:
    """Return the S3 URI of the baseline that captured requests are compared with."""
    return Join(on="/", values=[output_uri(evaluate, "evaluation"), "baseline.json"])


def evaluation_report_uri(evaluate: ProcessingStep) -> Join:
    """Return the S3 URI of the report."""
    return Join(on="/", values=[output_uri(evaluate, "evaluation"), "report.html"])


def registry_metric(evaluate: ProcessingStep, name: str) -> Join:
    """Return a text that Evaluate wrote for the registry (`steps/evaluate/registry_metadata.py`)."""
    return as_text(_evaluation_value(evaluate, f"registry.{name}"))


def quality_gate(evaluate: ProcessingStep, on_pass: Step) -> ConditionStep:
    """Return the QualityGate step, which fails the execution when a metric misses its threshold.

    Args:
        evaluate: the step that compares the metrics with the thresholds.
        on_pass: the step that runs when all thresholds are met; it is not a Condition, which can't be nested.
    """
    missed = FailStep(
        name="GateMissed",
        display_name="Gate missed",
        description="Says which metric missed which threshold, and by how much.",
        error_message=Join(
            on="", values=["The quality gate was missed: ", _evaluation_value(evaluate, "gate.message")]
        ),
    )
    return ConditionStep(
        name="QualityGate",
        display_name="Quality gate",
        description="Every metric on the test split reaches its threshold.",
        conditions=[ConditionLessThanOrEqualTo(left=_evaluation_value(evaluate, "gate.thresholds_missed"), right=0)],
        if_steps=[on_pass],
        else_steps=[missed],
    )


def _evaluation_value(evaluate: ProcessingStep, path: str) -> JsonGet:
    return JsonGet(step_name=evaluate.name, property_file=_EVALUATION, json_path=path)
