"""Charts of a search for hyperparameters."""

from __future__ import annotations

from pathlib import Path

import pytest

from groundloop.report.tuning_charts import value_axis, write_tuning_charts
from groundloop.spec.tuning_search import SearchedJob, TuningSearch


@pytest.mark.parametrize(
    ("values", "label", "ticks"),
    [
        pytest.param(["4", "11", "9"], "x", ["4", "6", "8", "9", "11"], id="integers have whole ticks"),
        pytest.param(
            ["0.00001", "0.01"], "x, logarithmic", ["1e-05", "5.6e-05", "0.00032", "0.0018", "0.01"], id="log"
        ),
        pytest.param(["0.5"], "x", ["0.5"], id="one value"),
        pytest.param(["sgd", "adam", "sgd"], "x", ["adam", "sgd"], id="names"),
        pytest.param(["0", "0"], "x", ["0"], id="zero"),
    ],
)
def test_an_axis_suits_its_values(values: list[str], label: str, ticks: list[str]) -> None:
    axis = value_axis("x", values)
    assert axis.label == label
    assert [text for _, text in axis.ticks] == ticks
    assert all(axis.ends[0] < place < axis.ends[1] for place in axis.places.values())
    assert set(axis.places) == set(values)


def search(*results: tuple[str, float]) -> TuningSearch:
    """A search whose training jobs, each with status and metric, tried one value each."""
    jobs = [
        SearchedJob(f"search-{number}", status, {"x": str(number)}, metric)
        for number, (status, metric) in enumerate(results, start=1)
    ]
    completed = [job for job in jobs if job.status == "Completed"]
    best = max(completed, key=lambda job: job.objective or 0.0, default=None)
    return TuningSearch(
        name="search",
        arn="",
        status="Completed",
        reason="",
        strategy="Random",
        metric="validation:mAP",
        max_jobs=len(jobs),
        stops_early=True,
        tuned=("x",),
        epochs=16,
        ended=None,
        jobs=tuple(jobs),
        best_name=best.name if best else "",
        request={},
    )


def test_a_job_that_was_stopped_is_no_best_one(tmp_path: Path) -> None:
    page = write_tuning_charts(search(("Completed", 0.4), ("Stopped", 0.9)), tmp_path).read_text(encoding="utf-8")
    assert "the best is 0.400" in page
    assert "the best is" not in write_tuning_charts(search(("Stopped", 0.9)), tmp_path).read_text(encoding="utf-8")
    assert "None" not in page
