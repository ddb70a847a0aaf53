"""What incremental training saves: `python -m benchmarks.incremental MANIFEST IMAGES [--epochs N]`.

Three executions of the whole pipeline on the offline AWS, on the same labels: a champion of N epochs from scratch, then
a third of the epochs from the champion (`training.start_from: champion`), and as many from scratch. Printed are the
validation mAP of every epoch, as the training jobs' logs state it, and the metrics on the test split.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from groundloop.aws import client
from groundloop.errors import UserError
from groundloop.executions.control import steps
from groundloop.executions.logs import JobLog
from groundloop.executions.watching import watch
from groundloop.spec.training_log import LOG_PHRASES, TrainingLog
from pipeline.config import load_config
from pipeline.demo.offline_run import offline_aws, read_results, start_run, upload_labels

LOCAL = Path(__file__).resolve().parents[1] / "configs" / "local.yaml"
_LOG_GROUP = "/aws/sagemaker/TrainingJobs"


@dataclass(frozen=True)
class Run:
    """One execution: the validation mAP of each epoch, and the metrics on the test split."""

    name: str
    curve: list[float]
    metrics: dict[str, Any]

    @property
    def best(self) -> float:
        """The validation mAP of the model that is kept."""
        return max(self.curve)


def compare(manifest: Path, images: Path, epochs: int, tell: Callable[[Run], None]) -> None:
    """Run the three executions."""
    bucket = manifest.open().readline().partition("s3://")[2].partition("/")[0]
    common = [
        *(f"labels.manifest=s3://{bucket}/labels/output.manifest", f"aws.bucket={bucket}"),
        *("deploy.mode=never", "evaluate.intervals.resamples=0", "prepare.check_images=none"),
    ]
    short = max(1, epochs // 3)
    runs = (
        ("from scratch", epochs, "null"),
        ("from the champion", short, "champion"),
        ("from scratch", short, "null"),
    )
    with TemporaryDirectory() as home:
        first = load_config([LOCAL], common, environment={})
        with offline_aws(first, Path(home)):
            upload_labels(first, manifest, images, lambda _: None)
            for name, count, start_from in runs:
                given = [f"training.hyperparameters.epochs={count}", f"training.start_from={start_from}"]
                # The champion stays the first version.
                status = "Approved" if count == epochs else "PendingManualApproval"
                config = load_config([LOCAL], [*common, *given, f"registry.approval_status={status}"], environment={})
                tell(_run(f"{count} epochs {name}", config))


def _run(name: str, config: Any) -> Run:
    region, arn = config.aws.region, start_run(config, lambda _: None)
    ended = watch(region, arn, lambda _: None)
    if not ended.succeeded:
        raise UserError(f"{name}: {ended.reason}")
    train = next(step for step in steps(region, arn) if step["StepName"] == "Train")
    job = train["Metadata"]["TrainingJob"]["Arn"].rpartition("/")[2]
    log = TrainingLog(JobLog(region, _LOG_GROUP, job, client("logs", region)).containing(*LOG_PHRASES))
    results = read_results(config, arn)
    if results is None:
        raise UserError(f"the execution {arn} ended before its evaluation")
    return Run(name, [epoch.validation_map or 0.0 for epoch in log.epochs], results.metrics)


def report(run: Run) -> None:
    """Print one execution."""
    curve = " ".join(f"{value:.3f}" for value in run.curve)
    names = ("map", "map_50", "voc_map")
    metrics = ", ".join(f"{name} {run.metrics[name]:.3f}" for name in names)
    sys.stdout.write(f"{run.name}: validation mAP {run.best:.3f}; test {metrics}\n  by epoch: {curve}\n")
    sys.stdout.flush()


def main(argv: Sequence[str] | None = None) -> None:
    """Run the benchmark."""
    parser = ArgumentParser(prog="benchmarks.incremental", description=__doc__)
    parser.add_argument("manifest", type=Path)
    parser.add_argument("images", type=Path, help="folder with the images that the manifest names")
    parser.add_argument("--epochs", type=int, default=16, help="epochs of the champion")
    arguments = parser.parse_args(argv)
    compare(arguments.manifest, arguments.images, arguments.epochs, report)


if __name__ == "__main__":
    main()
