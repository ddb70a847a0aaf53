"""Deploy: by the pipeline's own EndpointConfig and Endpoint steps, or by a job for what those can't express."""

from __future__ import annotations

from dataclasses import replace

from sagemaker.core.helper.pipeline_variable import PipelineVariable
from sagemaker.core.workflow.conditions import ConditionEquals
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join
from sagemaker.core.workflow.parameters import ParameterString
from sagemaker.core.workflow.properties import PropertyFile
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.endpoint_step import EndpointConfigStep, EndpointStep
from sagemaker.mlops.workflow.model_step import ModelStep
from sagemaker.mlops.workflow.steps import ProcessingStep, Step

from steps.build_context import BuildContext
from steps.deploy import endpoint_requests as requests
from steps.deploy.settings import DeploySettings, EndpointSettings
from steps.processing import MOUNT, Text, processing_step
from steps.settings import CacheSettings, ProcessingSettings

NAME = "Deploy"
_DEPLOYMENT = PropertyFile(name="Deployment", output_name="deployment", path="deployment.json")
#: The job may first wait for another deployment, and after its own see it rolled back.
_MARGIN = 2
_LONGEST_MINUTES = 12960


def deploy_job_step(
    building: BuildContext,
    processing: ProcessingSettings,
    deploy: DeploySettings,
    *,
    group: str,
    project: str,
    code_uri: str,
    endpoint_name: ParameterString,
    instance_type: ParameterString | None,
    package: PipelineVariable,
    changed: PipelineVariable | None = None,
    any_status: bool = False,
) -> ProcessingStep:
    """The Deploy step; its job is ``steps/deploy/job.py``.

    Args:
        instance_type: The endpoint's machine; None for a serverless endpoint.
        package: ARN of a version, or ``latest-approved``.
        changed: ARN of the version whose approval status an event tells of, or ``none``.
        any_status: The quality gate is the approval: deploy a version that nobody has approved.
    """
    aws = building.aws
    arguments: list[Text] = ["--region", aws.region, "--endpoint", endpoint_name, "--package", package]
    if instance_type is not None:
        arguments += ["--instance-type", instance_type]
    if changed is not None:
        arguments += ["--changed", changed]
    if any_status:
        arguments.append("--any-status")
    minutes = min(_LONGEST_MINUTES, deploy.rollout.timeout_minutes * _MARGIN + 60)
    return processing_step(
        # What the registry and the endpoint say changes without a change of the arguments: never from the cache.
        # It handles no data and has to call SageMaker's API, so it isn't isolated; a VPC is kept.
        replace(
            building,
            aws=aws.model_copy(update={"network": aws.network.model_copy(update={"isolation": False})}),
            execution=building.execution.model_copy(update={"cache": CacheSettings(enabled=False)}),
        ),
        processing.model_copy(update={"max_runtime_minutes": minutes}),
        name=NAME,
        display_name="Deploy",
        description="Creates the endpoint or moves it to a version without downtime; takes back what fails.",
        code_uri=code_uri,
        instance_type=processing.instance_type,
        inputs={},
        outputs=["deployment"],
        property_file=_DEPLOYMENT,
        arguments=[
            *arguments,
            *("--output", f"{MOUNT}/output/deployment"),
            *requests.as_arguments(requests.job_specification(aws, deploy, group=group, project=project)),
        ],
    )


def deploy_steps(
    building: BuildContext,
    settings: EndpointSettings,
    *,
    model: ModelStep,
    endpoint_name: ParameterString,
    instance_type: ParameterString | None,
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
                requests.variant(settings, model=model.properties.ModelName, instance_type=instance_type)
            ],
            tags=building.tags or None,
            kms_key=requests.volume_key(building.aws, settings),
            data_capture_config_dict=requests.data_capture(building.aws, settings),
            async_inference_config_dict=requests.asynchronous(building.aws, settings),
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
