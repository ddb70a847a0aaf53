"""The trial of the monitor pipeline: what counts against its assumptions, and under which names it runs."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from pipeline.prove.probe_config import probe_config
from pipeline.prove.trials.monitoring import _at, _said
from pipeline.prove.verdict import Outcome
from tests.pipeline.prove.conftest import BUCKET, RUN, configured

MESSAGE = "groundloop-prove, variant champion: fewer boxes"


@pytest.mark.parametrize(
    ("until", "outcome"),
    [
        pytest.param("2026-11-22T03:00:30Z", Outcome.HELD, id="the start"),
        pytest.param("2026-11-22T12:00:00Z", Outcome.BROKE, id="in another time zone"),
    ],
)
def test_the_window_ends_when_the_execution_starts(until: str, outcome: Outcome) -> None:
    assert _at(until, datetime(2026, 11, 22, 3, tzinfo=timezone.utc)).outcome is outcome


@pytest.mark.parametrize(
    ("found", "outcome"),
    [
        pytest.param({"DriftFound": {"FailureReason": MESSAGE}}, Outcome.HELD, id="the job's message"),
        pytest.param({"DriftFound": {"FailureReason": "Std:JsonGet"}}, Outcome.BROKE, id="an expression"),
        pytest.param({}, Outcome.BROKE, id="no drift found"),
    ],
)
def test_the_execution_has_to_fail_with_the_jobs_message(found: dict[str, Any], outcome: Outcome) -> None:
    assert _said(found, MESSAGE).outcome is outcome


def test_a_configured_monitor_neither_runs_nor_trains_in_a_proof() -> None:
    schedule = "triggers.schedules={drift: {at: rate(1 hour), pipeline: monitor}}"
    given = ("deploy.endpoint.data_capture_percent=20", schedule, "triggers.retrain_when={reviewed: 50}")
    probe = probe_config(configured(*given), RUN)
    captures = f"s3://{BUCKET}/groundloop/prove/{RUN}/captured-requests"
    assert (probe.monitor.captures, probe.triggers.retrain_when) == (captures, None)
