"""`groundloop track`: what is refused before MLflow is imported, and that nothing else imports it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from groundloop.errors import UserError
from groundloop.tracking.run import EXECUTION_TAG, TrackedRun
from tests.fixtures.cli import Groundloop
from tests.fixtures.run_record import RunRecord

LOCAL = str(Path(__file__).resolve().parents[3] / "configs" / "local.yaml")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param([], "no tracking server is configured: give --to URI, or set tracking.mlflow", id="nowhere"),
        pytest.param(["--to", "mlruns"], "'mlruns' is not a tracking URI: give the ARN of a SageMaker", id="a folder"),
        pytest.param(["--to", "sqlite:///m.db", "--experiment", ""], "can't be an experiment's name", id="no name"),
        pytest.param(["--to", "sqlite:///m.db", "--all", "a1"], "--all means every execution", id="all and one"),
    ],
)
def test_what_cannot_be_logged_is_said_at_once(arguments: list[str], message: str, groundloop: Groundloop) -> None:
    result = groundloop("track", *arguments, "-c", LOCAL)
    assert result.code == 1
    assert message in result.error


@pytest.mark.parametrize(
    ("given", "logged"),
    [pytest.param(["--all"], ["c", "a"], id="all"), pytest.param(["c", "b", "a"], ["c"], id="named")],
)
def test_an_execution_whose_files_are_gone_stops_no_others_of_all(
    given: list[str], logged: list[str], groundloop: Groundloop, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = RunRecord()

    def run_of_execution(region: str, arn: str) -> TrackedRun:
        if arn.endswith("/b"):
            raise UserError("s3://bucket/evaluation.json does not exist")
        return TrackedRun(EXECUTION_TAG, arn, arn.rpartition("/")[2], "FINISHED")

    monkeypatch.setattr("groundloop.tracking.executions.run_of_execution", run_of_execution)
    monkeypatch.setattr("groundloop.tracking.mlflow_store.MlflowStore", lambda uri: store)
    monkeypatch.setattr("groundloop.executions.listing.list_arns", lambda *_: [f"arn:x/{name}" for name in "cba"])
    monkeypatch.setattr("groundloop.executions.control.resolve", lambda region, pipeline, name: f"arn:x/{name}")
    result = groundloop("track", *given, "--to", "sqlite:///m.db", "-c", LOCAL)
    assert result.code == 1
    assert "s3://bucket/evaluation.json does not exist" in result.err
    assert [run.name for run in store.runs.values()] == logged


def test_only_the_store_imports_mlflow() -> None:
    """In a process of its own: the help, every command's module, the job, and the SDK as `compile` uses it."""
    code = (
        "import importlib, pkgutil, sys, pipeline.cli\n"
        "import pipeline.cli.main, steps.evaluate.job, groundloop.tracking.executions, groundloop.tracking.export\n"
        "for module in pkgutil.walk_packages(pipeline.cli.__path__, 'pipeline.cli.'):\n"
        "    importlib.import_module(module.name)\n"
        "import pipeline.definition\n"
        "sys.exit(any(name.partition('.')[0] in ('mlflow', 'sagemaker_mlflow') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
