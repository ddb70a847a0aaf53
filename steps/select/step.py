"""Select: the version that predicts, and the images, each checked: Batch Transform fails on a single bad one."""

from __future__ import annotations

from sagemaker.core.workflow.functions import Join, JsonGet
from sagemaker.core.workflow.properties import PropertyFile
from sagemaker.mlops.workflow.steps import ProcessingStep

from steps.build_context import BuildContext
from steps.processing import MOUNT, as_text, output_uri, processing_step

NAME = "Select"
#: What later steps read of the selection: as small as a property file has to be.
SUMMARY_FILE = "summary.json"
_OUTPUT = "selection"
_SUMMARY = PropertyFile(name="Summary", output_name=_OUTPUT, path=SUMMARY_FILE)


def select_step(context: BuildContext) -> ProcessingStep:
    """Return the Select step; its job is `steps/select/job.py`.

    It never comes from the cache: neither the champion nor the images under a prefix are part of what is compared.
    """
    p = context.parameters
    return processing_step(
        context,
        name=NAME,
        display_name="Select model and images",
        description="Finds the version that predicts, the champion by default, and checks every image.",
        instance_type=p.processing_instance_type,
        inputs={},
        outputs=[_OUTPUT],
        property_file=_SUMMARY,
        cached=False,
        calls_aws=True,
        arguments=[
            *("--region", context.aws.region, "--group", context.model_package_group),
            *("--package", p.model_package_arn, "--source", p.input_uri),
            f"--max-image-mb={context.max_image_mb}",
            *("--output", f"{MOUNT}/output/{_OUTPUT}"),
        ],
    )


def package_arn(select: ProcessingStep) -> Join:
    """Return the ARN of the version that Select found."""
    return as_text(JsonGet(step_name=select.name, property_file=_SUMMARY, json_path="model_package"))


def selection_uri(select: ProcessingStep, file: str) -> Join:
    """Return the S3 URI of one of the files that Select writes."""
    return Join(on="/", values=[output_uri(select, _OUTPUT), file])
