"""Collect: the transform job's outputs as one result in each format."""

from __future__ import annotations

from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join
from sagemaker.core.workflow.properties import PropertyFile
from sagemaker.mlops.workflow.steps import ProcessingStep, TransformStep

from groundloop.batch.selection import SELECTION_FILE
from steps.build_context import BuildContext
from steps.predict.step import predictions_uri
from steps.processing import MOUNT, processing_step
from steps.select.step import selection_uri

NAME = "Collect"
_OUTPUT = "predictions"
_SUMMARY = PropertyFile(name="Predictions", output_name=_OUTPUT, path="summary.json")


def collect_step(context: BuildContext, select: ProcessingStep, predict: TransformStep) -> ProcessingStep:
    """Return the Collect step, which writes below OutputUri; its job is `steps/collect/job.py`.

    It never comes from the cache: Predict, whose outputs it reads, doesn't either.
    """
    p = context.parameters
    results = Join(on="/", values=[p.output_uri, ExecutionVariables.PIPELINE_EXECUTION_ID])
    return processing_step(
        context,
        name=NAME,
        display_name="Collect predictions",
        description="Writes the predictions as JSON Lines, CSV, COCO results and a Ground Truth manifest.",
        instance_type=p.processing_instance_type,
        inputs={},
        outputs=[],
        shared_outputs={_OUTPUT: results},
        property_file=_SUMMARY,
        cached=False,
        calls_aws=True,
        arguments=[
            *("--region", context.aws.region),
            *("--selection", selection_uri(select, SELECTION_FILE)),
            *("--predictions", predictions_uri(predict)),
            *("--output", f"{MOUNT}/output/{_OUTPUT}"),
        ],
    )
