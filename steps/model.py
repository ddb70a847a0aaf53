"""CreateModel: in the main pipeline from the trained artifact, in the deploy pipeline from a model package."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sagemaker.core.helper.pipeline_variable import PipelineVariable
from sagemaker.core.workflow.pipeline_context import PipelineSession, _ModelStepArguments
from sagemaker.mlops.workflow.model_step import ModelStep

from steps.build_context import BuildContext

NAME = "CreateModel"


@dataclass(frozen=True)
class _Owner:
    """What ModelStep asks of the object that its arguments came from.

    The SDK's own is ModelBuilder: it takes no model package, and gives every container the environment of a script
    that the built-in algorithm doesn't have.
    """

    sagemaker_session: PipelineSession


def captured(session: PipelineSession, create: Callable[[], object]) -> _ModelStepArguments:
    """The request that a ``create`` call would send, as a ModelStep takes it."""
    session.init_model_step_arguments(_Owner(session))
    create()
    step_args, session.context = session.context, None  # else the next step would find it and add to it
    return step_args


def create_model_step(
    building: BuildContext, *, container: Mapping[str, str | PipelineVariable], description: str
) -> ModelStep:
    """The CreateModel step.

    Args:
        container: ``Image`` and ``ModelDataUrl``, or ``ModelPackageName``.
    """
    session = building.session

    def create() -> None:
        session.create_model(
            name=None,  # the service makes one per execution
            role=building.aws.role,
            container_defs=dict(container),
            vpc_config=building.vpc_config,
            enable_network_isolation=building.aws.network.isolation,
            tags=building.tags or None,
        )

    return ModelStep(
        name=NAME,
        display_name="Create model",
        description=description,
        step_args=captured(session, create),
        retry_policies=building.service_retries,
    )
