"""Register: the model as a new version of its package group, with its figures and its model card."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sagemaker.core.model_registry import create_model_package_from_containers
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join
from sagemaker.core.workflow.parameters import ParameterString
from sagemaker.mlops.workflow.model_step import ModelStep
from sagemaker.mlops.workflow.steps import ProcessingStep, TrainingStep

from steps.build_context import BuildContext
from steps.evaluate.registry_metadata import METRICS, OTHER_METADATA
from steps.evaluate.step import evaluation_uri, registry_metric
from steps.model import captured
from steps.prepare.step import manifest_uri, report_uri
from steps.register.card import RawJson, model_card, pieces
from steps.register.settings import RegistrySettings
from steps.train.step import image_uri

NAME = "Register"


def register_step(
    building: BuildContext,
    settings: RegistrySettings,
    *,
    prepare: ProcessingStep,
    train: TrainingStep,
    evaluate: ProcessingStep,
    approval_status: ParameterString,
    hyperparameters: Mapping[str, Any],
    pipeline_name: str,
    config_sha256: str,
    code_version: str,
) -> ModelStep:
    """The Register step.

    The class list may be longer than a metadata value (256 characters), so the package carries the URI of
    Prepare's summary, which holds it.

    Args:
        hyperparameters: Texts and parameters by name, for the model card.
        config_sha256: Hash of the configuration that the pipeline was built from; an execution's parameters may differ
            from it, and are in the execution.
        code_version: Hashes of the job code.
    """
    summary, evaluation = Join(on="/", values=[report_uri(prepare), "summary.json"]), evaluation_uri(evaluate)
    test_manifest, execution = manifest_uri(prepare, "test.manifest"), ExecutionVariables.PIPELINE_EXECUTION_ARN
    links = {"summary": summary, "evaluation": evaluation, "test_manifest": test_manifest, "execution": execution}
    versions = {"config_sha256": config_sha256, "code_version": code_version}
    card = model_card(
        settings.card,
        creator=f"groundloop pipeline {pipeline_name}",
        artifact=train.properties.ModelArtifacts.S3ModelArtifacts,
        training_job=train.properties.TrainingJobArn,
        training_image=image_uri(building.aws.region),
        hyperparameters=hyperparameters,
        train_manifest=manifest_uri(prepare, "train.manifest"),
        validation_manifest=manifest_uri(prepare, "validation.manifest"),
        test_manifest=test_manifest,
        data=RawJson(registry_metric(evaluate, "card_data")),
        observation=RawJson(registry_metric(evaluate, "card_observation")),
        metric_groups=RawJson(registry_metric(evaluate, "card_metric_groups")),
        details={**links, **versions, "operating_threshold": registry_metric(evaluate, "threshold")},
    )

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
                **links,
                **versions,
                **{name: registry_metric(evaluate, name) for name in (*METRICS, *OTHER_METADATA)},
            },
            # A person has to look at it: it is whole, but nobody has agreed to it yet.
            model_card={
                "ModelCardContent": Join(on="", values=_flat(pieces(card))),
                "ModelCardStatus": "PendingReview",
            },
        )

    return ModelStep(
        name=NAME,
        display_name="Register model",
        description="A new version in the model package group, with its evaluation and its model card.",
        step_args=captured(building.session, create),
        retry_policies=building.service_retries,
    )


def _flat(values: Iterable[Any]) -> list[Any]:
    """The values of a Join, those of Joins among them as if they stood there: nothing says that they may be nested."""
    flat: list[Any] = []
    for value in values:
        if not isinstance(value, Join):
            flat.append(value)
            continue
        for index, inner in enumerate(_flat(value.values)):
            flat += [value.on, inner] if index and value.on else [inner]
    return flat
