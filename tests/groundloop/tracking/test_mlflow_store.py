"""MLflow itself: a database, and an app whose endpoint listens here. Its import takes seconds: one module for all."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from groundloop.tracking.export import PARENT_TAG, export_run
from groundloop.tracking.run import EXECUTION_TAG, TRAINING_JOB_TAG, Metric, TrackedRun
from groundloop.tracking.store import TrackingError

# MLflow's own, of the SQLAlchemy that it is installed with.
pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy is deprecated")

ARN = "arn:aws:sagemaker:us-east-1:111122223333:pipeline/bolts/execution/abcdefghijkl"
APP = "arn:aws:sagemaker:eu-west-1:111122223333:mlflow-app/app-ABC123"
SERVER = "arn:aws:sagemaker:eu-west-1:111122223333:mlflow-tracking-server/team"
METRICS = tuple(Metric(f"per_class/ナット {number}/ap_50", number / 2000) for number in range(520))
CURVE = (Metric("validation/mAP", 0.1, 1), Metric("validation/mAP", 0.4, 2))
CHILD = TrackedRun(TRAINING_JOB_TAG, "arn:job/1", "job-1", "FAILED", metrics=(Metric("validation/mAP", 0.4),))
RUN = TrackedRun(
    tag=EXECUTION_TAG,
    identity=ARN,
    name="abcdefghijkl",
    status="FINISHED",
    params={f"parameter.{number}": str(number) for number in range(60)},
    tags={"groundloop.gate": "passed"},
    metrics=METRICS + CURVE,
    artifacts={"evaluation.json": b"{}"},
    children=(CHILD,),
)


@pytest.fixture(autouse=True)
def environment() -> Iterator[None]:
    """What opening a store sets for MLflow is unset again."""
    saved = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(saved)


def test_a_database_holds_what_was_exported_once(tmp_path: Path) -> None:
    from groundloop.tracking.mlflow_store import MlflowStore

    store = MlflowStore(f"sqlite:///{tmp_path}/mlflow.db")
    first = export_run(store, "team/bolts", RUN)
    logged = store.read(first.run)
    assert logged.metrics == {metric.name: metric.value for metric in (*METRICS, CURVE[-1])}
    assert store.history(first.run, "validation/mAP") == {(1, 0.1), (2, 0.4)}
    assert logged.params == RUN.params
    assert logged.tags.items() >= {EXECUTION_TAG: ARN, "groundloop.gate": "passed"}.items()
    assert (logged.status, store.artifacts(first.run)) == ("FINISHED", {"evaluation.json": 2})
    assert (tmp_path / "mlartifacts" / first.run / "artifacts" / "evaluation.json").read_bytes() == b"{}"
    child = store.find(store.experiment("team/bolts"), TRAINING_JOB_TAG, "arn:job/1")
    assert child is not None
    assert store.read(child).tags[PARENT_TAG] == first.run

    again = export_run(store, "team/bolts", RUN)
    assert (again.run, again.created, again.added) == (first.run, False, 0)
    later = replace(RUN, metrics=(*METRICS, *CURVE, Metric("validation/mAP", 0.5, 3)), status="FAILED")
    assert export_run(store, "team/bolts", later).added == 1
    assert len(store.history(first.run, "validation/mAP")) == 3
    assert store.read(first.run).status == "FAILED"
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"


class Endpoint(BaseHTTPRequestHandler):
    """As much of MLflow's REST API as an export without artifacts asks for; it keeps the requests' headers."""

    requests: ClassVar[list[tuple[str, dict[str, str]]]] = []
    answers: ClassVar[dict[str, Any]] = {
        "experiments/get-by-name": {"experiment": {"experiment_id": "1", "name": "b", "lifecycle_stage": "active"}},
        "runs/search": {"runs": []},
        "runs/create": {"run": {"info": {"run_id": "r1", "status": "RUNNING"}, "data": {}}},
        "runs/get": {"run": {"info": {"run_id": "r1", "status": "FINISHED"}, "data": {}}},
        "runs/log-batch": {},
    }

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        call = self.path.partition("/mlflow/")[2].partition("?")[0]
        self.requests.append((call, {name.lower(): value for name, value in self.headers.items()}))
        body = json.dumps(self.answers[call]).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Print nothing."""


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Endpoint]]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Endpoint) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        monkeypatch.setenv("SAGEMAKER_MLFLOW_CUSTOM_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        Endpoint.requests.clear()
        yield Endpoint
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("arn", "service"),
    [pytest.param(APP, "sagemaker", id="an app"), pytest.param(SERVER, "sagemaker-mlflow", id="a tracking server")],
)
def test_requests_to_an_arn_are_signed_for_its_region(arn: str, service: str, endpoint: type[Endpoint]) -> None:
    from groundloop.tracking.mlflow_store import MlflowStore

    export_run(MlflowStore(arn), "bolts", TrackedRun(EXECUTION_TAG, ARN, "a", "FINISHED", metrics=CURVE))
    assert [call for call, _ in endpoint.requests] == [
        "experiments/get-by-name",
        "runs/search",
        "runs/create",
        "runs/get",
        "runs/log-batch",
    ]
    for _, headers in endpoint.requests:
        signed = headers["authorization"]
        assert signed.startswith("AWS4-HMAC-SHA256 Credential=testing/")
        assert f"/eu-west-1/{service}/aws4_request" in signed
        assert "Signature=" in signed
        assert headers["x-amz-date"]


def test_a_server_that_cannot_be_reached_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    from groundloop.tracking.mlflow_store import MlflowStore

    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(TrackingError) as raised:
        export_run(MlflowStore("http://127.0.0.1:9"), "bolts", RUN)
    assert str(raised.value).startswith("MLflow at http://127.0.0.1:9: ")
    assert "\n" not in str(raised.value)
