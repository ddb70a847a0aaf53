"""The examples' configurations load and give definitions without findings; the commands on labels run as written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from groundloop.check.checker import check_definition
from pipeline.cli.main import app
from pipeline.config import load_config
from pipeline.definition import definition_json, training_pipeline
from pipeline.demo.synthetic_images import render

ROOT = Path(__file__).parents[2]
OWN_LABELS = [ROOT / "configs" / "local.yaml", ROOT / "examples" / "own_labels" / "config.yaml"]
REAL_ACCOUNT = [ROOT / "examples" / "real_account" / "config.yaml"]
