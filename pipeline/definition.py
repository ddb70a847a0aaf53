"""The pipelines, from top to bottom. Building them needs no credentials and no network, and writes nothing."""

from __future__ import annotations

import json

from groundloop.aws import check_region
from groundloop.batch.selection import MANIFEST_FILE
from groundloop.errors import ConfigError
from pipeline import sdk  # first: the SDK can't be imported without a region
from pipeline.config import Config
from pipeline.job_archive import job_archive
from pipeline.parameters import pipeline_parameters

# isort: split
from sagemaker.mlops.workflow.pipeline import Pipeline

from steps.build_context import BuildContext
from steps.collect.step import collect_step
from steps.deploy.step import deploy_gate, deploy_job_step
from steps.evaluate.step import evaluate_step, quality_gate
from steps.model import create_model_step, create_package_model_step
from steps.monitor.step import drift_gate, monitor_step
from steps.predict.step import predict_selected_step, predict_step
from steps.prepare.step import prepare_step
from steps.processing import processing_image_uri
from steps.register.step import register_step
from steps.select.step import package_arn, select_step, selection_uri
from steps.train.step import algorithm_image_uri
from steps.train.trained_model import trained_model


@sdk.offline_build()
def training_pipeline(config: Config) -> Pipeline:
    """Return the pipeline from labels to endpoint."""
    context = build_context(config)
    prepare = prepare_step(context)
    trained = trained_model(context, prepare)
    model = create_model_step(context, trained)
    predict = predict_step(context, prepare, model)
    evaluate = evaluate_step(context, prepare, trained, predict)
    register = register_step(context, prepare, trained, evaluate)
    gate = quality_gate(evaluate, on_pass=register)
    deploy = deploy_gate(context, model, register)
    return Pipeline(
        name=config.pipeline.name,
        parameters=context.parameters.of_training_pipeline(),
        steps=[prepare, trained.step, model, predict, evaluate, gate, deploy],
        sagemaker_session=context.session,
        # By default SageMaker makes an experiment and a trial per execution, which takes permissions for nothing used.
        pipeline_experiment_config=None,
    )


@sdk.offline_build()
def deploy_pipeline(config: Config) -> Pipeline:
    """Return the pipeline that moves the endpoint to a version: the champion, or the one that a parameter names."""
    context = build_context(config)
    return Pipeline(
        name=config.pipeline.deploy_name,
        parameters=context.parameters.of_deploy_pipeline(),
        steps=[deploy_job_step(context)],
        sagemaker_session=context.session,
        # By default SageMaker makes an experiment and a trial per execution, which takes permissions for nothing used.
        pipeline_experiment_config=None,
    )


@sdk.offline_build()
def predict_pipeline(config: Config) -> Pipeline:
    """Return the pipeline that predicts new images with a version: the champion, or the one that a parameter names."""
    context = build_context(config)
    select = select_step(context)
    model = create_package_model_step(context, package_arn(select))
    predict = predict_selected_step(context, model, selection_uri(select, MANIFEST_FILE))
    return Pipeline(
        name=config.pipeline.predict_name,
        parameters=context.parameters.of_predict_pipeline(),
        steps=[select, model, predict, collect_step(context, select, predict)],
        sagemaker_session=context.session,
        # By default SageMaker makes an experiment and a trial per execution, which takes permissions for nothing used.
        pipeline_experiment_config=None,
    )


@sdk.offline_build()
def monitor_pipeline(config: Config) -> Pipeline:
    """Return the pipeline that compares captured requests with what the served version was evaluated on."""
    context = build_context(config)
    retrain = config.triggers.retrain_when
    monitor = monitor_step(context, retrain_at=retrain.reviewed if retrain else None)
    return Pipeline(
        name=config.pipeline.monitor_name,
        parameters=context.parameters.of_monitor_pipeline(),
        steps=[monitor, drift_gate(monitor)] if config.monitor.fail != "never" else [monitor],
        sagemaker_session=context.session,
        # By default SageMaker makes an experiment and a trial per execution, which takes permissions for nothing used.
        pipeline_experiment_config=None,
    )


@sdk.offline_build()
def compile_pipeline(pipeline: Pipeline) -> str:
    """Return the definition as JSON; the same configuration gives the same bytes."""
    return json.dumps(json.loads(pipeline.definition()), indent=1)


def build_context(config: Config) -> BuildContext:
    """Return what the steps are built from.

    Raises:
        ConfigError: the region has no image for the jobs.
    """
    region = config.aws.region
    try:
        algorithm_image_uri(region)
        processing_image_uri(config.processing, region)
    except ValueError as error:
        check_region(region)  # a misspelt region has an error of its own; looked up only now, since it takes a while
        raise ConfigError(f"aws.region is {region!r}, which has no image for the jobs: {error}") from None
    return BuildContext(
        config=config,
        parameters=pipeline_parameters(config),
        session=sdk.building_session(region, config.aws.bucket),
        job_archive=job_archive,
        max_image_mb=config.predict.max_payload_mb,
        image_shape=config.training.hyperparameters.image_shape,
        base_network=config.training.hyperparameters.base_network,
        start_from=None if config.training.start_from is None else str(config.training.start_from),
        model_package_group=config.registry.group,
    )
