"""Which files are read: the project's own in the working folder, and none of another program with a like name."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from groundloop.errors import ConfigError
from pipeline.config import load_config
from pipeline.config.files import PACKAGED_CONFIGS, base_file, packaged_or_own

LOCAL = PACKAGED_CONFIGS / "local.yaml"
HYDRA = "defaults:\n  - model: resnet\ntraining:\n  lr: 0.1\n"
REQUIRED = (
    "aws: {role: 'arn:aws:iam::111122223333:role/r', bucket: mine-1}\nlabels: {manifest: s3://mine-1/m.manifest}\n"
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["groundloop.yaml", "groundloop.yml"])
def test_the_projects_file_is_found_in_the_working_folder(folder: Path, name: str) -> None:
    (folder / name).write_text(REQUIRED)
    assert load_config(environment={}).aws.bucket == "mine-1"


def test_overlays_win_over_the_projects_file(folder: Path) -> None:
    (folder / "groundloop.yaml").write_text(REQUIRED + "prepare: {split: {seed: 5}}\n")
    config = load_config([LOCAL], environment={})
    assert (config.aws.bucket, config.prepare.split.seed) == ("groundloop-local", 5)


def test_a_projects_file_that_is_given_too_keeps_its_place_among_the_overlays(folder: Path) -> None:
    own = folder / "groundloop.yaml"
    own.write_text(REQUIRED)
    assert load_config([LOCAL, own], environment={}).aws.bucket == "mine-1"


def test_what_is_independent_of_a_project_can_leave_its_file_out(folder: Path) -> None:
    (folder / "groundloop.yaml").write_text("aws: {bucket: mine-1}\nlabels: {classes: [nut]}\n")
    assert load_config([LOCAL], environment={}, project=False).labels.classes == []


def test_another_programs_groundloop_yaml_is_refused_by_name(folder: Path) -> None:
    (folder / "groundloop.yaml").write_text("tools:\n  drill: 1\n")
    with pytest.raises(ConfigError, match=r"^groundloop\.yaml: has none of the sections pipeline, aws, labels, \.\.\."):
        load_config([LOCAL], environment={})


def test_a_projects_file_with_comments_only_is_ours(folder: Path) -> None:
    (folder / "groundloop.yaml").write_text("# nothing yet\n")
    assert load_config([LOCAL], environment={}).aws.bucket == "groundloop-local"


def test_another_programs_base_yaml_is_not_read(folder: Path) -> None:
    (folder / "configs").mkdir()
    (folder / "configs/base.yaml").write_text(HYDRA)
    assert base_file() == PACKAGED_CONFIGS / "base.yaml"
    assert packaged_or_own("local.yaml") == LOCAL
    assert load_config([LOCAL], environment={}).training.volume_gb == 50


def test_another_programs_base_yaml_beside_an_overlay_is_not_read(folder: Path) -> None:
    (folder / "base.yaml").write_text(HYDRA)
    overlay = folder / "mine.yaml"
    overlay.write_text(REQUIRED)
    assert load_config([overlay], environment={}).aws.bucket == "mine-1"


def test_a_base_yaml_of_ones_own_replaces_the_packaged_one(folder: Path) -> None:
    shutil.copytree(PACKAGED_CONFIGS, folder / "configs")
    base = folder / "configs/base.yaml"
    base.write_text(base.read_text().replace("volume_gb: 50 ", "volume_gb: 77 "))
    assert packaged_or_own("local.yaml") == Path("configs/local.yaml")
    assert load_config([LOCAL], environment={}).training.volume_gb == 50, "beside the overlay is nearer"
    assert load_config([Path("configs/local.yaml")], environment={}).training.volume_gb == 77


def test_a_broken_base_yaml_of_ones_own_is_reported_and_not_passed_over(folder: Path) -> None:
    (folder / "configs").mkdir()
    (folder / "configs/base.yaml").write_text("aws: {}\nlabels: {}\nprepare: {\n")
    with pytest.raises(ConfigError, match=r"^configs/base\.yaml:\d: is not valid YAML"):
        load_config(environment={})


def test_what_is_missing_is_asked_for_in_the_projects_file(folder: Path) -> None:
    (folder / "groundloop.yaml").write_text("aws: {region: us-west-2}\n")
    with pytest.raises(ConfigError, match=r"^aws\.role is not set: set it in groundloop\.yaml, with --set aws\.role="):
        load_config(environment={})


def test_without_any_file_the_message_names_init() -> None:
    with pytest.raises(ConfigError, match=r"aws\.role is not set: .*`groundloop init`"):
        load_config(environment={})
