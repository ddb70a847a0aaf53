"""What a search for hyperparameters gains: `python -m benchmarks.tuning MANIFEST IMAGES [--jobs N] [--set ...]`.

Two executions of the whole pipeline on the offline AWS, on the same labels and splits: one with the local
configuration's hyperparameters, one with Tune in Train's place (Bayesian search with early stopping). Printed are the
metrics of both on the test split with their intervals, and the training jobs of the search.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from groundloop.errors import UserError
from groundloop.executions.tuning import find_search
from groundloop.executions.watching import ExecutionResult, watch
from pipeline.config import Config, load_config
from pipeline.demo.offline_run import offline_aws, read_results, start_run, upload_labels

CONFIGS = Path(__file__).resolve().parents[1] / "configs"
_METRICS = {"map": "COCO mAP", "map_50": "mAP@50", "voc_map": "VOC mAP"}


def compare(manifest: Path, images: Path, jobs: int, epochs: int, assignments: list[str]) -> None:
    """Run both executions, and print each when it has ended."""
    bucket = manifest.open().readline().partition("s3://")[2].partition("/")[0]
    settings = [
        *(f"labels.manifest=s3://{bucket}/labels/output.manifest", f"aws.bucket={bucket}"),
        *("deploy.mode=never", "prepare.check_images=none", f"training.hyperparameters.epochs={epochs}"),
    ]
    default = load_config([CONFIGS / "local.yaml"], settings, environment={})
    overlays = [CONFIGS / "local.yaml", CONFIGS / "tune.yaml"]
    tuned = load_config(overlays, [*settings, f"training.tuning.jobs={jobs}", *assignments], environment={})
    with TemporaryDirectory() as home, offline_aws(default, Path(home)):
        upload_labels(default, manifest, images, lambda _: None)
        _report("default", *_run(default))
        metrics, ended = _run(tuned)
        _report("tuned", metrics, ended)
        search = find_search(tuned.aws.region, tuned.pipeline.name, None, logs=True)
        for job in search.ranked:
            values = ", ".join(f"{name} {value}" for name, value in job.values.items())
            result = "none" if job.objective is None else f"{job.objective:.3f}"
            _write(f"  {job.epochs} epochs, validation mAP {result}: {values}; {job.status}, {search.end_of(job)}")


def _run(config: Config) -> tuple[dict[str, Any], ExecutionResult]:
    region, arn = config.aws.region, start_run(config, lambda _: None)
    ended = watch(region, arn, lambda _: None)
    if not ended.succeeded:
        raise UserError(f"{config.pipeline.name}: {ended.reason}")
    results = read_results(config, arn)
    if results is None:
        raise UserError(f"the execution {arn} ended before its evaluation")
    return results.metrics, ended


def _report(name: str, metrics: dict[str, Any], ended: ExecutionResult) -> None:
    _write(f"{name}: {ended.seconds:.0f} s")
    intervals = metrics["intervals"]["metrics"]
    for metric, title in _METRICS.items():
        low, high = intervals[metric]
        _write(f"  {title} {metrics[metric]:.3f} ({low:.3f} to {high:.3f})")


def _write(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(argv: Sequence[str] | None = None) -> None:
    """Run the benchmark."""
    parser = ArgumentParser(prog="benchmarks.tuning", description=__doc__)
    parser.add_argument("manifest", type=Path)
    parser.add_argument("images", type=Path, help="folder with the images that the manifest names")
    parser.add_argument("--jobs", type=int, default=6, help="training jobs of the search, at most")
    parser.add_argument("--epochs", type=int, default=16, help="epochs of each training job")
    parser.add_argument("--set", action="append", default=[], help="a setting of the search, as of the commands")
    arguments = parser.parse_args(argv)
    compare(arguments.manifest, arguments.images, arguments.jobs, arguments.epochs, arguments.set)


if __name__ == "__main__":
    main()
