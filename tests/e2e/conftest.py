"""One offline AWS with a small labelled data set, on which the flows run one after another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from groundloop.local import LocalAws
from pipeline.config import Config, load_config
from tests.fixtures.shared import MadeOnce

ROOT = Path(__file__).resolve().parents[2]
BUCKET = "groundloop-e2e"
IMAGES = 110
# What eight epochs on so few images surely reach, and an untrained model never does.
SETTINGS = (
    f"labels.manifest=s3://{BUCKET}/labels/output.manifest",
    "training.hyperparameters.epochs=8",
    "gate.thresholds={map: 0.05, map_50: 0.2, voc_map: 0.2}",
    "evaluate.intervals.resamples=100",
    "evaluate.slices=[bounding-box-metadata.human-annotated]",
)


@dataclass(frozen=True)
class Project:
    """The running offline AWS, its folder, its data and its configuration."""

    aws: LocalAws
    home: Path
    data: Path
    config: Config

    @property
    def region(self) -> str:
        return self.config.aws.region


@pytest.fixture(scope="session")
def settings() -> list[str]:
    """Assignments of the e2e configuration, for commands that load it themselves."""
    return list(SETTINGS)


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory, made_once: MadeOnce[Path]) -> Iterator[Project]:
    from pipeline.demo.offline_run import offline_aws, upload_labels
    from pipeline.demo.synthetic_images import write_dataset

    home = tmp_path_factory.mktemp("aws")
    config = load_config([ROOT / "configs" / "local.yaml"], SETTINGS, environment={})
    manifest = made_once("e2e-data", lambda folder: write_dataset(folder, IMAGES, BUCKET))
    data = manifest.parent
    with offline_aws(config, home) as aws:
        upload_labels(config, manifest, data / "images", lambda _: None)
        yield Project(aws, home, data, config)


@pytest.fixture(scope="session")
def aws(project: Project) -> LocalAws:
    """The same offline AWS: there can be one at a time in a process."""
    return project.aws
