"""Evaluate: the predictions scored against the truth, and the quality gate that decides on the scores."""

from __future__ import annotations

from sagemaker.core.workflow.conditions import ConditionLessThanOrEqualTo
from sagemaker.core.workflow.functions import Join, JsonGet
from sagemaker.core.workflow.parameters import ParameterFloat, ParameterString
from sagemaker.core.workflow.properties import PropertyFile
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.fail_step import FailStep
from sagemaker.mlops.workflow.steps import ProcessingStep, Step, TransformStep

from steps.building import Building
from steps.predict.step import predictions_uri
from steps.prepare.step import report_uri
from steps.processing import MOUNT, output_uri, processing_step
from steps.settings import ProcessingSettings

NAME = "Evaluate"
_EVALUATION = PropertyFile(name="Evaluation", output_name="evaluation", path="evaluation.json")


def evaluate_step(
    building: Building,
    processing: ProcessingSettings,
    *,
    prepare: ProcessingStep,
    predict: TransformStep,
    code_uri: str,
    instance_type: ParameterString,
    thresholds: dict[str, ParameterFloat],
) -> ProcessingStep:
    """The Evaluate step; its job is ``steps/evaluate/job.py``.

    Args:
        thresholds: Figure of evaluation.json to the least it must reach. The job compares, because no function of
            the definition can subtract, and the Fail step has to say by how much a figure missed.
    """
    return processing_step(
        building,
        processing,
        name=NAME,
        display_name="Evaluate on test",
        description="COCO and VOC mAP per class, counts and operating threshold, on images never trained on.",
        code_uri=code_uri,
        instance_type=instance_type,
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
            *("--gate", *(Join(on="=", values=[figure, least]) for figure, least in thresholds.items())),
        ],
    )


def evaluation_uri(evaluate: ProcessingStep) -> Join:
    """S3 URI of evaluation.json."""
    return Join(on="/", values=[output_uri(evaluate, "evaluation"), "evaluation.json"])


def quality_gate(evaluate: ProcessingStep, on_pass: list[Step]) -> ConditionStep:
    """The QualityGate step: goes on when no threshold is missed, else fails with the figures that were."""
    missed = FailStep(
        name="GateMissed",
        display_name="Gate missed",
        description="Says which figure missed which threshold, and by how much.",
        error_message=Join(on="", values=["The quality gate was missed: ", _figure(evaluate, "gate.message")]),
    )
    return ConditionStep(
        name="QualityGate",
        display_name="Quality gate",
        description="Every figure on the test split reaches its threshold.",
        conditions=[ConditionLessThanOrEqualTo(left=_figure(evaluate, "gate.thresholds_missed"), right=0)],
        if_steps=on_pass,
        else_steps=[missed],
    )


def _figure(evaluate: ProcessingStep, path: str) -> JsonGet:
    return JsonGet(step_name=evaluate.name, property_file=_EVALUATION, json_path=path)
