"""Configurations and definitions that the tests of this package look at."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.config import Config, load_config

ROOT = Path(__file__).resolve().parents[2]
LOCAL = ROOT / "configs" / "local.yaml"

Definition = dict[str, Any]


@pytest.fixture
def config() -> Config:
    """The offline AWS's configuration."""
    return load_config([LOCAL], environment={})


@pytest.fixture(scope="session")
def define() -> Callable[..., Definition]:
    """Builds a definition from ``local.yaml`` and assignments."""

    def build(*assignments: str, deploy: bool = False, overlay: Path = LOCAL) -> Definition:
        from pipeline.definition import compile_pipeline, deploy_pipeline, training_pipeline

        settings = load_config([overlay], assignments, environment={})
        pipeline = deploy_pipeline(settings) if deploy else training_pipeline(settings)
        definition: Definition = json.loads(compile_pipeline(pipeline))
        return definition

    return build


@pytest.fixture(scope="session")
def training(define: Callable[..., Definition]) -> Definition:
    return define()


@pytest.fixture(scope="session")
def deploying(define: Callable[..., Definition]) -> Definition:
    return define(deploy=True)
