"""A search in Train's place, on the offline AWS: its winner is evaluated, registered and served."""

from __future__ import annotations

import json

import boto3
import pytest

from groundloop.executions.control import registered_package, start
from groundloop.executions.tuning import find_search
from groundloop.executions.watching import watch
from groundloop.tracking.executions import run_of_execution
from groundloop.tracking.export import export_run
from pipeline.config import Config, load_config
from pipeline.upsert import upsert_pipelines
from tests.e2e.conftest import ROOT, SETTINGS, Project
from tests.fixtures.run_record import RunRecord

TUNING = (
    "training.hyperparameters.epochs=1",
    "training.tuning.jobs=2",
    "training.tuning.early_stopping=off",
    "gate.thresholds={map: 0, map_50: null, voc_map: null}",
    "evaluate.intervals.resamples=0",
    "registry.group=groundloop-tuned",
    "deploy.endpoint.name=groundloop-tuned",
)


@pytest.fixture(scope="module")
def config(project: Project) -> Config:
    overlays = [ROOT / "configs" / name for name in ("local.yaml", "tune.yaml")]
    return load_config(overlays, [*SETTINGS, *TUNING], environment={})


def test_the_winner_of_a_search_is_registered_and_served(project: Project, config: Config) -> None:
    upsert_pipelines(config)
    execution = start(project.region, config.pipeline.name, [])
    ended = watch(project.region, execution, lambda _: None)
    assert ended.succeeded, ended.reason
    search = find_search(project.region, config.pipeline.name, None)
    results = sorted(job.objective for job in search.jobs if job.objective is not None)
    assert len(results) == 2
    assert search.best is not None
    assert search.best.objective == results[-1]

    sagemaker, package = boto3.client("sagemaker"), registered_package(project.region, execution)
    version = sagemaker.describe_model_package(ModelPackageName=package)
    facts = version["CustomerMetadataProperties"]
    assert facts["tuning_job"] == search.arn
    assert float(facts["tuning_objective"]) == pytest.approx(search.best.objective)
    card = json.loads(version["ModelCard"]["ModelCardContent"])["training_details"]["training_job_details"]
    assert card["training_arn"].endswith(f"training-job/{search.best.name}")
    told = {item["name"]: item["value"] for item in card["user_provided_hyper_parameters"]}
    job = sagemaker.describe_training_job(TrainingJobName=search.best.name)
    assert {name: told[name] for name in search.best.values} == search.best.values
    assert all(job["HyperParameters"][name] == value for name, value in told.items())
    (container,) = version["InferenceSpecification"]["Containers"]
    assert container["ModelDataUrl"] == job["ModelArtifacts"]["S3ModelArtifacts"]

    image = next(project.images.glob("*.jpg"))
    answer = boto3.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=config.deploy.endpoint.name, ContentType="image/jpeg", Body=image.read_bytes()
    )
    assert "prediction" in json.loads(answer["Body"].read())

    run, record = run_of_execution(project.region, execution), RunRecord()
    export_run(record, "tune", run)
    parent, *children = record.runs.values()
    assert parent.params["learning_rate"] == job["HyperParameters"]["learning_rate"]
    assert sorted(metric.value for child in children for metric in child.metrics) == results
    assert all(child.params.keys() == search.best.values.keys() for child in children)
    assert export_run(record, "tune", run).added == 0
