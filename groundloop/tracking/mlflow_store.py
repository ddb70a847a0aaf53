"""A tracking server behind MLflow's client: the one module that imports MLflow, which takes seconds."""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any

from groundloop.tracking.destination import is_arn
from groundloop.tracking.run import Metric, Status
from groundloop.tracking.store import LoggedRun, TrackingError

# MLflow's own limits are 1,000 metrics, 100 parameters, 100 tags and a megabyte in a request.
_MAX_METRICS, _MAX_TEXTS = 500, 50
# Where MLflow stores artifacts of a database: it would take the working folder.
_ARTIFACTS = "mlartifacts"
# Instead of seven attempts of two minutes each, and of reports to MLflow's makers.
_ENVIRONMENT = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}


class MlflowStore:
    """A tracking server.

    Args:
        uri: tracking URI, as `check_tracking_uri` allows it.

    Raises:
        TrackingError: MLflow, or its plugin for SageMaker, is not installed or can't open the place.
    """

    def __init__(self, uri: str) -> None:
        for name, value in _ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        self._uri = uri
        with self._explained():
            import mlflow

            if is_arn(uri):
                # The plugin: of one that is missing, MLflow's own error says nothing.
                importlib.import_module("sagemaker_mlflow")
            for name in ("mlflow", "alembic"):
                logging.getLogger(name).setLevel(logging.ERROR)
            # The plugin signs for the ARN that is set here, not for that of the client.
            mlflow.set_tracking_uri(uri)
            self._client: Any = mlflow.MlflowClient(tracking_uri=uri)

    def experiment(self, name: str) -> str:
        """Return the id of an experiment, which is created if it does not exist.

        Raises:
            TrackingError: it is deleted, or the server doesn't create it.
        """
        with self._explained():
            found = self._client.get_experiment_by_name(name)
            if found is None:
                return str(self._client.create_experiment(name, artifact_location=self._artifacts_of_database()))
        if found.lifecycle_stage != "active":
            raise TrackingError(
                f"the experiment {name!r} was deleted at {self._uri}: restore it, or choose another name"
            )
        return str(found.experiment_id)

    def _artifacts_of_database(self) -> str | None:
        scheme, found, path = self._uri.partition(":///")
        if not (found and scheme.startswith("sqlite")):
            return None
        return (Path(path).resolve().parent / _ARTIFACTS).as_uri()

    def find(self, experiment: str, tag: str, value: str) -> str | None:
        """Return the id of the oldest run with this value of a tag; None if there is none."""
        with self._explained():
            runs = self._client.search_runs(
                [experiment], f"tags.`{tag}` = '{value}'", max_results=1, order_by=["attributes.start_time ASC"]
            )
        return str(runs[0].info.run_id) if runs else None

    def create(self, experiment: str, name: str, tags: Mapping[str, str], started_ms: int | None) -> str:
        """Create a run and return its id."""
        with self._explained():
            run = self._client.create_run(experiment, start_time=started_ms, tags=dict(tags), run_name=name)
        return str(run.info.run_id)

    def read(self, run: str) -> LoggedRun:
        """Return what a run holds."""
        with self._explained():
            found = self._client.get_run(run)
        return LoggedRun(found.info.status, found.data.params, found.data.tags, found.data.metrics)

    def history(self, run: str, metric: str) -> set[tuple[int, float]]:
        """Return step and value of all that was logged of a metric."""
        with self._explained():
            return {(logged.step, logged.value) for logged in self._client.get_metric_history(run, metric)}

    def log(self, run: str, metrics: Sequence[Metric], params: Mapping[str, str], tags: Mapping[str, str]) -> None:
        """Log values, as many requests as it takes."""
        with self._explained():
            from mlflow.entities import Metric as LoggedMetric
            from mlflow.entities import Param, RunTag

            now = round(time.time() * 1000)
            values = [LoggedMetric(metric.name, metric.value, now, metric.step) for metric in metrics]
            texts = [Param(*item) for item in params.items()], [RunTag(*item) for item in tags.items()]
            parts = (_parts(values, _MAX_METRICS), *(_parts(items, _MAX_TEXTS) for items in texts))
            for metric_part, param_part, tag_part in zip_longest(*parts, fillvalue=()):
                self._client.log_batch(run, metrics=metric_part, params=param_part, tags=tag_part)

    def artifacts(self, run: str) -> Mapping[str, int | None]:
        """Return the sizes of a run's artifacts by file name."""
        with self._explained():
            return {item.path: item.file_size for item in self._client.list_artifacts(run)}

    def upload(self, run: str, name: str, content: bytes) -> None:
        """Write an artifact; one of the same name is replaced."""
        with self._explained(), tempfile.TemporaryDirectory() as folder:
            path = Path(folder, name)
            path.write_bytes(content)
            self._client.log_artifact(run, str(path))

    def finish(self, run: str, status: Status, ended_ms: int | None) -> None:
        """Set how a run ended."""
        with self._explained():
            if status == "RUNNING":
                self._client.update_run(run, status=status)
            else:
                self._client.set_terminated(run, status=status, end_time=ended_ms)

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        """Make one line out of what MLflow, its plugin and the libraries below raise."""
        try:
            yield
        except TrackingError:
            raise
        except ImportError as error:
            raise TrackingError(
                f"{error.name or 'mlflow'} is not installed: pip install mlflow-skinny sagemaker-mlflow"
            ) from None
        except Exception as error:  # MLflow's stores raise what requests, SQLAlchemy, boto3 and the plugin raise
            reason = " ".join(str(error).split()) or type(error).__name__
            raise TrackingError(f"MLflow at {self._uri}: {_shortened(reason)}") from error


def _shortened(reason: str, length: int = 300) -> str:
    return reason if len(reason) <= length else f"{reason[: length - 3]}..."


def _parts(items: Sequence[Any], size: int) -> Iterator[list[Any]]:
    rest = iter(items)
    while part := list(islice(rest, size)):
        yield part
