"""What an execution ends with, and `groundloop report`."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.cli import CommandResult, Groundloop

PAGE = "<!doctype html><title>Evaluation</title>"
MISS = "map_50 0.4 misses 0.5 by 0.1"
METRICS: dict[str, Any] = {
    "map": 0.25, "map_50": 0.4, "voc_map": 0.4, "threshold": 0.3, "threshold_rule": "best F1 on validation",
    "at_threshold": {"precision": 0.5, "recall": 0.5},
    "count": {"mae": 1.0},
    "intervals": {"level": 0.95, "metrics": {"map_50": [0.3, 0.45], "voc_map": [0.3, 0.6]}},
    "images": {"test": 35},
    "per_class": {
        "nut": {"ap_50": 0.7, "precision": 0.5, "recall": 0.5, "boxes": 9},
        "bolt": {"ap_50": 0.1, "precision": 0.5, "recall": 0.5, "boxes": 4},
    },
    "gate": {
        "requirements": [{"metric": "map_50", "operator": ">=", "threshold": 0.5, "value": 0.4, "met": False}],
        "missed": ["map_50"], "thresholds_missed": 1, "message": MISS,
    },
}  # fmt: skip
FAIL = {"Name": "GateMissed", "Type": "Fail", "Arguments": {"ErrorMessage": "missed"}, "DependsOn": ["Evaluate"]}


@pytest.fixture(scope="module")
def made() -> list[tuple[str, CommandResult]]:
    """The execution that the tests of this module share, once there is one."""
    return []


@pytest.fixture
def evaluated(
    groundloop: Groundloop,
    make_pipeline: Callable[..., str],
    script: Callable[..., Any],
    made: list[tuple[str, CommandResult]],
) -> tuple[str, CommandResult]:
    """A pipeline whose Evaluate step has written an evaluation that misses the gate, and what its start printed."""
    if made:
        return made[0]
    texts = {"evaluation.json": json.dumps(METRICS), "report.html": PAGE}
    evaluate = script(
        "Evaluate",
        "import os, pathlib\nfolder = pathlib.Path(os.environ['OPT_ML'], 'processing/output/report')\n"
        f"for name, text in {texts!r}.items(): folder.joinpath(name).write_text(text)",
    )
    evaluate["Arguments"]["ProcessingOutputConfig"]["Outputs"][0]["OutputName"] = "evaluation"
    name = make_pipeline(evaluate, FAIL)
    made.append((name, groundloop("start", "--name", name, "--watch")))
    return made[0]


def test_a_missed_gate_ends_with_metrics_report_and_advice(evaluated: tuple[str, CommandResult]) -> None:
    _, ran = evaluated
    assert ran.code == 1
    assert "on 35 test images:" in ran.out
    assert f"gate: {MISS}" in ran.out
    assert "/report.html" in ran.out
    assert "train for more epochs, or correct and add labels; the class with the lowest AP50 is bolt" in ran.out


def test_the_hint_shows_the_report_when_it_is_typed(
    groundloop: Groundloop, evaluated: tuple[str, CommandResult], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("typer.launch", opened.append)
    _, ran = evaluated
    (hint,) = [line for line in ran.out.splitlines() if line.startswith("show it")]
    typed = shlex.split(hint.removeprefix("show it"))
    assert (typed[0], typed[-2:]) == ("groundloop", ["-c", "configs/local.yaml"])
    page = tmp_path / "report.html"
    shown = groundloop(*typed[1:-2], "-o", str(page))
    assert shown.code == 0, shown.error
    assert shown.out.startswith(f"report: {page} (from s3://")
    assert page.read_text() == PAGE
    assert opened == [page.as_uri()]


def test_without_an_argument_it_is_the_latest_execution(
    groundloop: Groundloop, evaluated: tuple[str, CommandResult], tmp_path: Path
) -> None:
    name, _ = evaluated
    ran = groundloop("report", "--name", name, "-o", str(tmp_path / "new" / "page.html"))
    assert ran.code == 0, ran.error
    assert (tmp_path / "new" / "page.html").read_text() == PAGE


def test_an_execution_that_evaluated_nothing_has_no_report(
    groundloop: Groundloop, make_pipeline: Callable[..., str], script: Callable[..., Any]
) -> None:
    name = make_pipeline(script("Prepare", "print('done')"))
    assert "test images" not in groundloop("start", "--name", name, "--watch").out
    assert "has no report: its Evaluate step has not succeeded" in groundloop("report", "--name", name).error


@pytest.mark.parametrize(
    ("bounds", "advice"),
    [
        pytest.param([0.3, 0.45], "train for more epochs", id="surely below"),
        pytest.param([0.3, 0.6], "label more test images: the interval of map_50 covers the threshold", id="unsure"),
    ],
)
def test_the_advice_depends_on_the_interval(bounds: list[float], advice: str) -> None:
    from pipeline.cli.run_end import missed_gate_advice

    metrics = {**METRICS, "intervals": {"level": 0.95, "metrics": {"map_50": bounds}}}
    assert missed_gate_advice(metrics)["next"].startswith(advice)
