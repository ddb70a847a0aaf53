"""`groundloop init` begins a project that the other commands then find and understand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from pipeline.config import load_config
from pipeline.config.project import SCHEMA_FILE, ProjectSettings, project_yaml
from tests.fixtures.cli import Groundloop

ROLE = "arn:aws:iam::111122223333:role/vision"
FILES = ["groundloop.yaml", "configs/tune.yaml", SCHEMA_FILE, ".gitignore"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_writes_the_files_and_says_what_comes_next(folder: Path, groundloop: Groundloop) -> None:
    ran = groundloop("init")
    assert (ran.code, ran.err) == (0, "")
    assert sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()) == sorted(FILES)
    assert [line for line in ran.out.splitlines() if line.startswith("wrote")] == [f"wrote {name}" for name in FILES]
    assert "aws.role, aws.bucket, labels.manifest in groundloop.yaml" in ran.out
    assert "groundloop local run --labels LABELS --images DIR" in ran.out


def test_what_is_filled_in_is_a_whole_configuration(folder: Path, groundloop: Groundloop) -> None:
    given = ("--role", ROLE, "--bucket", "mine-1", "--manifest", "s3://mine-1/o.manifest", "--classes", "nut,bolt")
    assert groundloop("init", "--name", "screws", "--region", "eu-west-1", *given).code == 0
    config = load_config(environment={})
    assert (config.aws.role, config.aws.bucket, config.aws.region) == (ROLE, "mine-1", "eu-west-1")
    assert (config.labels.manifest, config.labels.classes) == ("s3://mine-1/o.manifest", ["nut", "bolt"])
    assert {config.pipeline.name, config.registry.group, config.deploy.endpoint.name} == {"screws"}


def test_a_search_for_hyperparameters_is_one_option_away(folder: Path, groundloop: Groundloop) -> None:
    groundloop("init", "--name", "screws", "--role", ROLE, "--bucket", "mine-1", "--manifest", "s3://mine-1/o.manifest")
    config = load_config([Path("configs/tune.yaml")], environment={})
    assert config.training.tuning.enabled
    assert (config.pipeline.name, config.pipeline.deploy_name) == ("screws-tune", "screws-tune-deploy")
    assert (config.registry.group, config.aws.bucket, config.triggers.enabled) == ("screws", "mine-1", False)
    text = (folder / "configs" / "tune.yaml").read_text()
    assert text.splitlines()[0] == f"# yaml-language-server: $schema=../{SCHEMA_FILE}"
    assert "#   groundloop upsert --config configs/tune.yaml\n" in text
    assert "screws-deploy stays as it is" in text
    assert "prod.yaml" not in text


def test_its_other_settings_are_valid_and_its_comments_too(folder: Path, groundloop: Groundloop) -> None:
    """Every commented line is a setting that can be used as it stands."""
    groundloop("init")
    own = folder / "groundloop.yaml"
    own.write_text(own.read_text().replace("  # role", "  role").replace("  # bucket", "  bucket"))
    own.write_text(own.read_text().replace("  # manifest", "  manifest").replace("  # classes", "  classes"))
    own.write_text(own.read_text().replace("  # additional_sources", "  additional_sources"))
    assert load_config(environment={}).labels.classes == ["nut", "bolt"]


def test_the_other_folder_is_created_and_named(folder: Path, groundloop: Groundloop) -> None:
    ran = groundloop("init", "my screws", "--json")
    assert ran.json == {"files": [f"my screws/{name}" for name in FILES]}
    assert "cd 'my screws 2'" in groundloop("init", "my screws 2").out


def test_the_schema_is_named_and_accepts_the_file(folder: Path, groundloop: Groundloop) -> None:
    groundloop("init")
    text = (folder / "groundloop.yaml").read_text()
    assert text.splitlines()[0] == f"# yaml-language-server: $schema={SCHEMA_FILE}"
    schema = json.loads((folder / SCHEMA_FILE).read_text())
    assert Draft202012Validator(schema).is_valid(yaml.safe_load(text))


@pytest.mark.parametrize("name", ["groundloop.yaml", "groundloop.yml", "configs/tune.yaml", SCHEMA_FILE])
def test_no_file_is_overwritten(folder: Path, groundloop: Groundloop, name: str) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("mine")
    ran = groundloop("init")
    assert (ran.code, ran.error) == (1, f"{name} already exists; edit it, or choose another folder")
    assert [file for file in folder.rglob("*") if file.is_file()] == [folder / name]


def test_a_gitignore_keeps_its_lines(folder: Path, groundloop: Groundloop) -> None:
    (folder / ".gitignore").write_text("proof/\n*.pyc")
    groundloop("init")
    assert (folder / ".gitignore").read_text() == "proof/\n*.pyc\n.groundloop/\n"


@pytest.mark.parametrize(
    ("option", "message"),
    [
        pytest.param(("--bucket", "My_Bucket"), "aws.bucket must be a bucket name", id="bucket"),
        pytest.param(("--role", "admin"), "aws.role must be the ARN of a role", id="role"),
        pytest.param(("--name", "my screws"), "pipeline.name must be a name of at most 160", id="name"),
        pytest.param(("--manifest", "output.manifest"), "labels.manifest must be an S3 URI", id="a local manifest"),
        pytest.param(("--classes", "nut,nut"), "given twice: nut", id="classes"),
    ],
)
def test_a_wrong_value_is_refused_and_nothing_written(
    folder: Path, groundloop: Groundloop, option: tuple[str, str], message: str
) -> None:
    ran = groundloop("init", *option)
    assert ran.code == 2
    assert message in ran.error
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("text", ["yes", "0x1F", "a: b", "#1", "Ä, [b]", "'"])
def test_texts_keep_their_meaning(text: str) -> None:
    written = yaml.safe_load(project_yaml(ProjectSettings(classes=[text, "nut"])))
    assert written["labels"]["classes"] == [text, "nut"]


def test_a_folder_that_can_not_be_written_is_reported(folder: Path, groundloop: Groundloop) -> None:
    (folder / "file").write_text("")
    ran = groundloop("init", "file/inside")
    assert (ran.code, ran.error) == (1, "file/inside: can't be written: Not a directory")
