"""Prepare on Spark's local mode: the job's archive as it is uploaded, and the same files to the byte."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from groundloop.errors import UserError
from pipeline.job_archive import job_archive
from steps.prepare.spark import Spark

ManifestLine = Callable[..., dict[str, Any]]


@pytest.fixture
def spark_python() -> str:
    if not shutil.which("java"):
        pytest.skip("Spark needs Java, and there is none here")
    python = os.environ.get("GROUNDLOOP_PYSPARK")
    if not python:
        pytest.skip("no Python with pyspark is named by GROUNDLOOP_PYSPARK: make test sets one up")
    return python


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_spark_and_one_process_write_the_same_files(
    spark_python: str, tmp_path: Path, manifest_line: ManifestLine
) -> None:
    lines = [manifest_line(f"{n % 280}.jpg", *["nut", "bolt"][: n % 3]) for n in range(300)]
    (tmp_path / "output.manifest").write_text("".join(json.dumps(line) + "\n" for line in lines) + "{broken\n")
    reviewed = [manifest_line(f"{n}.jpg", "cog", attribute="reviewed") for n in range(5)]
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "more.manifest").write_text("".join(json.dumps(line) + "\n" for line in reviewed))
    # Under the name that spark-submit asks for.
    job = tmp_path / "groundloop-prepare.py"
    job.write_bytes(job_archive("prepare").content)
    results, said = [], []
    for engine in ("spark", "processes"):
        done = subprocess.run(
            [
                *(spark_python, str(job), "--engine", engine, "--manifest", str(tmp_path / "output.manifest")),
                *("--additional-source", str(tmp_path / "more"), "auto", "auto", "none", "s3://labels/more.manifest"),
                *("--manifests-output", str(tmp_path / engine / "manifests"), "--check-images", "none"),
                *("--training-data-output", str(tmp_path / engine / "training-data")),
                *("--report-output", str(tmp_path / engine / "report"), "--message-file", str(tmp_path / "message")),
            ],
            env={
                **os.environ,
                "GROUNDLOOP_REQUIREMENTS": "preinstalled",
                "PYSPARK_PYTHON": spark_python,
                "SPARK_LOCAL_IP": "127.0.0.1",
                "PYSPARK_SUBMIT_ARGS": "--master local[2] --conf spark.ui.enabled=false pyspark-shell",
            },
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        results.append(_files(tmp_path / engine))
        said.append(done.stdout.replace(f"/{engine}/", "/ENGINE/"))
    assert results[0] == results[1]
    assert len(results[0]) == 6
    assert said[0] == said[1]
    assert results[0]["rejected.jsonl"].count(b"\n") == 26, "20 labelled twice, 5 reviewed, 1 broken"


def test_without_spark_the_job_says_what_it_needs() -> None:
    with pytest.raises(UserError, match="needs pyspark: run the job in SageMaker's Spark image"):
        Spark(10)
