"""Evaluate: the predictions scored against the truth, and the quality gate that decides on the scores.

The step never comes from the cache: whom the model is compared with is up to the registry, of which a cache key knows
nothing, and a stale verdict would let a model pass. Training and predictions, which are what costs, still come from
theirs. The jobs' role has to be allowed to read the package group and the evaluations of its versions
(`steps/evaluate/champion.py` says what exactly).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sagemaker.core.workflow.conditions import ConditionLessThanOrEqualTo
from sagemaker.core.workflow.functions import Join, JsonGet
from sagemaker.core.workflow.parameters import ParameterFloat, ParameterString
from sagemaker.core.workflow.properties import PropertyFile
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.fail_step import FailStep
from sagemaker.mlops.workflow.steps import ProcessingStep, Step, TransformStep

from steps.build_context import BuildContext
from steps.evaluate.settings import EvaluateSettings, GateSettings, gain_argument
from steps.predict.step import predictions_uri
from steps.prepare.step import report_uri
from steps.processing import MOUNT, output_uri, processing_step
from steps.settings import CacheSettings, ProcessingSettings

NAME = "Evaluate"
_EVALUATION = PropertyFile(name="Evaluation", output_name="evaluation", path="evaluation.json")


def evaluate_step(
    building: BuildContext,
    processing: ProcessingSettings,
    settings: EvaluateSettings,
    gate: GateSettings,
    *,
    prepare: ProcessingStep,
    predict: TransformStep,
    code_uri: str,
    instance_type: ParameterString,
    thresholds: dict[str, ParameterFloat],
    group: str,
) -> ProcessingStep:
    """The Evaluate step; its job is ``steps/evaluate/job.py``.

    Args:
        gate: What is asked beyond the thresholds that are parameters.
        thresholds: Figure of evaluation.json to the least it must reach, of an error the most. The job compares,
            because no function of the definition can subtract, and the Fail step has to say by how much a figure
            missed.
        group: The package group whose latest approved version the model is compared with.
    """
    threshold, intervals = settings.threshold, settings.intervals
    return processing_step(
        replace(building, execution=building.execution.model_copy(update={"cache": CacheSettings(enabled=False)})),
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
            *("--gate", *(Join(on="=", values=[figure, value]) for figure, value in thresholds.items())),
            *("--threshold-rule", threshold.rule, *(["--per-class-threshold"] if threshold.per_class else [])),
            *([] if threshold.target is None else ["--threshold-target", repr(threshold.target)]),
            *("--resamples", str(intervals.resamples), "--interval-level", repr(intervals.level)),
            *("--interval-seed", str(intervals.seed)),
            # Without a network the registry is out of reach, and the job would only wait for it.
            *([] if building.aws.network.isolation else ["--champion-group", group]),
            *_items("--require", gate.require),
            *_items(
                "--min-improvement",
                (gain_argument(figure, gain) for figure, gain in gate.min_improvement_over_champion.items()),
            ),
        ],
    )


def _items(option: str, values: Iterable[str]) -> list[str]:
    """An option with its values; nothing without any."""
    listed = list(values)
    return [option, *listed] if listed else []


def evaluation_uri(evaluate: ProcessingStep) -> Join:
    """S3 URI of evaluation.json."""
    return Join(on="/", values=[output_uri(evaluate, "evaluation"), "evaluation.json"])


def registry_metric(evaluate: ProcessingStep, name: str) -> JsonGet:
    """A text that Evaluate wrote for the registry (`steps/register/facts.py`)."""
    return _figure(evaluate, f"registry.{name}")


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
