"""CreateModel: the trained artifact in the algorithm's image, or a registered version."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sagemaker.core.workflow.functions import Join
from sagemaker.core.workflow.pipeline_context import PipelineSession, _ModelStepArguments
from sagemaker.mlops.workflow.model_step import ModelStep

from steps.build_context import BuildContext
from steps.train.step import algorithm_image_uri
from steps.train.trained_model import TrainedModel

NAME = "CreateModel"


@dataclass(frozen=True)
class _Owner:
    """The attributes that ModelStep reads of the object which its arguments came from.

    The SDK's own is ModelBuilder, which gives every container the environment of a script that the built-in
    algorithm doesn't have.
    """

    sagemaker_session: PipelineSession


def capture_model_request(session: PipelineSession, create: Callable[[], object]) -> _ModelStepArguments:
    """Return the request that a `create` call of the session would send, as a ModelStep takes it."""
    session.init_model_step_arguments(_Owner(session))
    create()
    step_args, session.context = session.context, None  # else the next step would find it and add to it
    return step_args


def create_model_step(context: BuildContext, trained: TrainedModel) -> ModelStep:
    """Return the CreateModel step of the training pipeline."""
    return _model_step(
        context,
        {
            "Image": algorithm_image_uri(context.aws.region),
            "ModelDataUrl": trained.artifact,
        },
        description="The trained artifact in the algorithm's image, for Batch Transform and the endpoint.",
    )


def create_package_model_step(context: BuildContext, package: Join) -> ModelStep:
    """Return the CreateModel step of the predict pipeline.

    Args:
        context: what steps are built from.
        package: ARN of the version.
    """
    return _model_step(context, {"ModelPackageName": package}, description="The selected version, for Batch Transform.")


def _model_step(context: BuildContext, container: dict[str, Any], *, description: str) -> ModelStep:
    session = context.session

    def create() -> None:
        session.create_model(
            name=None,  # the service makes one per execution
            role=context.aws.role,
            container_defs=container,
            vpc_config=context.vpc_config,
            enable_network_isolation=context.aws.network.isolation,
            tags=context.tags or None,
        )

    return ModelStep(
        name=NAME,
        display_name="Create model",
        description=description,
        step_args=capture_model_request(session, create),
        retry_policies=context.service_retries,
    )
