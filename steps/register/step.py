"""Register: the model as a new version of its package group, with its figures, awaiting approval."""

from __future__ import annotations

from sagemaker.core.model_metrics import MetricsSource, ModelMetrics
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join
from sagemaker.core.workflow.parameters import ParameterString
from sagemaker.mlops.workflow.model_step import ModelStep
from sagemaker.mlops.workflow.steps import ProcessingStep, TrainingStep
from sagemaker.serve import ModelBuilder

from steps.building import Building
from steps.evaluate.step import evaluation_uri
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
    model = ModelBuilder(
        image_uri=image_uri(building.aws.region),
        s3_model_data_url=train.properties.ModelArtifacts.S3ModelArtifacts,
        role_arn=building.aws.role,
        sagemaker_session=building.session,
    )
    evaluation = evaluation_uri(evaluate)
    step_args = model.register(
        model_package_group_name=settings.group,
        content_types=["image/jpeg", "image/png", "application/x-image"],
        response_types=["application/json"],
        inference_instances=list(settings.inference_instance_types),
        transform_instances=list(settings.transform_instance_types),
        approval_status=approval_status,
        domain="COMPUTER_VISION",
        task="OBJECT_DETECTION",
        model_metrics=ModelMetrics(model_statistics=MetricsSource(s3_uri=evaluation, content_type="application/json")),
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
        step_args=step_args,
        retry_policies=building.service_retries,
    )
