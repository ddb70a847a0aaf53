"""`groundloop predict --batch`: a transform job over the images of an S3 prefix or manifest."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from groundloop.batch.results import read_outputs
from groundloop.batch.selection import Selection, select_images
from groundloop.batch.transform import JOB_PREFIX, TransformJob, TransformSettings, find_job, start_transform, wait_for
from groundloop.errors import UserError
from groundloop.escaping import as_message
from groundloop.executions.control import Transition
from groundloop.executions.polled_job import JobProgress
from groundloop.models.version_selection import champion, version_of
from groundloop.prediction.outputs import Format, write_results
from groundloop.spec.instance_types import has_local_storage
from pipeline.cli.options import suggest
from pipeline.cli.output import print_json, print_line, print_values, print_warning
from pipeline.cli.progress_line import ProgressDisplay, RunningStep, progress_display

if TYPE_CHECKING:
    from groundloop.models.packages import Package
    from pipeline.config import Config

_SHOWN = 20
_INTERRUPTED = 130


@dataclass(frozen=True)
class BatchOptions:
    """What was asked for.

    Attributes:
        sources: one S3 prefix or manifest; empty with `job`.
        output: file of the results; None writes none.
        how: its format.
        version: number of the version that predicts; None: the champion.
        threshold: minimum score; None: the evaluation's.
        job: name of a transform job to pick up; None starts one.
        as_json: print one JSON object.
    """

    sources: tuple[str, ...]
    output: Path | None
    how: Format
    version: int | None = None
    threshold: float | None = None
    job: str | None = None
    as_json: bool = False


def predict_batch(config: Config, options: BatchOptions) -> None:
    """Start a transform job, or pick one up; wait for it and write the results.

    The exit code is 1 when images were skipped.

    Raises:
        UserError: there is no image, no such version or job, or the job failed.
    """
    if len(options.sources) != (0 if options.job else 1):
        raise UserError("--batch takes one SOURCE, an S3 prefix or manifest, or --job with the name of a started job")
    if options.job and options.version:
        raise UserError("--job names a job that predicts with its own version: leave out --version")
    if options.output is not None and options.output.exists():
        raise UserError(f"{options.output} exists already: choose another name with --output, or remove it")
    region, display = config.aws.region, ProgressDisplay() if options.as_json else progress_display(False)
    job = find_job(region, options.job) if options.job else _start(config, options, display)
    output = options.output or Path("predictions.jsonl")
    again = suggest("predict", "--batch", "--job", job.name, "--output", str(output), "--format", options.how.value)
    if not options.job:
        print_line(f"transform job {job.name} has started; if this command is interrupted: {again}", to_stderr=True)
    try:
        _wait(region, job.name, display)
    except KeyboardInterrupt:
        display.clear()
        print_warning(f"the transform job goes on; continue with: {again}")
        raise typer.Exit(_INTERRUPTED) from None
    minimum = dict.fromkeys(job.selection.classes, options.threshold) if options.threshold is not None else None
    results = list(read_outputs(region, job.selection, job.output_uri, minimum))
    try:
        written = write_results(results, options.how, options.output) if options.output else []
    except OSError as error:
        raise UserError(f"--output {options.output}: can't be written: {error.strerror}; then: {again}") from None
    counts = dict.fromkeys(job.selection.classes, 0)
    for result in results:
        for one in result.detections:
            counts[one.class_name] += 1
    _report(job, counts, written, again, as_json=options.as_json)
    if job.selection.skipped:
        raise typer.Exit(1)


def _start(config: Config, options: BatchOptions, display: ProgressDisplay) -> TransformJob:
    region, started = config.aws.region, time.monotonic()
    step = Transition("Check images", "Executing", None, False, 1)

    def show(done: int, total: int) -> None:
        seconds = time.monotonic() - started
        left = seconds * (total - done) / done
        progress = JobProgress("", "image", done, total, done / total, left)
        display.show([RunningStep(step, progress, seconds, seconds)])

    package = _package(config, options.version)
    limit = config.predict.max_payload_mb
    selection = select_images(options.sources[0], package, region, max_payload_mb=limit, progress=show)
    display.clear()
    _warn(selection)
    name = f"{JOB_PREFIX}{datetime.now(timezone.utc):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
    prefix = f"s3://{config.aws.bucket}/{config.aws.prefix}/batch"
    start_transform(region, prefix, name, selection, transform_settings(config))
    return find_job(region, name)


def _package(config: Config, number: int | None) -> Package:
    """Return the version that predicts: the champion, unless a number is given."""
    from groundloop.aws import client
    from groundloop.models.packages import package
    from groundloop.models.registry import version

    region, group = config.aws.region, config.registry.group
    if number is not None:
        return package(region, version(region, group, number).arn)
    arn = champion(client("sagemaker", region), group)
    if arn is None:
        raise UserError(f"no version of {group!r} is approved: approve one ({suggest('models')}), or give --version")
    return package(region, arn)


def transform_settings(config: Config) -> TransformSettings:
    """Return what the configuration says of a transform job."""
    from pipeline.dead_letter_queue import project_tags

    aws, predict = config.aws, config.predict
    network = {"Subnets": aws.network.subnets, "SecurityGroupIds": aws.network.security_groups}
    return TransformSettings(
        role=aws.role,
        instance_type=predict.instance_type,
        instance_count=predict.instance_count,
        max_payload_mb=predict.max_payload_mb,
        max_concurrent_transforms=predict.max_concurrent_transforms,
        kms_key=aws.kms_key,
        volume_key=None if has_local_storage(predict.instance_type) else aws.kms_key,
        vpc=network if aws.network.subnets else None,
        isolation=aws.network.isolation,
        tags=project_tags(config),
    )


def _warn(selection: Selection) -> None:
    for note in selection.notes:
        print_warning(note)
    for image in selection.skipped[:_SHOWN]:
        print_warning(as_message(f"{image.source_ref} is skipped: {image.reason}"))
    if (more := len(selection.skipped) - _SHOWN) > 0:
        print_warning(f"{more} more images are skipped; --json lists them")


def _wait(region: str, name: str, display: ProgressDisplay) -> None:
    started = time.monotonic()
    step = Transition("Predict", "Executing", None, False, 1, "TransformJob", name)

    def show(progress: JobProgress) -> None:
        seconds = time.monotonic() - started
        display.show([RunningStep(step, progress, seconds, seconds)])

    wait_for(region, name, show)
    display.clear()


def _report(job: TransformJob, counts: dict[str, int], written: list[Path], again: str, *, as_json: bool) -> None:
    selection = job.selection
    if as_json:
        print_json(
            {
                "job": job.name,
                "version": version_of(selection.model_package),
                "images": len(selection.images),
                "counts": counts,
                "skipped": [{"image": image.source_ref, "reason": image.reason} for image in selection.skipped],
                "output": [str(path) for path in written],
            }
        )
        return
    print_values({name: str(number) for name, number in counts.items()})
    skipped = f"; {len(selection.skipped)} skipped" if selection.skipped else ""
    print_line(f"{sum(counts.values())} objects on {len(selection.images)} images{skipped}")
    for path in written:
        print_line(f"written: {path}")
    if not written:
        print_line(f"next: {again}")
