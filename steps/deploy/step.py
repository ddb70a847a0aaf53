"""Deploy: by the pipeline's own EndpointConfig and Endpoint steps, or by a job for what those can't express."""

from __future__ import annotations

from sagemaker.core.workflow.conditions import ConditionEquals
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join
from sagemaker.core.workflow.properties import PropertyFile
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.endpoint_step import EndpointConfigStep, EndpointStep
from sagemaker.mlops.workflow.model_step import ModelStep
from sagemaker.mlops.workflow.steps import ProcessingStep, Step

from steps.build_context import BuildContext
from steps.deploy import endpoint_requests as requests
from steps.deploy.settings import DeploySettings
from steps.processing import MOUNT, Text, processing_step
from steps.settings import PipelineSettings, ProcessingSettings

NAME = "Deploy"
_DEPLOYMENT = PropertyFile(name="Deployment", output_name="deployment", path="deployment.json")
# The job may first wait for another deployment, and afterwards for the rollback of its own.
_ROLLOUTS_PER_JOB = 2
# Longest MaxRuntimeInSeconds of a processing job (StoppingCondition), minutes.
_MAX_RUNTIME_MINUTES = 12960


def deploy_job_step(context: BuildContext, register: ModelStep | None = None) -> ProcessingStep:
    """Return the Deploy step; its job is `steps/deploy/job.py`.

    One job instead of steps: several events for one approval have to deploy once, a rejection has to find the version
    to go back to, and a failed deployment has to be cleaned up. The Model and Endpoint steps can do none of that.

    Args:
        context: what steps are built from.
        register: the step whose version is deployed without approval, since the quality gate is the approval; None:
            the version that the parameters name, or the champion.
    """
    aws, deploy, p = context.aws, context.settings(DeploySettings), context.parameters
    package = p.model_package_arn if register is None else register.properties.ModelPackageArn
    arguments: list[Text] = ["--region", aws.region, "--endpoint", p.endpoint_name, "--package", package]
    if p.endpoint_instance_type is not None:
        arguments += ["--instance-type", p.endpoint_instance_type]
    arguments += ["--changed", p.changed_package_arn] if register is None else ["--any-status"]
    specification = requests.job_specification(
        aws, deploy, group=context.model_package_group, project=context.settings(PipelineSettings).name
    )
    return processing_step(
        context,
        name=NAME,
        display_name="Deploy",
        description="Creates the endpoint or moves it to a version without downtime; takes back what fails.",
        instance_type=context.settings(ProcessingSettings).instance_type,
        inputs={},
        outputs=["deployment"],
        property_file=_DEPLOYMENT,
        max_runtime_minutes=min(_MAX_RUNTIME_MINUTES, deploy.rollout.timeout_minutes * _ROLLOUTS_PER_JOB + 60),
        # Registry and endpoint change without a change of the arguments.
        cached=False,
        calls_aws=True,
        arguments=[
            *arguments,
            *("--output", f"{MOUNT}/output/deployment"),
            *requests.as_arguments(specification),
        ],
    )


def deploy_gate(context: BuildContext, model: ModelStep, register: ModelStep) -> ConditionStep:
    """Return the DeployGate step, which deploys only in mode on_pass; otherwise the execution ends with the package.

    SageMaker Pipelines supports no Condition inside a branch of another ("Pipelines steps", Condition step), so the
    step isn't in the quality gate's branch: it waits for Register, which is. When the gate is missed, it never starts.
    """
    job = context.settings(DeploySettings).needs_job
    return ConditionStep(
        name="DeployGate",
        display_name="Deploy at once?",
        description="Goes on to the endpoint when DeployMode is on_pass.",
        conditions=[ConditionEquals(left=context.parameters.deploy_mode, right="on_pass")],
        if_steps=[deploy_job_step(context, register)] if job else _endpoint_steps(context, model),
        else_steps=[],
        depends_on=[register],
    )


def _endpoint_steps(context: BuildContext, model: ModelStep) -> list[Step]:
    """Return the EndpointConfig and Endpoint steps of a model.

    The name of the endpoint config carries the execution's id: a second config of one name is rejected.
    """
    settings, p = context.settings(DeploySettings).endpoint, context.parameters
    config = EndpointConfigStep(
        name="EndpointConfig",
        display_name="Endpoint config",
        description="What the endpoint is to serve, one config per execution.",
        step_args=context.session.create_endpoint_config(
            name=Join(on="-", values=["groundloop", ExecutionVariables.PIPELINE_EXECUTION_ID]),
            production_variants=[
                requests.variant(settings, model=model.properties.ModelName, instance_type=p.endpoint_instance_type)
            ],
            tags=context.tags or None,
            kms_key=requests.volume_key(context.aws, settings),
            data_capture_config_dict=requests.data_capture(context.aws, settings),
            async_inference_config_dict=requests.async_inference(context.aws, settings),
        ),
        retry_policies=context.service_retries,
    )
    endpoint = EndpointStep(
        name="Endpoint",
        display_name="Endpoint",
        description="Created, or updated without downtime when it exists.",
        step_args=context.session.create_endpoint(
            endpoint_name=p.endpoint_name,
            config_name=config.properties.EndpointConfigName,
            tags=context.tags or None,
        ),
    )
    return [config, endpoint]
