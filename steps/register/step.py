"""Register: adds the model to its package group as a new version, with its metrics and its model card."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sagemaker.core.model_registry import create_model_package_from_containers
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join
from sagemaker.mlops.workflow.model_step import ModelStep
from sagemaker.mlops.workflow.steps import ProcessingStep

from groundloop.models.packages import REVIEWED_MANIFEST
from steps.build_context import BuildContext
from steps.deploy.settings import DeploySettings
from steps.evaluate.registry_metadata import METRICS, OTHER_METADATA
from steps.evaluate.step import baseline_uri, evaluation_report_uri, evaluation_uri, registry_metric
from steps.model import capture_model_request
from steps.predict.settings import PredictSettings
from steps.prepare.step import manifest_uri, report_uri, summary_value, training_data_uri
from steps.register.card import RawJson, json_join_parts, model_card
from steps.register.settings import RegistrySettings
from steps.settings import PipelineSettings
from steps.train.step import algorithm_image_uri
from steps.train.trained_model import TrainedModel

NAME = "Register"


def register_step(
    context: BuildContext, prepare: ProcessingStep, trained: TrainedModel, evaluate: ProcessingStep
) -> ModelStep:
    """Return the Register step.

    The class list may be longer than a metadata value (256 characters), so the package carries the URI of
    Prepare's summary, which holds it. The hash of the configuration is of the one that the pipeline was built from;
    an execution's own parameters are in the execution.
    """
    settings, p = context.settings(RegistrySettings), context.parameters
    summary, evaluation = Join(on="/", values=[report_uri(prepare), "summary.json"]), evaluation_uri(evaluate)
    test_manifest, execution = manifest_uri(prepare, "test.manifest"), ExecutionVariables.PIPELINE_EXECUTION_ARN
    links = {
        "summary": summary,
        "evaluation": evaluation,
        "report": evaluation_report_uri(evaluate),
        "test_manifest": test_manifest,
        "execution": execution,
        REVIEWED_MANIFEST: p.reviewed_manifest,
        **({} if context.start_from is None else {"started_from": summary_value(prepare, "started_from")}),
        **trained.tuning,
    }
    code_version = " ".join(f"{job}@{context.job_archive(job).sha256}" for job in ("prepare", "evaluate"))
    versions = {"config_sha256": context.config_sha256, "code_version": code_version}
    endpoint = context.settings(DeploySettings).endpoint
    others = (other.instance_type for other in endpoint.additional_variants if other.instance_type)
    hosts = [] if endpoint.serverless else [endpoint.instance_type, *others]
    card = model_card(
        settings.card,
        creator=f"groundloop pipeline {context.settings(PipelineSettings).name}",
        artifact=trained.artifact,
        training_job=trained.job_arn,
        training_image=algorithm_image_uri(context.aws.region),
        hyperparameters=trained.hyperparameters,
        train_manifest=training_data_uri(context, prepare, "train.manifest"),
        validation_manifest=training_data_uri(context, prepare, "validation.manifest"),
        test_manifest=test_manifest,
        data=RawJson(registry_metric(evaluate, "card_data")),
        observation=RawJson(registry_metric(evaluate, "card_observation")),
        metric_groups=RawJson(registry_metric(evaluate, "card_metric_groups")),
        details={**links, **versions, "operating_threshold": registry_metric(evaluate, "threshold")},
    )

    def create() -> None:
        create_model_package_from_containers(
            context.session,
            model_package_group_name=settings.group,
            containers=[
                {
                    "Image": algorithm_image_uri(context.aws.region),
                    "ModelDataUrl": trained.artifact,
                }
            ],
            content_types=["image/jpeg", "image/png", "application/x-image"],
            response_types=["application/json"],
            inference_instances=_with(settings.inference_instance_types, *hosts),
            transform_instances=_with(
                settings.transform_instance_types, context.settings(PredictSettings).instance_type
            ),
            approval_status=p.approval_status,
            domain="COMPUTER_VISION",
            task="OBJECT_DETECTION",
            model_metrics={"ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": evaluation}}},
            drift_check_baselines={
                "ModelDataQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": baseline_uri(evaluate)}}
            },
            customer_metadata_properties={
                **links,
                **versions,
                **{name: registry_metric(evaluate, name) for name in (*METRICS, *OTHER_METADATA)},
            },
            # The card is complete, but a person has yet to review it.
            model_card={
                "ModelCardContent": Join(on="", values=_flat(json_join_parts(card))),
                "ModelCardStatus": "PendingReview",
            },
        )

    return ModelStep(
        name=NAME,
        display_name="Register model",
        description="A new version in the model package group, with its evaluation and its model card.",
        step_args=capture_model_request(context.session, create),
        retry_policies=context.service_retries,
    )


def _with(instance_types: Iterable[str], *configured: str) -> list[str]:
    """Return the package's instance types and those that the pipeline itself uses the model on, each once."""
    return list(dict.fromkeys([*instance_types, *configured]))


def _flat(values: Iterable[Any]) -> list[Any]:
    """Return the values of a Join, with nested Joins flattened: AWS doesn't document that they may be nested."""
    flat: list[Any] = []
    for value in values:
        if not isinstance(value, Join):
            flat.append(value)
            continue
        for index, inner in enumerate(_flat(value.values)):
            flat += [value.on, inner] if index and value.on else [inner]
    return flat
