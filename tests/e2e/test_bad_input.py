"""A mistake is one clear line and an exit code, never a traceback."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

import boto3
import pytest

from tests.e2e.conftest import Project

LOCAL = ("-c", "configs/local.yaml")


@pytest.fixture(scope="module")
def upserted(project: Project) -> None:
    from pipeline.upsert import upsert_pipelines

    upsert_pipelines(project.config)


@pytest.mark.usefixtures("upserted")
@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(None, "s3://groundloop-e2e/labels/given.manifest", id="a manifest that doesn't exist"),
        pytest.param(b"", "no usable", id="an empty manifest"),
        pytest.param(b"not json\n{}\n", "ERROR_INVALID_JSON_LINE", id="no usable line"),
        pytest.param(
            json.dumps(
                {
                    "source-ref": "s3://b/x.jpg",
                    "animal": 1,
                    "animal-metadata": {"type": "groundtruth/image-classification", "class-name": "cat"},
                }
            ).encode(),
            "classification",
            id="labels of another kind",
        ),
    ],
)
def test_a_manifest_that_cannot_be_used(
    project: Project, groundloop: Callable[..., Any], content: bytes | None, message: str
) -> None:
    s3, key = boto3.client("s3"), "labels/given.manifest"
    s3.delete_object(Bucket="groundloop-e2e", Key=key)
    if content is not None:
        s3.put_object(Bucket="groundloop-e2e", Key=key, Body=content)
    ran = groundloop("start", *LOCAL, "-p", f"InputManifest=s3://groundloop-e2e/{key}", "--watch")
    assert ran.code == 1
    assert message in ran.err
    assert "Traceback" not in ran.out + ran.err
    failed = next(line for line in ran.out.splitlines() if "Failed" in line)
    assert "Prepare" in failed
    assert "error: Prepare failed: " in ran.err
    assert "log.txt" in ran.err or "No S3 objects found" in ran.err, "where the log lies, if the job began"


@pytest.mark.usefixtures("upserted")
@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        pytest.param(["start", *LOCAL, "-p", "Epoch=3"], 1, "did you mean Epochs?", id="a misspelt parameter"),
        pytest.param(["start", *LOCAL, "-p", "Epochs=many"], 1, "Epochs is of type Integer", id="a wrong type"),
        pytest.param(
            ["start", *LOCAL, "-p", "DeployMode=now"], 1, "'on_pass', 'on_approval' or 'never'", id="not a choice"
        ),
        pytest.param(["start", *LOCAL, "-p", "Epochs"], 1, "-p Name=Value", id="no value"),
        pytest.param(["start", *LOCAL, "--name", "nope"], 1, "there is no pipeline 'nope'", id="no such pipeline"),
        pytest.param(["watch", *LOCAL, "-s", "pipeline.name=nope"], 1, "nope", id="nothing to watch"),
        pytest.param(["start"], 2, "aws.role is not set", id="no configuration"),
        pytest.param(["start", "--set", "x=1", *LOCAL], 2, "unknown key x", id="a key that isn't there"),
        pytest.param(["start", "-c", "nowhere.yaml"], 2, "no such file: nowhere.yaml", id="no such file"),
        pytest.param(["upsert", *LOCAL, "-s", "aws.bucket=nobodys"], 1, "aws s3 mb s3://nobodys", id="no such bucket"),
        pytest.param(["compile", *LOCAL, "-s", "aws.region=moon-1"], 2, "aws.region is 'moon-1'", id="no such region"),
        pytest.param(["compile", *LOCAL, "-o", "/nowhere/x"], 1, "can't be written", id="no place to write"),
        pytest.param(["predict", *LOCAL, "missing.jpg"], 1, "missing.jpg: can't be read", id="no such image"),
        pytest.param(["predict", *LOCAL, "--endpoint", "e", "README.md"], 1, "no endpoint 'e'", id="no such endpoint"),
        pytest.param(["local", "run", "--labels", "no", "--images", "."], 1, "no does not exist", id="no labels"),
        pytest.param(["local", "run"], 2, "--labels", id="an option that is needed"),
        pytest.param(["conpile"], 2, "conpile", id="no such command"),
    ],
)
def test_a_command_that_cannot_be_done(
    groundloop: Callable[..., Any], arguments: list[str], code: int, message: str
) -> None:
    ran = groundloop(*arguments)
    assert ran.code == code
    assert message in ran.err.replace("\n", " ")
    assert "Traceback" not in ran.out + ran.err


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("environment", "message"),
    [
        pytest.param(
            {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None, "AWS_EC2_METADATA_DISABLED": "true"},
            "there are no AWS credentials: log in",
            id="no credentials",
        ),
        pytest.param(
            {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"},
            "start `groundloop local`, or unset the variable",
            id="an offline AWS that is gone",
        ),
        pytest.param({"AWS_PROFILE": "nobodys"}, "unset AWS_PROFILE", id="no such profile"),
    ],
)
def test_a_way_to_aws_that_is_none(
    groundloop: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str | None],
    message: str,
) -> None:
    from groundloop.aws import client

    files = {"AWS_SHARED_CREDENTIALS_FILE": os.devnull, "AWS_CONFIG_FILE": os.devnull}
    for name, value in {**files, **environment}.items():
        if value is None:
            monkeypatch.delenv(name)
        else:
            monkeypatch.setenv(name, value)
    client.cache_clear()
    try:
        ran = groundloop("start", *LOCAL)
    finally:
        client.cache_clear()
    assert ran.code == 1
    assert message in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.usefixtures("upserted")
def test_an_image_missing_in_s3_is_kept_out_and_named(project: Project, groundloop: Callable[..., Any]) -> None:
    """All images of a manifest gone: Prepare says so before anything is trained."""
    lines = project.manifest.read_text().replace("groundloop-e2e/images", "groundloop-e2e/gone")
    boto3.client("s3").put_object(Bucket="groundloop-e2e", Key="labels/gone.manifest", Body=lines.encode())
    ran = groundloop("start", *LOCAL, "-p", "InputManifest=s3://groundloop-e2e/labels/gone.manifest", "--watch")
    assert ran.code == 1
    assert "IMAGE" in ran.err
