"""Why a step failed: the end of its log, what its error means, and the manifest lines to look at."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import chain, pairwise
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from groundloop.aws import client, error_code, explain
from groundloop.errors import UserError
from groundloop.executions.control import Transition, steps, transition
from groundloop.executions.failure_evidence import (
    Evidence,
    attribute_names,
    channel_faults,
    find_evidence,
    read_lines,
)
from groundloop.executions.known_failures import BATCH_COUNT, KnownFailure, Look, known_failures
from groundloop.executions.logs import Event, JobLog
from groundloop.images.s3 import S3Images
from groundloop.images.sample import sample_images
from groundloop.labels.manifest import TrainingLine

_SEARCHED_LINES = 200
# Beyond this a manifest isn't read here: it would keep a failure from being told for minutes.
_MOST_BYTES = 200_000_000
_LOOKED_AT_IMAGES = 200
_PREPARE = "Prepare"


@dataclass(frozen=True)
class Diagnosis:
    """What is known of a failure.

    Attributes:
        log: the last lines of the job's log, oldest first; empty for a step without a job.
        look_at: what to look at, in whole sentences: manifest lines, files, commands.
    """

    execution: str
    step: str
    job: str
    log_group: str
    log: list[Event]
    known: list[KnownFailure]
    look_at: list[str]

    def json(self) -> dict[str, Any]:
        return {
            "step": self.step,
            "job": self.job,
            "log_group": self.log_group,
            "log": [{**asdict(event), "time": event.time.isoformat()} for event in self.log],
            "known": [{"code": item.code, "meaning": item.meaning, "remedy": item.remedy} for item in self.known],
            "look_at": self.look_at,
        }


def diagnose(region: str, execution: str, failed: Transition, log_lines: int = 20) -> Diagnosis:
    """Look into a failed step. What can't be read is said in the diagnosis; it never hides the failure itself."""
    log: list[Event] = []
    notes: list[str] = []
    if failed.log_group:
        log = (
            _tried(
                notes, "the end of the log", lambda: JobLog(region, failed.log_group, failed.job).tail(_SEARCHED_LINES)
            )
            or []
        )
    known = known_failures("\n".join([failed.reason, *(event.text for event in log)]))
    looked = _tried(notes, "the manifest lines to look at", lambda: _look_at(region, execution, failed, known)) or []
    return Diagnosis(execution, failed.step, failed.job, failed.log_group, log[-log_lines:], known, [*looked, *notes])


def warning_of_training(region: str, trained: Transition) -> str | None:
    """The algorithm's warning that it did not see all images, from the log of a training job that succeeded."""
    if trained.kind != "TrainingJob" or trained.cached:
        return None
    notes: list[str] = []
    log = JobLog(region, trained.log_group, trained.job)
    line = _tried(notes, "whether it saw all images", lambda: log.contains("Expected number of batches"))
    if notes:
        return notes[0]
    return f"{line.strip()} {BATCH_COUNT.meaning} {BATCH_COUNT.remedy}" if line else None


def _tried(notes: list[str], what: str, look: Callable[[], Any]) -> Any:
    try:
        return look()
    except UserError as error:
        notes.append(f"({what} can't be told: {error})")
    except (ClientError, BotoCoreError) as error:
        notes.append(f"({what} can't be told: {explain(error)})")
    return None


def _look_at(region: str, execution: str, failed: Transition, known: list[KnownFailure]) -> list[str]:
    prepared = _Prepared.of(region, execution)
    if failed.step == _PREPARE:
        return [f"groundloop labels check {prepared.manifest} --region {region}"] if prepared.manifest else []
    if failed.kind != "TrainingJob" or not known:
        return []
    looks = list(dict.fromkeys(item.look for item in known if item.look is not Look.NOWHERE))
    found = _suspects(region, failed.job, looks) if looks else []
    places = _places(region, prepared.manifest, [item.source_ref for item in found if item.source_ref])
    told = [_with_place(item, prepared.manifest, places) for item in found]
    if looks and prepared.report:
        told += _kept_out(region, f"{prepared.report}/rejected.jsonl")
    if looks and prepared.manifest:
        images = " --images" if Look.IMAGES in looks else ""
        told.append(f"groundloop labels check {prepared.manifest} --region {region}{images}")
    return told


