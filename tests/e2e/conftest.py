"""Offline AWSs with labelled images, one per module: one where nothing has run yet, one with an executed pipeline."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest

from pipeline.config import Config, load_config
from tests.fixtures.recorded_calls import Call, recording
from tests.fixtures.shared import MadeOnce

ROOT = Path(__file__).resolve().parents[2]
LOCAL = ROOT / "configs" / "local.yaml"
BUCKET = "groundloop-e2e"
IMAGES, EPOCHS = 72, 6
# Where what the model has learnt is not looked at; two of the faulty lines are among them.
FEW_LINES = 30
# What these epochs on so few images surely reach, and an untrained model never does.
SETTINGS = (
    f"labels.manifest=s3://{BUCKET}/labels/output.manifest",
    f"training.hyperparameters.epochs={EPOCHS}",
    "gate.thresholds={map: 0.05, map_50: 0.2, voc_map: 0.2}",
    "evaluate.intervals.resamples=100",
    "evaluate.slices=[bounding-box-metadata.human-annotated]",
)


@dataclass(frozen=True)
class DataSet:
    """Drawn images and their labels, of which `few` has the first lines."""

    images: Path
    manifest: Path
    few: Path


@dataclass(frozen=True)
class Project:
    """The folder of a running offline AWS, the images, the uploaded labels and the configuration."""

    home: Path
    images: Path
    manifest: Path
    config: Config

    @property
    def region(self) -> str:
        return self.config.aws.region


@dataclass(frozen=True)
class FirstExecution:
    """The first execution of a pipeline, in the folder of an offline AWS that has ended, and what its jobs called."""

    home: Path
    arn: str
    calls: frozenset[Call]


@pytest.fixture(scope="session")
def settings() -> list[str]:
    """Assignments of the e2e configuration, for commands that load it themselves."""
    return list(SETTINGS)


@pytest.fixture(scope="session")
def dataset(made_once: MadeOnce[DataSet]) -> DataSet:
    """The images of all flows, drawn once."""
    return made_once("e2e-data", _draw)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, dataset: DataSet) -> Iterator[Project]:
    """An offline AWS with a few labelled images, on which nothing has run."""
    from pipeline.demo.offline_run import offline_aws, upload_labels

    home, config = tmp_path_factory.mktemp("aws"), _config()
    with offline_aws(config, home):
        upload_labels(config, dataset.few, dataset.images, lambda _: None)
        yield Project(home, dataset.images, dataset.few, config)


@pytest.fixture(scope="session")
def first_execution(dataset: DataSet, made_once: MadeOnce[FirstExecution]) -> FirstExecution:
    """An execution on all of the images, made once; each module that needs it continues with a copy of its folder."""
    return made_once("e2e-executed", lambda folder: _execute(folder, dataset))


@pytest.fixture(scope="module")
def executed(
    tmp_path_factory: pytest.TempPathFactory, dataset: DataSet, first_execution: FirstExecution
) -> Iterator[Project]:
    """An offline AWS with the first execution of the pipeline, its package and its endpoint."""
    from pipeline.demo.offline_run import offline_aws

    home, config = tmp_path_factory.mktemp("executed") / "aws", _config()
    shutil.copytree(first_execution.home, home)
    with offline_aws(config, home, keep=True):
        boto3.client("sagemaker").get_waiter("endpoint_in_service").wait(
            EndpointName=config.deploy.endpoint.name, WaiterConfig={"Delay": 0.05, "MaxAttempts": 600}
        )
        yield Project(home, dataset.images, dataset.manifest, config)


def _config() -> Config:
    return load_config([LOCAL], SETTINGS, environment={})


def _draw(folder: Path) -> DataSet:
    from pipeline.demo.synthetic_images import write_dataset

    manifest, few = write_dataset(folder, IMAGES, BUCKET), folder / "few.manifest"
    few.write_text("".join(manifest.read_text().splitlines(keepends=True)[:FEW_LINES]))
    return DataSet(folder / "images", manifest, few)


def _execute(home: Path, dataset: DataSet) -> FirstExecution:
    """Upload labels and code, create the pipeline and run it once, all with plain boto3."""
    from pipeline.compiled import compiled_definition
    from pipeline.demo.offline_run import offline_aws, upload_labels
    from pipeline.job_archive import job_archive
    from pipeline.reviewed_manifest import NO_LABELS, no_labels_key

    config = _config()
    account, region = config.aws.role.split(":")[4], config.aws.region
    with offline_aws(config, home, keep=True), recording(account, region) as recorder:
        upload_labels(config, dataset.manifest, dataset.images, lambda _: None)
        s3, sagemaker = boto3.client("s3"), boto3.client("sagemaker")
        for name in ("prepare", "evaluate"):
            archive = job_archive(name)
            s3.put_object(Bucket=config.aws.bucket, Key=archive.key(config.aws.prefix), Body=archive.content)
        s3.put_object(Bucket=config.aws.bucket, Key=no_labels_key(config.aws.prefix), Body=NO_LABELS)
        sagemaker.create_pipeline(
            PipelineName=config.pipeline.name,
            PipelineDefinition=compiled_definition(config, "training"),
            ClientRequestToken="a" * 32,
            RoleArn=config.aws.role,
        )
        arn = sagemaker.start_pipeline_execution(PipelineName=config.pipeline.name)["PipelineExecutionArn"]
        until = time.monotonic() + 120
        while sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)["PipelineExecutionStatus"] == "Executing":
            assert time.monotonic() < until, "the execution does not end"
            time.sleep(0.2)
        return FirstExecution(home, arn, frozenset(recorder.calls))
