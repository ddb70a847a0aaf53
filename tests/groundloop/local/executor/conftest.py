"""Steps of small definitions, and the statuses of what ran."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

Make = Callable[..., Any]

WRITE = """
import json, pathlib, sys
pathlib.Path(sys.argv[1], "metrics.json").write_text(sys.argv[2])
"""
OUTPUT = {"Std:Join": {"On": "/", "Values": ["s3://bucket/runs", {"Get": "Execution.PipelineExecutionId"}]}}


@pytest.fixture(autouse=True)
def only_the_bell(monkeypatch: pytest.MonkeyPatch) -> None:
    """What ends wakes the steps that wait for it: none of these executions looks again of itself."""
    monkeypatch.setattr("groundloop.local.executor.runner._MAX_PAUSE", 3600)


@pytest.fixture
def process(processing: Make) -> Make:
    """A Processing step that runs a script; with metrics, one that writes them into a property file."""

    def process(name: str, script: str = "", metrics: Any = None, **members: Any) -> dict[str, Any]:
        if metrics is not None:
            text = metrics if isinstance(metrics, dict) and "Get" in metrics else json.dumps(metrics)
            arguments = processing(None, WRITE, "/opt/ml/processing/output", text, output=OUTPUT)
            files = [{"PropertyFileName": "Metrics", "OutputName": "out", "FilePath": "metrics.json"}]
            members = {"PropertyFiles": files, **members}
        else:
            arguments = processing(None, script or "pass", output=OUTPUT)
        return {"Name": name, "Type": "Processing", "Arguments": arguments, **members}

    return process


def fail(name: str, message: Any) -> dict[str, Any]:
    return {"Name": name, "Type": "Fail", "Arguments": {"ErrorMessage": message}}


def metric(path: str, step: str = "Evaluate") -> dict[str, Any]:
    return {"Std:JsonGet": {"PropertyFile": {"Get": f"Steps.{step}.PropertyFiles.Metrics"}, "Path": path}}


def gate(then: list[Any], otherwise: list[Any], left: Any, right: Any = 0, **members: Any) -> dict[str, Any]:
    condition = {"Type": "LessThanOrEqualTo", "LeftValue": left, "RightValue": right}
    arguments = {"Conditions": [condition], "IfSteps": then, "ElseSteps": otherwise}
    return {"Name": "Gate", "Type": "Condition", "Arguments": arguments, **members}


def statuses(done: dict[str, Any]) -> dict[str, str]:
    return {name: step["StepStatus"] for name, step in done["Steps"].items()}
