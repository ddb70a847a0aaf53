"""The schema for editors: right files pass, wrong ones don't, and the one in `configs/` is up to date."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from pipeline.config.schema import editor_schema

ROOT = Path(__file__).resolve().parents[3]
FILES = [*(ROOT / "configs").glob("*.yaml"), *(ROOT / "examples").rglob("*.yaml")]


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    return Draft202012Validator(editor_schema())


def test_it_is_a_schema() -> None:
    schema = editor_schema()
    Draft202012Validator.check_schema(schema)
    assert (schema["$schema"], schema["$id"]) == (
        Draft202012Validator.META_SCHEMA["$id"],
        "urn:groundloop:configuration",
    )


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_it_accepts_the_files_that_come_with_the_project(validator: Draft202012Validator, file: Path) -> None:
    assert [error.message for error in validator.iter_errors(yaml.safe_load(file.read_text()))] == []


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("training: {volume_gb: 80}", id="a part of a section"),
        pytest.param("training:", id="a section with all settings commented out"),
        pytest.param("gate: {thresholds: }", id="an empty mapping"),
        pytest.param("execution: {retry: {capacity: {max_attempts: 3}}}", id="a part of an optional section"),
        pytest.param("execution: {retry: {capacity: null}}", id="an optional section switched off"),
    ],
)
def test_it_accepts_parts(validator: Draft202012Validator, text: str) -> None:
    assert validator.is_valid(yaml.safe_load(text))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("trainig: {}", id="a misspelt section"),
        pytest.param("training: {epochs: 3}", id="a misplaced key"),
        pytest.param("training: {hyperparameters: {epochs: 0}}", id="out of range"),
        pytest.param("training: {instance_type: ml.p3.2xlarg}", id="a misspelt choice"),
        pytest.param("labels: {additional_sources: [{format: coco}]}", id="an entry of a list without what it needs"),
    ],
)
def test_it_finds_mistakes(validator: Draft202012Validator, text: str) -> None:
    assert not validator.is_valid(yaml.safe_load(text))


def test_the_file_in_configs_is_up_to_date() -> None:
    written: dict[str, Any] = json.loads((ROOT / "configs/schema.json").read_text(encoding="utf-8"))
    assert written == editor_schema(), "configs/schema.json is stale: run `make docs`"


@pytest.mark.parametrize("name", ["base.yaml", "local.yaml", "prod.yaml"])
def test_the_files_name_their_schema(name: str) -> None:
    first = (ROOT / "configs" / name).read_text(encoding="utf-8").splitlines()[0]
    assert first == "# yaml-language-server: $schema=schema.json"
