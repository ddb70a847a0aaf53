"""Logging of the evaluation to MLflow by the Evaluate job.

The model's metrics don't depend on it: whatever goes wrong is one line in the log, and `groundloop track` repeats it.
The job's role needs `sagemaker:CallMlflowAppApi` on the MLflow app, or `sagemaker-mlflow:*` on the tracking server, and
access to the place in S3 where it stores artifacts; besides `sagemaker:DescribeTrainingJob`.
"""

from __future__ import annotations

import atexit
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from groundloop.tracking.content import (
    EVALUATION_FILES,
    curve_metrics,
    curve_of,
    data_params,
    evaluation_metrics,
    gate_tags,
    pipeline_of,
    training_params,
)
from groundloop.tracking.export import export_run
from groundloop.tracking.run import EXECUTION_TAG, TrackedRun
from groundloop.tracking.store import RunStore, TrackingError

#: What pip installs for it, with all that these need; nothing of it where no tracking is configured.
REQUIREMENTS = ("mlflow-skinny==3.17.2", "sagemaker-mlflow==0.5.0")
_INSTALL_SECONDS = 300


@dataclass(frozen=True)
class EvaluatedExecution:
    """What the job knows of its execution.

    Attributes:
        arn: ARN of the execution.
        evaluation: content of evaluation.json.
        summary: content of Prepare's summary.json.
        training_job: name of the job that made the model; None if the job was given none.
    """

    arn: str
    evaluation: Mapping[str, Any]
    summary: Mapping[str, Any]
    training_job: str | None = None


def track(
    uri: str,
    experiment: str,
    execution: EvaluatedExecution,
    folder: Path,
    *,
    open_store: Callable[[str], RunStore] | None = None,
    sagemaker: Any = None,
) -> str:
    """Log an execution as a run, and say so in a line; a failure is said too, and raises nothing.

    Args:
        uri: tracking URI.
        experiment: name of the experiment.
        execution: what to log.
        folder: with the files of the evaluation.
        open_store: opens a tracking server; None: by MLflow, which is installed if it has to be.
        sagemaker: a boto3 client of SageMaker; None: of the job's region.
    """
    try:
        store = (open_store or _open)(uri)
        result = export_run(store, experiment, _run(execution, folder, sagemaker))
    except TrackingError as error:
        retry = f"groundloop track {execution.arn.rpartition('/')[2]} --to {uri}"
        return f"warning: the run was not logged: {error}; to log it later: {retry}"
    return f"logged to MLflow: run {result.run} of experiment {experiment!r}"


def _run(execution: EvaluatedExecution, folder: Path, sagemaker: Any) -> TrackedRun:
    training = _describe(execution.training_job, sagemaker)
    started: datetime | None = training.get("TrainingStartTime")
    missed = execution.evaluation["gate"]["thresholds_missed"]
    tags = {"groundloop.pipeline": pipeline_of(execution.arn), **gate_tags(execution.evaluation)}
    if execution.training_job:
        tags["groundloop.training-job"] = execution.training_job
    return TrackedRun(
        tag=EXECUTION_TAG,
        identity=execution.arn,
        name=execution.arn.rpartition("/")[2],
        status="FAILED" if missed else "FINISHED",
        started=started,
        params={**data_params(execution.summary), **training_params(training)},
        tags=tags,
        metrics=(*evaluation_metrics(execution.evaluation), *curve_metrics(curve_of(execution.evaluation))),
        artifacts={
            **{name: (folder / name).read_bytes() for name in EVALUATION_FILES},
            "summary.json": json.dumps(execution.summary, indent=2).encode(),
        },
    )


def _describe(job: str | None, sagemaker: Any) -> dict[str, Any]:
    """Return the response of DescribeTrainingJob; empty where the job can't be described."""
    if job is None:
        return {}
    from botocore.exceptions import BotoCoreError, ClientError

    from steps.clients import job_client

    try:
        described: dict[str, Any] = (sagemaker or job_client("sagemaker")).describe_training_job(TrainingJobName=job)
    except (ClientError, BotoCoreError):
        return {}  # the run lacks the hyperparameters then, which `groundloop track` adds
    return described


def _open(uri: str) -> RunStore:
    """Return the tracking server, with MLflow installed where it isn't."""
    if importlib.util.find_spec("mlflow") is None and os.environ.get("GROUNDLOOP_REQUIREMENTS") == "install":
        _install()
    from groundloop.tracking.mlflow_store import MlflowStore

    return MlflowStore(uri)


def _install() -> None:
    folder = tempfile.mkdtemp(prefix="groundloop-mlflow-")
    # At the process's end only: MLflow imports parts of itself late, and has threads of its own.
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    options = ("--quiet", "--disable-pip-version-check", "--retries", "1", "--target", folder)
    command = [sys.executable, "-m", "pip", "install", *options, *REQUIREMENTS]
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=_INSTALL_SECONDS)
    except subprocess.TimeoutExpired:
        raise TrackingError(f"pip did not install {' '.join(REQUIREMENTS)} in {_INSTALL_SECONDS} s") from None
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason"])[-1]
        raise TrackingError(f"pip could not install {' '.join(REQUIREMENTS)}: {reason}")
    sys.path.insert(0, folder)
    importlib.invalidate_caches()
