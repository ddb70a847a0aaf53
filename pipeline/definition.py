"""The two pipelines, from top to bottom. BuildContext them needs no credentials, no network, and writes nothing."""

from __future__ import annotations

import hashlib
import json

from groundloop.aws import check_region
from groundloop.errors import ConfigError
from pipeline import sdk  # first: the SDK can't be imported without a region
from pipeline.config import Config
from pipeline.job_archive import job_archive
from pipeline.parameters import Parameters, endpoint_instance_type

# isort: split
from sagemaker.core.workflow.parameters import ParameterString
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.steps import Step

from steps.build_context import BuildContext
from steps.deploy.job import LATEST_APPROVED, NO_CHANGE
from steps.deploy.step import deploy_gate, deploy_job_step, deploy_steps
from steps.evaluate.step import evaluate_step, quality_gate
from steps.model import create_model_step
from steps.predict.step import predict_step
from steps.prepare.step import prepare_step
from steps.processing import image_uri as processing_image_uri
from steps.register.step import register_step
from steps.train.step import image_uri as algorithm_image_uri
from steps.train.step import train_step


@sdk.building()
def training_pipeline(config: Config) -> Pipeline:
    """Labels to endpoint: Prepare, Train, CreateModel, Predict, Evaluate, gate, Register, deploy."""
    building, p = _building(config), Parameters.of(config)
    aws = config.aws
    prepare = prepare_step(
        building,
        config.processing,
        config.labels,
        config.prepare,
        code_uri=job_archive("prepare").uri(aws.bucket, aws.prefix),
        max_image_mb=config.predict.max_payload_mb,
        image_shape=config.training.hyperparameters.image_shape,
        instance_type=p.processing_instance_type,
        manifest=p.input_manifest,
        attribute=p.label_attribute,
        mini_batch_size=p.mini_batch_size,
    )
    train = train_step(
        building,
        config.training,
        prepare=prepare,
        shuffle_seed=config.prepare.shuffle_seed,
        instance_type=p.train_instance_type,
        epochs=p.epochs,
        mini_batch_size=p.mini_batch_size,
        learning_rate=p.learning_rate,
    )
    model = create_model_step(
        building,
        description="The trained artifact in the algorithm's image, for Batch Transform and the endpoint.",
        container={
            "Image": algorithm_image_uri(aws.region),
            "ModelDataUrl": train.properties.ModelArtifacts.S3ModelArtifacts,
        },
    )
    predict = predict_step(
        building, config.predict, prepare=prepare, model=model, instance_type=p.transform_instance_type
    )
    evaluate = evaluate_step(
        building,
        config.processing,
        config.evaluate,
        config.gate,
        prepare=prepare,
        predict=predict,
        code_uri=job_archive("evaluate").uri(aws.bucket, aws.prefix),
        instance_type=p.processing_instance_type,
        thresholds={
            "map": p.min_map,
            "map_50": p.min_map_50,
            "voc_map": p.min_voc_map,
            "count.mae": p.max_count_mae,
        },
        group=config.registry.group,
    )
    register = register_step(
        building,
        config.registry,
        prepare=prepare,
        train=train,
        evaluate=evaluate,
        approval_status=p.approval_status,
        hyperparameters={
            **config.training.hyperparameters.strings(),
            "epochs": p.epochs,
            "mini_batch_size": p.mini_batch_size,
            "learning_rate": p.learning_rate,
        },
        pipeline_name=config.pipeline.name,
        # Neither changes what a model is: a new schedule should not make a new definition.
        config_sha256=hashlib.sha256(config.model_dump_json(exclude={"triggers", "costs"}).encode()).hexdigest(),
        code_version=" ".join(f"{job}@{job_archive(job).sha256}" for job in ("prepare", "evaluate")),
    )
    if config.deploy.needs_job:
        deploy: list[Step] = [
            deploy_job_step(
                building,
                config.processing,
                config.deploy,
                group=config.registry.group,
                project=config.pipeline.name,
                code_uri=job_archive("deploy").uri(aws.bucket, aws.prefix),
                endpoint_name=p.endpoint_name,
                instance_type=p.endpoint_instance_type,
                package=register.properties.ModelPackageArn,
                any_status=True,
            )
        ]
    else:
        deploy = deploy_steps(
            building,
            config.deploy.endpoint,
            model=model,
            endpoint_name=p.endpoint_name,
            instance_type=p.endpoint_instance_type,
        )
    gate = quality_gate(evaluate, on_pass=[register, deploy_gate(p.deploy_mode, register=register, steps=deploy)])
    return Pipeline(
        name=config.pipeline.name,
        parameters=p.all(),
        steps=[prepare, train, model, predict, evaluate, gate],
        sagemaker_session=building.session,
    )


@sdk.building()
def deploy_pipeline(config: Config) -> Pipeline:
    """The endpoint to a version: the highest approved one, or one that is named.

    One job instead of steps: several events for one approval have to deploy once, a rejection has to find the version
    to go back to, and what fails has to be taken back. None of that can be asked of the Model and Endpoint steps.
    """
    building = _building(config)
    aws, endpoint = config.aws, config.deploy.endpoint
    package = ParameterString("ModelPackageArn", LATEST_APPROVED)
    changed = ParameterString("ChangedPackageArn", NO_CHANGE)
    endpoint_name = ParameterString("EndpointName", endpoint.name)
    instance_type = endpoint_instance_type(endpoint)
    deploy = deploy_job_step(
        building,
        config.processing,
        config.deploy,
        group=config.registry.group,
        project=config.pipeline.name,
        code_uri=job_archive("deploy").uri(aws.bucket, aws.prefix),
        endpoint_name=endpoint_name,
        instance_type=instance_type,
        package=package,
        changed=changed,
    )
    return Pipeline(
        name=config.pipeline.deploy_name,
        parameters=[package, changed, endpoint_name, *([instance_type] if instance_type is not None else [])],
        steps=[deploy],
        sagemaker_session=building.session,
    )


@sdk.building()
def compile_pipeline(pipeline: Pipeline) -> str:
    """The definition as JSON; the same configuration gives the same bytes."""
    return json.dumps(json.loads(pipeline.definition()), indent=1)


def _building(config: Config) -> BuildContext:
    region = config.aws.region
    try:
        algorithm_image_uri(region)
        processing_image_uri(config.processing, region)
    except ValueError as error:
        check_region(region)  # a misspelt one is told apart; looked up only now, since it takes a while
        raise ConfigError(f"aws.region is {region!r}, which has no image for the jobs: {error}") from None
    return BuildContext(
        session=sdk.OfflineSession(region, config.aws.bucket), aws=config.aws, execution=config.execution
    )
