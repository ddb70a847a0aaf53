"""Train the detector every Sunday from Airflow, with the operators of Airflow's own Amazon provider.

The pipeline is created once, by `groundloop upsert` in CI; docs/orchestrators.md has the rest. On Airflow 2.11, `dag`
comes from `airflow.decorators`.
"""

from __future__ import annotations

import os
from datetime import datetime, timezone

from airflow.providers.amazon.aws.operators.sagemaker import SageMakerStartPipelineOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import dag

#: The folder with groundloop.yaml, on the workers.
PROJECT = os.environ.get("DETECTOR_PROJECT", "/opt/airflow/detector")


@dag(schedule="0 3 * * SUN", start_date=datetime(2026, 1, 4, tzinfo=timezone.utc), catchup=False, max_active_runs=1)
def train_detector() -> None:
    """Start an execution, wait for its end, and keep what came out as XComs."""
    # Fails with the Fail step's message where a threshold of the gate is missed.
    execution = SageMakerStartPipelineOperator(
        task_id="execution",
        pipeline_name="groundloop",
        display_name="airflow-{{ ts_nodash }}",
        pipeline_params={"Epochs": "{{ dag_run.conf.get('epochs', 30) }}"},
        wait_for_completion=True,
        check_interval=int(os.environ.get("DETECTOR_CHECK_SECONDS", "30")),
        aws_conn_id=None,  # boto3's own credentials; or the name of a connection
    )
    # Whether it succeeded or not: status, duration, parameters, and why it failed. An XCom is one line.
    outcome = BashOperator(
        task_id="outcome",
        bash_command="set -o pipefail; groundloop runs --limit 1 --json | tr -d '\\n'",
        cwd=PROJECT,
        append_env=True,
        trigger_rule="all_done",
    )
    # After an execution that passed the gate: the versions with their metrics.
    metrics = BashOperator(
        task_id="metrics",
        bash_command="set -o pipefail; groundloop models --json | tr -d '\\n'",
        cwd=PROJECT,
        append_env=True,
    )
    execution >> [outcome, metrics]


train_detector()
