"""The export: complete, and never twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone

import pytest

from groundloop.tracking.export import PARENT_TAG, export_run
from groundloop.tracking.run import EXECUTION_TAG, TRAINING_JOB_TAG, Metric, TrackedRun
from tests.fixtures.run_record import RunRecord

START = datetime(2026, 11, 22, 4, tzinfo=timezone.utc)
ARN = "arn:aws:sagemaker:us-east-1:111122223333:pipeline/bolts/execution/abcdefghijkl"
CHILD = TrackedRun(TRAINING_JOB_TAG, "arn:job/1", "job-1", "FINISHED", metrics=(Metric("validation/mAP", 0.4),))
RUN = TrackedRun(
    tag=EXECUTION_TAG,
    identity=ARN,
    name="abcdefghijkl",
    status="FINISHED",
    started=START,
    ended=START,
    params={"epochs": "3"},
    tags={"groundloop.gate": "passed"},
    metrics=(Metric("test/map_50", 0.5), Metric("train/smooth_l1", 2.0, 0), Metric("train/smooth_l1", 1.0, 1)),
    artifacts={"evaluation.json": b"{}"},
    children=(CHILD,),
)


def test_a_run_is_logged_with_those_below_it() -> None:
    store = RunRecord()
    result = export_run(store, "team/bolts", RUN)
    run, child = store.runs["run-0"], store.runs["run-1"]
    assert (result.run, result.created, list(store.experiments)) == ("run-0", True, ["team/bolts"])
    assert run.tags == {"groundloop.gate": "passed", EXECUTION_TAG: ARN}
    assert (run.params, run.files, run.status) == ({"epochs": "3"}, {"evaluation.json": b"{}"}, "FINISHED")
    assert (run.metrics, run.started_ms) == (list(RUN.metrics), int(START.timestamp() * 1000))
    assert child.tags == {TRAINING_JOB_TAG: "arn:job/1", PARENT_TAG: "run-0"}


def test_a_second_export_adds_nothing() -> None:
    store = RunRecord()
    export_run(store, "bolts", RUN)
    store.writes.clear()
    result = export_run(store, "bolts", RUN)
    assert (result.created, result.added, store.writes) == (False, 0, [])


@pytest.mark.parametrize(
    ("change", "added"),
    [
        pytest.param({"metrics": (*RUN.metrics, Metric("train/smooth_l1", 0.9, 2))}, 1, id="an epoch"),
        pytest.param({"metrics": (Metric("test/map_50", 0.6),)}, 1, id="a metric's value"),
        pytest.param({"params": {"epochs": "3", "seed": "1"}}, 1, id="a parameter"),
        pytest.param({"tags": {"groundloop.gate": "missed"}}, 1, id="a tag's value"),
        pytest.param({"artifacts": {"evaluation.json": b"{ }"}}, 1, id="a file"),
        pytest.param({"status": "FAILED"}, 0, id="the status"),
    ],
)
def test_a_later_export_adds_what_is_new(change: dict[str, object], added: int) -> None:
    store = RunRecord()
    export_run(store, "bolts", RUN)
    store.writes.clear()
    later = replace(RUN, **change)  # type: ignore[arg-type]
    assert export_run(store, "bolts", later).added == added
    assert len(store.writes) == 1
    assert export_run(store, "bolts", later).added == 0


def test_a_parameter_is_never_changed_and_that_is_said() -> None:
    store = RunRecord()
    export_run(store, "bolts", RUN)
    assert export_run(store, "bolts", replace(RUN, params={"epochs": "4"})).kept_params == ("epochs",)
    assert store.runs["run-0"].params == {"epochs": "3"}


def test_an_export_that_broke_off_is_completed() -> None:
    store = RunRecord()
    store.create("0", RUN.name, {EXECUTION_TAG: ARN}, None)
    assert not export_run(store, "bolts", RUN).created
    assert len(store.runs) == 2
    assert store.runs["run-0"].metrics == list(RUN.metrics)


def test_long_values_are_cut_the_same_way_each_time() -> None:
    store, long = RunRecord(), replace(RUN, params={"classes": "x" * 9000}, tags={"message": "y" * 9000})
    export_run(store, "bolts", long)
    assert len(store.runs["run-0"].params["classes"]) == 500
    assert len(store.runs["run-0"].tags["message"]) == 5000
    assert export_run(store, "bolts", long).added == 0
