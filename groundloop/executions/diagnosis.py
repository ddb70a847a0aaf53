"""Diagnose a failed step: the end of its log, what its error means, and the manifest lines that may have caused it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import chain, pairwise
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from groundloop.aws import client, explain
from groundloop.errors import UserError
from groundloop.executions.control import Transition, steps, transition
from groundloop.executions.evaluation import output_uris
from groundloop.executions.failure_evidence import (
    Evidence,
    attribute_names,
    channel_faults,
    find_evidence,
    read_lines,
)
from groundloop.executions.known_failures import BATCH_COUNT, EvidenceSource, KnownFailure, known_failures
from groundloop.executions.logs import Event, JobLog
from groundloop.executions.tuning import best_objective
from groundloop.images.s3 import S3Images
from groundloop.images.sample import sample_images
from groundloop.labels.records import TrainingLine
from groundloop.s3 import is_missing, split_uri
from groundloop.spec.object_detection import OBJECTIVE_METRIC

_MAX_LOG_LINES = 200
# Reading a larger manifest would delay the report of the failure by minutes.
_MAX_MANIFEST_BYTES = 200_000_000
_MAX_IMAGES = 200
_PREPARE = "Prepare"


@dataclass(frozen=True)
class Diagnosis:
    """The diagnosis of a failure.

    Attributes:
        execution: ARN of the execution.
        step: name of the failed step.
        job: name of its job; empty for a step without a job.
        log_group: CloudWatch log group of the job; empty for a step without a job.
        log: the last lines of the job's log, oldest first; empty for a step without a job.
        known: the known failures that match.
        evidence: possible causes: manifest lines, files, and commands that tell more.
    """

    execution: str
    step: str
    job: str
    log_group: str
    log: list[Event]
    known: list[KnownFailure]
    evidence: list[str]

    def json(self) -> dict[str, Any]:
        """Return the diagnosis as values that `json.dumps` takes."""
        return {
            "step": self.step,
            "job": self.job,
            "log_group": self.log_group,
            "log": [{**asdict(event), "time": event.time.isoformat()} for event in self.log],
            "known": [{"code": item.code, "meaning": item.meaning, "remedy": item.remedy} for item in self.known],
            "evidence": self.evidence,
        }


def diagnose(region: str, execution: str, failed: Transition, log_lines: int = 20) -> Diagnosis:
    """Diagnose a failed step.

    What cannot be read is noted in the diagnosis; it never hides the failure itself.

    Args:
        region: AWS region.
        execution: ARN of the execution.
        failed: last transition of the failed step.
        log_lines: number of log lines in the diagnosis.
    """
    log: list[Event] = []
    notes: list[str] = []
    if failed.log_group:
        log = (
            _attempt(
                notes, "the end of the log", lambda: JobLog(region, failed.log_group, failed.job).tail(_MAX_LOG_LINES)
            )
            or []
        )
    known = known_failures("\n".join([failed.reason, *(event.text for event in log)]))
    evidence = _attempt(notes, "the manifest", lambda: _collect_evidence(region, execution, failed, known)) or []
    return Diagnosis(execution, failed.step, failed.job, failed.log_group, log[-log_lines:], known, [*evidence, *notes])


def warning_of_training(region: str, trained: Transition) -> str | None:
    """Return the algorithm's warning that it did not process all images.

    Args:
        region: AWS region.
        trained: transition of a training step that succeeded.

    Returns:
        The log line with its meaning and remedy; None if there is no such line or the step came from the cache.
    """
    if trained.kind != "TrainingJob" or trained.cached:
        return None
    notes: list[str] = []
    log = JobLog(region, trained.log_group, trained.job)
    line = _attempt(notes, "whether all images were processed", lambda: log.contains("Expected number of batches"))
    if notes:
        return notes[0]
    return f"{line.strip()} {BATCH_COUNT.meaning} {BATCH_COUNT.remedy}" if line else None


def validation_map(region: str, trained: Transition) -> float | None:
    """Return the mAP on the validation split that a training job of the algorithm, or the best of a search, ended with.

    Args:
        region: AWS region.
        trained: transition of a training step that succeeded.

    Returns:
        The metric; None if the step came from the cache, or the job states none.
    """
    if trained.kind not in ("TrainingJob", "TuningJob") or trained.cached:
        return None
    try:
        if trained.kind == "TuningJob":
            return best_objective(region, trained.job)
        described = client("sagemaker", region).describe_training_job(TrainingJobName=trained.job)
    except (ClientError, BotoCoreError):
        return None  # an extra: without the permission for it, the execution is watched all the same
    metrics = {item["MetricName"]: float(item["Value"]) for item in described.get("FinalMetricDataList") or []}
    return metrics.get(OBJECTIVE_METRIC)


def _attempt(notes: list[str], what: str, read: Callable[[], Any]) -> Any:
    try:
        return read()
    except UserError as error:
        notes.append(f"({what} cannot be read: {error})")
    except (ClientError, BotoCoreError) as error:
        notes.append(f"({what} cannot be read: {explain(error)})")
    return None


def _collect_evidence(region: str, execution: str, failed: Transition, known: list[KnownFailure]) -> list[str]:
    prepare = _PrepareFiles.of(region, execution)
    if failed.step == _PREPARE:
        return [f"groundloop labels check {prepare.manifest} --region {region}"] if prepare.manifest else []
    if failed.kind != "TrainingJob" or not known:
        return []
    sources = list(dict.fromkeys(item.source for item in known if item.source is not EvidenceSource.NONE))
    evidence = _training_evidence(region, failed.job, sources) if sources else []
    numbers = _line_numbers(region, prepare.manifest, [item.source_ref for item in evidence if item.source_ref])
    texts = [_with_line(item, prepare.manifest, numbers) for item in evidence]
    if sources and prepare.report:
        texts += _rejected_lines(region, f"{prepare.report}/rejected.jsonl")
    if sources and prepare.manifest:
        images = " --images" if EvidenceSource.IMAGES in sources else ""
        texts.append(f"groundloop labels check {prepare.manifest} --region {region}{images}")
    return texts


def _with_line(item: Evidence, manifest: str, numbers: dict[str, int]) -> str:
    if not item.source_ref:
        return item.text
    line = numbers.get(item.source_ref)
    return f"{item.text} ({item.source_ref}{f', line {line} of {manifest}' if line else ''})"


@dataclass(frozen=True)
class _PrepareFiles:
    """S3 URIs of what Prepare read and wrote; empty if the execution has no such step."""

    manifest: str
    report: str

    @classmethod
    def of(cls, region: str, execution: str) -> _PrepareFiles:
        jobs = (transition(step) for step in steps(region, execution) if step["StepName"] == _PREPARE)
        job = next((step.job for step in jobs if step.kind == "ProcessingJob"), "")
        if not job:
            return cls("", "")
        response = client("sagemaker", region).describe_processing_job(ProcessingJobName=job)
        arguments = response["AppSpecification"].get("ContainerArguments", [])
        following = dict(pairwise(arguments))
        return cls(following.get("--manifest-uri", ""), output_uris(response).get("report", ""))


def _training_evidence(region: str, job: str, sources: Sequence[EvidenceSource]) -> list[Evidence]:
    response = client("sagemaker", region).describe_training_job(TrainingJobName=job)
    hyperparameters = response.get("HyperParameters", {})
    evidence: list[Evidence] = []
    for channel in response.get("InputDataConfig", []):
        data = channel.get("DataSource", {}).get("S3DataSource", {})
        if data.get("S3DataType") != "AugmentedManifestFile":
            continue
        if EvidenceSource.LINES in sources:
            evidence += channel_faults(channel)
        name = data["S3Uri"].rsplit("/", 1)[-1]
        lines = list(read_lines(_stream(region, data["S3Uri"]), attribute_names(channel)))
        for source in sources:
            evidence += find_evidence(source, channel["ChannelName"], name, lines, hyperparameters)
        if EvidenceSource.IMAGES in sources:
            evidence += _images(region, name, lines)
    return evidence


def _images(region: str, name: str, lines: list[TrainingLine]) -> list[Evidence]:
    numbers = {line.source_ref: line.number for line in reversed(lines) if line.source_ref.startswith("s3://")}
    sample = sample_images(S3Images(region), list(numbers), _MAX_IMAGES)
    evidence = [
        Evidence(f"{name} line {numbers[reference]}: {problem}", reference)
        for reference, problem in list(sample.problems.items())[:5]
    ]
    return [*evidence, Evidence(f"{name}: {sample.summary()}")]


def _rejected_lines(region: str, uri: str) -> list[str]:
    try:
        count = sum(1 for _ in _stream(region, uri))
    except ClientError as error:
        if is_missing(error):
            return []
        raise
    return [f"{count} lines that Prepare rejected, each with its reason: {uri}"] if count else []


def _line_numbers(region: str, manifest: str, references: list[str]) -> dict[str, int]:
    """Return the line number of each image in the labeling job's manifest, the last if it appears repeatedly."""
    if not manifest or not references:
        return {}
    quoted_references = {json.dumps(reference).encode(): reference for reference in references}
    return {
        reference: number
        for number, line in enumerate(_stream(region, manifest), 1)
        for quoted, reference in quoted_references.items()
        if quoted in line
    }


def _stream(region: str, uri: str) -> Iterator[bytes]:
    """Open an object of S3 and return an iterator over its lines.

    Raises:
        UserError: it is too large.
    """
    bucket, key = split_uri(uri)
    response = client("s3", region).get_object(Bucket=bucket, Key=key)
    if response["ContentLength"] > _MAX_MANIFEST_BYTES:
        raise UserError(f"{uri} has {response['ContentLength'] / 1e6:.0f} MB: run `groundloop labels check {uri}`")
    body = response["Body"]
    first = body.read(2)
    if first == b"\x1f\x8b":
        return iter(gzip.decompress(first + body.read()).splitlines())
    return _lines(chain([first], body.iter_chunks(1 << 20)))


def _lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Cut chunks into lines at line feeds only, as manifests are."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from whole
    if rest:
        yield rest