def _with_place(suspect: Evidence, manifest: str, places: dict[str, int]) -> str:
    if not suspect.source_ref:
        return suspect.text
    line = places.get(suspect.source_ref)
    return f"{suspect.text} ({suspect.source_ref}{f', line {line} of {manifest}' if line else ''})"


@dataclass(frozen=True)
class _Prepared:
    """S3 URIs of what Prepare read and wrote; empty when the execution has no such step."""

    manifest: str
    report: str

    @classmethod
    def of(cls, region: str, execution: str) -> _Prepared:
        jobs = (transition(step) for step in steps(region, execution) if step["StepName"] == _PREPARE)
        job = next((step.job for step in jobs if step.kind == "ProcessingJob"), "")
        if not job:
            return cls("", "")
        described = client("sagemaker", region).describe_processing_job(ProcessingJobName=job)
        arguments = described["AppSpecification"].get("ContainerArguments", [])
        after = dict(pairwise(arguments))
        outputs = {
            item["OutputName"]: item["S3Output"]["S3Uri"]
            for item in described.get("ProcessingOutputConfig", {}).get("Outputs", [])
            if "S3Output" in item
        }
        return cls(after.get("--manifest-uri", ""), outputs.get("report", "").rstrip("/"))


def _suspects(region: str, job: str, looks: Sequence[Look]) -> list[Evidence]:
    described = client("sagemaker", region).describe_training_job(TrainingJobName=job)
    hyperparameters = described.get("HyperParameters", {})
    found: list[Evidence] = []
    for channel in described.get("InputDataConfig", []):
        source = channel.get("DataSource", {}).get("S3DataSource", {})
        if source.get("S3DataType") != "AugmentedManifestFile":
            continue
        if Look.LINES in looks:
            found += channel_faults(channel)
        name = source["S3Uri"].rsplit("/", 1)[-1]
        lines = list(read_lines(_stream(region, source["S3Uri"]), attribute_names(channel)))
        for look in looks:
            found += find_evidence(look, channel["ChannelName"], name, lines, hyperparameters)
        if Look.IMAGES in looks:
            found += _images(region, name, lines)
    return found


def _images(region: str, name: str, lines: list[TrainingLine]) -> list[Evidence]:
    numbers = {line.source_ref: line.number for line in reversed(lines) if line.source_ref.startswith("s3://")}
    sample = sample_images(S3Images(region), list(numbers), _LOOKED_AT_IMAGES)
    told = [
        Evidence(f"{name} line {numbers[reference]}: {problem}", reference)
        for reference, problem in list(sample.problems.items())[:5]
    ]
    return [*told, Evidence(f"{name}: {sample.told()}")]


def _kept_out(region: str, uri: str) -> list[str]:
    try:
        count = sum(1 for _ in _stream(region, uri))
    except ClientError as error:
        if error_code(error) == "NoSuchKey":
            return []
        raise
    return [f"{count} lines that Prepare kept out, each with its reason: {uri}"] if count else []


def _places(region: str, manifest: str, references: list[str]) -> dict[str, int]:
    """The line of the labelling job's own manifest for each image, the last one if it is labelled more than once."""
    if not manifest or not references:
        return {}
    wanted = {json.dumps(reference).encode(): reference for reference in references}
    return {
        reference: number
        for number, line in enumerate(_stream(region, manifest), 1)
        for quoted, reference in wanted.items()
        if quoted in line
    }


def _stream(region: str, uri: str) -> Iterator[bytes]:
    """The lines of an object; asked for at once, read as they are used.

    Raises:
        UserError: it is too large to be read here.
    """
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    answer = client("s3", region).get_object(Bucket=bucket, Key=key)
    if answer["ContentLength"] > _MOST_BYTES:
        raise UserError(f"{uri} has {answer['ContentLength'] / 1e6:.0f} MB: look with `groundloop labels check {uri}`")
    body = answer["Body"]
    first = body.read(2)
    if first == b"\x1f\x8b":
        return iter(gzip.decompress(first + body.read()).splitlines())
    return _lines(chain([first], body.iter_chunks(1 << 20)))


def _lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Chunks cut at line feeds only, as manifests are."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from whole
    if rest:
        yield rest
