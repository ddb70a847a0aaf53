"""The output folder of a labelling job, as far as its images are concerned: which object id is which image."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec

from groundloop.errors import UserError
from groundloop.labels.attributes import METADATA
from groundloop.labels.formats.answer_files import AnswerFiles, contents
from groundloop.labels.formats.disk import decode_json
from groundloop.labels.label_types import DETECTION_TYPE
from groundloop.labels.manifest import ManifestReader, source_ref_of
from groundloop.labels.records import Box
from groundloop.labels.review_key import review_of
from groundloop.labels.worker_answers import AnswerFinding

RESPONSES = "annotations/worker-response/"
OUTPUT_MANIFEST = "manifests/output/output.manifest"
_REQUESTS = "annotations/consolidated-annotation/consolidation-request/"
_RESPONSE = re.compile(rf"((?:.*/)?){RESPONSES}iteration-[0-9]+/([0-9]+)/[^/]+\.json")
_OBJECT_ID = re.compile("[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class ResponseFile:
    """A file of worker responses: the job's folder, "" or ending with `/`, and the 0-based line of its input."""

    name: str
    job: str
    object_id: int


@dataclass(frozen=True, slots=True)
class JobImage:
    """An image of a job.

    Attributes:
        name: S3 URI.
        shown: the boxes of the label that was to be adjusted; None when there was none.
        blind: whether it was drawn at random and shown without boxes.
    """

    name: str
    shown: tuple[Box, ...] | None = None
    blind: bool = False


class _Metadata(msgspec.Struct, rename="kebab"):
    type: str = ""
    creation_date: str = ""
    adjustment_status: str | None = None


class _DataObject(msgspec.Struct, rename="camel"):
    s3_uri: str = ""


class _Request(msgspec.Struct, rename="camel"):
    dataset_object_id: str
    data_object: _DataObject


def response_file(name: str) -> ResponseFile | None:
    """Return what the name of a file says of the worker responses in it; None when it holds none."""
    match = _RESPONSE.fullmatch(name)
    return ResponseFile(name, match[1], int(match[2])) if match else None


def job_images(files: AnswerFiles, job: str, findings: list[AnswerFinding]) -> dict[int, JobImage]:
    """Return the images of a job by object id, as far as its folder names them.

    Args:
        files: of the job, maybe among others.
        job: its folder, "" or ending with `/`.
        findings: to which those on files that can't be read are added.
    """
    requests = [name for name in files.names if name.startswith(job + _REQUESTS)]
    images: dict[int, JobImage] = {}
    for name, content in contents(files, requests):
        try:
            if isinstance(content, UserError):
                raise content
            images |= _requested(decode_json(files.uri(name), content, list[_Request]))
        except UserError as error:
            findings.append(AnswerFinding(files.uri(name), str(error)))
    manifest = job + OUTPUT_MANIFEST
    if manifest in files.names:
        try:
            lines = files.read(manifest).splitlines()
        except UserError as error:
            findings.append(AnswerFinding(files.uri(manifest), str(error)))
            return images
        for number, line in enumerate(lines):
            if image := _image(number, line, images.get(number)):
                images[number] = image
    return images


def _requested(requests: Iterable[_Request]) -> dict[int, JobImage]:
    return {
        int(request.dataset_object_id): JobImage(request.data_object.s3_uri)
        for request in requests
        if request.data_object.s3_uri and _OBJECT_ID.fullmatch(request.dataset_object_id)
    }


def _image(number: int, line: bytes, known: JobImage | None) -> JobImage | None:
    source_ref = source_ref_of(line)
    if not source_ref or (known is not None and known.name != source_ref):
        return known
    try:
        fields = msgspec.json.decode(line, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return known
    review = review_of(line)
    shown = _shown_attribute(fields, adjusts=review is not None and review.shown in ("model", "labels"))
    record = ManifestReader(shown).read_line(number + 1, line).record if shown else None
    boxes = record.boxes if record else None
    return JobImage(source_ref, boxes, blind=review is not None and review.is_blind)


def _shown_attribute(fields: Mapping[str, msgspec.Raw], *, adjusts: bool) -> str | None:
    """Return the label attribute that was shown: in an adjustment job, the newest beside the job's own.

    Args:
        fields: of the line.
        adjusts: whether boxes were shown, though the line has no label of the job.
    """
    found: dict[str, _Metadata] = {}
    for key, value in fields.items():
        if not key.endswith(METADATA):
            continue
        try:
            metadata = msgspec.json.decode(value, type=_Metadata)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
        if metadata.type == DETECTION_TYPE:
            found[key.removesuffix(METADATA)] = metadata
    adjusted = [name for name, metadata in found.items() if metadata.adjustment_status is not None]
    if not adjusted and not adjusts:
        return None
    own = max(adjusted, key=lambda name: found[name].creation_date, default=None)
    others = [name for name in found if name != own]
    return max(others, key=lambda name: found[name].creation_date, default=None)
