"""Predict: a model's predictions by Batch Transform, for the validation and test images or for new ones."""

from __future__ import annotations

from sagemaker.core.helper.pipeline_variable import PipelineVariable
from sagemaker.core.transformer import Transformer
from sagemaker.core.workflow.functions import Join
from sagemaker.mlops.workflow.model_step import ModelStep
from sagemaker.mlops.workflow.steps import ProcessingStep, TransformStep

from steps.build_context import BuildContext
from steps.predict.settings import PredictSettings
from steps.prepare.step import manifest_uri


def predict_step(context: BuildContext, prepare: ProcessingStep, model: ModelStep) -> TransformStep:
    """Return the Predict step of the training pipeline."""
    return _transform_step(
        context,
        model,
        manifest_uri(prepare, "predict-images.json"),
        display_name="Predict validation and test",
        description="Batch Transform over the images that training has not seen.",
    )


def predict_selected_step(context: BuildContext, model: ModelStep, manifest: Join) -> TransformStep:
    """Return the Predict step of the predict pipeline.

    Args:
        context: what steps are built from.
        model: the step that creates the model.
        manifest: S3 URI of the ManifestFile.
    """
    return _transform_step(
        context,
        model,
        manifest,
        display_name="Predict",
        description="Batch Transform over the selected images.",
    )


def _transform_step(
    context: BuildContext, model: ModelStep, manifest: Join, *, display_name: str, description: str
) -> TransformStep:
    """Return a step that sends one image per request and writes one `<key>.out` per image.

    It never comes from the cache: the model's name is part of what is compared, and CreateModel gives a new one in each
    execution ("Caching Pipeline Steps").
    """
    settings = context.settings(PredictSettings)
    transformer = Transformer(
        model_name=model.properties.ModelName,
        instance_count=settings.instance_count,
        instance_type=context.parameters.transform_instance_type,
        strategy="SingleRecord",
        accept="application/json",
        max_concurrent_transforms=settings.max_concurrent_transforms,
        max_payload=settings.max_payload_mb,
        output_path=context.results("predict"),
        output_kms_key=context.aws.kms_key,
        volume_kms_key=context.volume_key(settings.instance_type),
        tags=context.tags or None,
        sagemaker_session=context.session,
    )
    step_args = transformer.transform(
        data=manifest,
        data_type="ManifestFile",  # Batch Transform takes no augmented manifest
        content_type="application/x-image",
        split_type="None",
    )
    return TransformStep(
        name="Predict",
        display_name=display_name,
        description=description,
        step_args=step_args,
        retry_policies=context.job_retries,
    )


def predictions_uri(predict: TransformStep) -> PipelineVariable:
    """Return the S3 prefix of the `.out` files."""
    uri: PipelineVariable = predict.properties.TransformOutput.S3OutputPath
    return uri
