"""How long a user waits before anything happens: --help, compile, and what compile adds to importing the SDK.

Run with `make bench`. Each command is a process of its own; they take turns, so that a machine whose speed drifts
treats them alike. Printed are medians of wall-clock seconds, and the ratio to the SDK's bare import.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 5
ROOT = Path(__file__).resolve().parents[1]
PROGRAM = [sys.executable, "-c", "from pipeline.cli import main; main()"]
COMMANDS = {
    "import of the SageMaker SDK": [sys.executable, "-c", "import sagemaker.mlops.workflow.pipeline"],
    "groundloop compile": [*PROGRAM, "compile", "--config", "configs/local.yaml", "--output", os.devnull],
    "groundloop compile, kept": [*PROGRAM, "compile", "--config", "configs/local.yaml", "--output", os.devnull],
    "groundloop --help": [*PROGRAM, "--help"],
}


def seconds(name: str, kept: str) -> float:
    """Return the wall-clock time of one run; `kept` is the folder of the definitions that earlier runs compiled."""
    with tempfile.TemporaryDirectory() as empty:
        cache = kept if name.endswith("kept") else empty
        environment = {**os.environ, "AWS_DEFAULT_REGION": "us-east-1", "GROUNDLOOP_CACHE_DIR": cache}
        begun = time.perf_counter()
        subprocess.run(COMMANDS[name], cwd=ROOT, env=environment, check=True, capture_output=True)
        return time.perf_counter() - begun


def main() -> None:
    """Time each command in turn and print the medians."""
    runs: dict[str, list[float]] = {name: [] for name in COMMANDS}
    with tempfile.TemporaryDirectory() as kept:
        for name in COMMANDS:
            seconds(name, kept)  # warms the file cache and keeps the definition; not counted
        for _ in range(ROUNDS):
            for name in COMMANDS:
                runs[name].append(seconds(name, kept))
    medians = {name: statistics.median(values) for name, values in runs.items()}
    base = medians["import of the SageMaker SDK"]
    print(f"start-up, median of {ROUNDS} runs each, taken in turn")
    for name, median in medians.items():
        print(f"  {name:<30} {median:6.2f} s   {median / base:5.2f} x the SDK's import")
    print(f"  compile over the import        {medians['groundloop compile'] - base:6.2f} s")


if __name__ == "__main__":
    main()
