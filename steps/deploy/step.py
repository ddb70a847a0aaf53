"""Deploy: an endpoint config per execution, and the endpoint that is created with it or moved to it."""

from __future__ import annotations

from typing import Any

from sagemaker.core.workflow.conditions import ConditionEquals
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join
from sagemaker.core.workflow.parameters import ParameterString
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.endpoint_step import EndpointConfigStep, EndpointStep
from sagemaker.mlops.workflow.model_step import ModelStep
from sagemaker.mlops.workflow.steps import Step

from steps.building import Building
from steps.deploy.settings import EndpointSettings


def deploy_steps(
    building: Building,
    settings: EndpointSettings,
    *,
    model: ModelStep,
    endpoint_name: ParameterString,
    instance_type: ParameterString,
    depends_on: list[Step] | None = None,
) -> list[Step]:
    """EndpointConfig and Endpoint for a model.

    A second config of one name is refused, and a step's literal name would be just that: the name carries the
    execution's id.
    """
    config = EndpointConfigStep(
        name="EndpointConfig",
        display_name="Endpoint config",
        description="What the endpoint is to serve, one config per execution.",
        step_args=building.session.create_endpoint_config(
            name=Join(on="-", values=["groundloop", ExecutionVariables.PIPELINE_EXECUTION_ID]),
            production_variants=[
                {
                    "VariantName": settings.variant,
                    "ModelName": model.properties.ModelName,
                    "InitialInstanceCount": settings.instance_count,
                    "InstanceType": instance_type,
                    "InitialVariantWeight": 1.0,
                }
            ],
            tags=building.tags or None,
            kms_key=building.aws.kms_key,
            data_capture_config_dict=_data_capture(building, settings),
        ),
        depends_on=depends_on,
        retry_policies=building.service_retries,
    )
    endpoint = EndpointStep(
        name="Endpoint",
        display_name="Endpoint",
        description="Created, or updated without downtime when it exists.",
        step_args=building.session.create_endpoint(
            endpoint_name=endpoint_name,
            config_name=config.properties.EndpointConfigName,
            tags=building.tags or None,
        ),
    )
    return [config, endpoint]


def deploy_gate(mode: ParameterString, *, register: ModelStep, steps: list[Step]) -> ConditionStep:
    """The DeployGate step: deploys at once only in mode on_pass; otherwise the execution ends with the package."""
    return ConditionStep(
        name="DeployGate",
        display_name="Deploy at once?",
        description="Goes on to the endpoint when DeployMode is on_pass.",
        conditions=[ConditionEquals(left=mode, right="on_pass")],
        if_steps=steps,
        else_steps=[],
        depends_on=[register],
    )


def _data_capture(building: Building, settings: EndpointSettings) -> dict[str, Any] | None:
    if not settings.capture_percent:
        return None
    capture: dict[str, Any] = {
        "EnableCapture": True,
        "InitialSamplingPercentage": settings.capture_percent,
        "DestinationS3Uri": f"s3://{building.aws.bucket}/{building.aws.prefix}/capture",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
    }
    if building.aws.kms_key:
        capture["KmsKeyId"] = building.aws.kms_key
    return capture
