"""Exporting a run: whatever is missing on the server is logged, so that a second export adds nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from groundloop.tracking.names import MAX_PARAM_LENGTH, MAX_TAG_LENGTH, cut
from groundloop.tracking.run import Metric, TrackedRun
from groundloop.tracking.store import LoggedRun, RunStore

#: The tag by which MLflow shows a run below another.
PARENT_TAG = "mlflow.parentRunId"


@dataclass(frozen=True, slots=True)
class ExportResult:
    """What an export did.

    Attributes:
        run: its id on the server.
        created: whether there was none before.
        added: how many metrics, parameters, tags and artifacts were logged or replaced, of the runs below it too.
        kept_params: parameters that have another value on the server; MLflow never changes one.
    """

    run: str
    created: bool
    added: int
    kept_params: tuple[str, ...] = ()


def export_run(store: RunStore, experiment: str, run: TrackedRun) -> ExportResult:
    """Log a run, and those below it; the run of an earlier export is completed.

    Args:
        store: the tracking server.
        experiment: name of the experiment, which is created if it does not exist.
        run: the content.

    Raises:
        TrackingError: the server can't be reached or refuses.
    """
    return _export(store, store.experiment(experiment), run, {})


def _export(store: RunStore, experiment: str, run: TrackedRun, parent: dict[str, str]) -> ExportResult:
    tags = {name: cut(value, MAX_TAG_LENGTH) for name, value in {**run.tags, run.tag: run.identity, **parent}.items()}
    found = store.find(experiment, run.tag, run.identity)
    created = found is None
    run_id = store.create(experiment, run.name, tags, _milliseconds(run.started)) if found is None else found
    logged = store.read(run_id)
    params = {name: cut(value, MAX_PARAM_LENGTH) for name, value in run.params.items()}
    metrics = _missing(store, run_id, logged, run.metrics)
    new_params = {name: value for name, value in params.items() if name not in logged.params}
    new_tags = {name: value for name, value in tags.items() if logged.tags.get(name) != value}
    if metrics or new_params or new_tags:
        store.log(run_id, metrics, new_params, new_tags)
    added = len(metrics) + len(new_params) + len(new_tags)
    sizes = store.artifacts(run_id) if run.artifacts else {}
    for name, content in run.artifacts.items():
        if sizes.get(name) != len(content):
            store.upload(run_id, name, content)
            added += 1
    kept = [name for name, value in params.items() if logged.params.get(name, value) != value]
    for child in run.children:
        below = _export(store, experiment, child, {PARENT_TAG: run_id})
        added += below.added
        kept += below.kept_params
    # At the end, so that a run that an error left half logged doesn't look finished.
    if logged.status != run.status:
        store.finish(run_id, run.status, _milliseconds(run.ended))
    return ExportResult(run_id, created, added, tuple(kept))


def _missing(store: RunStore, run_id: str, logged: LoggedRun, metrics: tuple[Metric, ...]) -> list[Metric]:
    """Return the metrics that the server doesn't have yet."""
    of_name: dict[str, list[Metric]] = {}
    for metric in metrics:
        of_name.setdefault(metric.name, []).append(metric)
    missing: list[Metric] = []
    for name, values in of_name.items():
        if name not in logged.metrics:
            missing += values
        elif len(values) == 1 and values[0].step == 0:
            missing += [value for value in values if value.value != logged.metrics[name]]
        else:
            known = store.history(run_id, name)
            missing += [value for value in values if (value.step, value.value) not in known]
    return missing


def _milliseconds(time: datetime | None) -> int | None:
    return None if time is None else round(time.timestamp() * 1000)
