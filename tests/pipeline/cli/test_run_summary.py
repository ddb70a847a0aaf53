"""What a run on the offline AWS ends with, however it ends."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from groundloop.errors import UserError
from pipeline.cli import run_summary
from pipeline.config import load_config
from pipeline.demo.offline_run import OfflineRunResult
from tests.pipeline.running.test_report import METRICS, MISS

CHECK = "groundloop labels check photos"


@pytest.fixture
def failing_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[OfflineRunResult | None], None]:
    """Run a pipeline that fails with the given results."""

    def follow(region: str, arn: str, **_: Any) -> None:
        raise UserError("it failed")

    def run(result: OfflineRunResult | None) -> None:
        monkeypatch.setattr(run_summary, "start_run", lambda *_: "arn")
        monkeypatch.setattr(run_summary, "follow", follow)
        monkeypatch.setattr(run_summary, "read_results", lambda *_: result)
        monkeypatch.setattr(run_summary, "annotate_evaluated_image", lambda region, prefix, metrics, path: True)
        config = load_config([Path("configs/local.yaml")], [], environment={})
        with pytest.raises(UserError, match="it failed"):
            run_summary.run_and_report(config, run_summary.OfflineRun(tmp_path, CHECK))

    return run


def test_a_missed_gate_ends_with_metrics_report_and_advice(
    failing_run: Callable[..., None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    failing_run(OfflineRunResult(METRICS, "s3://b/evaluation", b"<p>a report</p>", package=None, endpoint=None))
    out = capsys.readouterr().out
    assert (tmp_path / "report.html").read_text() == "<p>a report</p>"
    assert f"{tmp_path}/report.html" in out
    assert f"gate: {MISS}" in out
    assert "train for more epochs" in out
    assert f"{tmp_path}/detections.jpg: a test image with the model's detections" in out


def test_a_run_that_failed_before_its_evaluation_ends_with_the_logs_and_a_check(
    failing_run: Callable[..., None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    failing_run(None)
    out = capsys.readouterr().out
    assert CHECK in out
    assert f"{tmp_path}/jobs/<job>/log.txt" in out


def test_the_parameters_of_the_run_are_those_of_its_execution(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    started: list[tuple[str, ...]] = []

    def start(config: Any, report: Any, parameters: tuple[str, ...]) -> str:
        started.append(parameters)
        raise UserError("not today")

    monkeypatch.setattr(run_summary, "start_run", start)
    run = run_summary.OfflineRun(tmp_path, CHECK, parameters=("ReviewedManifest=s3://b/reviewed.manifest",))
    with pytest.raises(UserError, match="not today"):
        run_summary.run_and_report(load_config([Path("configs/local.yaml")], [], environment={}), run)
    assert started == [("ReviewedManifest=s3://b/reviewed.manifest",)]


def test_offline_the_gate_stops_no_run_unless_asked_to() -> None:
    local = Path("configs/local.yaml")
    assert {item.threshold for item in load_config([local], [], environment={}).gate.requirements} == {0}
    asked = load_config([local], ["gate.thresholds.map_50=0.5"], environment={})
    assert ("map_50", 0.5) in {(item.metric, item.threshold) for item in asked.gate.requirements}
