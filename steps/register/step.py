"""Register: the model as a new version of its package group, with its figures, awaiting approval."""

from __future__ import annotations

from sagemaker.core.model_registry import create_model_package_from_containers
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join
from sagemaker.core.workflow.parameters import ParameterString
from sagemaker.mlops.workflow.model_step import ModelStep
from sagemaker.mlops.workflow.steps import ProcessingStep, TrainingStep

from steps.building import Building
from steps.evaluate.step import evaluation_uri
from steps.model import captured
from steps.prepare.step import manifest_uri, report_uri
from steps.register.settings import RegistrySettings
from steps.train.step import image_uri

NAME = "Register"


def register_step(
    building: Building,
    settings: RegistrySettings,
    *,
    prepare: ProcessingStep,
    train: TrainingStep,
    evaluate: ProcessingStep,
    approval_status: ParameterString,
) -> ModelStep:
    """The Register step.

    The class list may be longer than a metadata value (256 characters), so the package carries the URI of
    Prepare's summary, which holds it.
    """
    evaluation = evaluation_uri(evaluate)

    def create() -> None:
        create_model_package_from_containers(
            building.session,
            model_package_group_name=settings.group,
            containers=[
                {
                    "Image": image_uri(building.aws.region),
                    "ModelDataUrl": train.properties.ModelArtifacts.S3ModelArtifacts,
                }
            ],
            content_types=["image/jpeg", "image/png", "application/x-image"],
            response_types=["application/json"],
            inference_instances=list(settings.inference_instance_types),
            transform_instances=list(settings.transform_instance_types),
            approval_status=approval_status,
            domain="COMPUTER_VISION",
            task="OBJECT_DETECTION",
            model_metrics={"ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": evaluation}}},
            customer_metadata_properties={
                "summary": Join(on="/", values=[report_uri(prepare), "summary.json"]),
                "evaluation": evaluation,
                "test_manifest": manifest_uri(prepare, "test.manifest"),
                "execution": ExecutionVariables.PIPELINE_EXECUTION_ARN,
            },
        )

    return ModelStep(
        name=NAME,
        display_name="Register model",
        description="A new version in the model package group, with its evaluation.",
        step_args=captured(building.session, create),
        retry_policies=building.service_retries,
    )
