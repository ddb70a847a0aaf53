"""Collecting the outputs of human loops as they arrive: each file once, and a manifest of all that there are.

Outputs are found in S3 and not by the loops, so those of deleted loops count too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from groundloop.errors import UserError
from groundloop.labels.attributes import CANONICAL, METADATA
from groundloop.labels.formats.a2i import from_a2i
from groundloop.labels.formats.a2i.output_file import OUTPUT
from groundloop.labels.formats.groundtruth.writer import manifest
from groundloop.labels.manifest import source_ref_of
from groundloop.labels.review_key import REVIEW_KEY
from groundloop.s3 import read_bytes, split_uri

_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])


class _Answer(msgspec.Struct, rename="camel"):
    submission_time: str = ""
    worker_id: str = ""


class _Input(msgspec.Struct, rename={"image": "taskObject", "review": REVIEW_KEY}):
    image: str = ""
    review: dict[str, msgspec.Raw] = {}


class _Output(msgspec.Struct, rename="camel"):
    human_loop_name: str = ""
    input_content: _Input = msgspec.field(default_factory=_Input)
    human_answers: list[_Answer] | None = None

    @property
    def answered(self) -> str:
        """When the last answer came, as text; "" for never."""
        return max((one.submission_time for one in self.human_answers or ()), default="")


@dataclass(frozen=True, slots=True)
class Collected:
    """The labels of a flow's human loops so far.

    Attributes:
        content: of the manifest, sorted by image; equal outputs give equal bytes.
        images: its lines.
        boxes: of all lines.
        negatives: lines without boxes.
        loops: names of all loops with an output.
        notes: what reading left out or changed.
    """

    content: bytes
    images: int
    boxes: int
    negatives: int
    loops: tuple[str, ...]
    notes: tuple[str, ...]


def output_uris(s3: Any, prefix: str) -> dict[str, str]:
    """Return the S3 URIs of all outputs below a prefix, by the loop's name.

    Args:
        s3: a boto3 S3 client.
        prefix: of the flow: `s3://bucket/path/<flow>/`.
    """
    bucket, key = split_uri(prefix)
    found = {}
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key):
        for item in page.get("Contents", []):
            parts = item["Key"].removeprefix(key).split("/")
            if parts[-1] == OUTPUT and len(parts) > 1:
                found[parts[-2]] = f"s3://{bucket}/{item['Key']}"
    return found


def fetch_outputs(s3: Any, prefix: str, folder: Path) -> int:
    """Copy the outputs that a folder lacks; return how many.

    Args:
        s3: a boto3 S3 client.
        prefix: of the flow.
        folder: where the copies are: `<loop>/output.json`.
    """
    new = 0
    for loop, uri in output_uris(s3, prefix).items():
        path = folder / loop / OUTPUT
        if path.is_file():
            continue
        content = read_bytes(s3, uri)
        path.parent.mkdir(parents=True, exist_ok=True)
        # Under another name first: a copy that was cut off would never be fetched again.
        partial = path.with_suffix(".part")
        partial.write_bytes(content)
        partial.replace(path)
        new += 1
    return new


def collect(folder: Path, classes: Iterable[str] | None = None) -> Collected:
    """Return the labels of all outputs in a folder.

    Args:
        folder: of `fetch_outputs`.
        classes: names in id order; None takes those of the loops' input.

    Raises:
        UserError: there is no answer yet, or an output can't be read.
    """
    files = sorted(folder.rglob(OUTPUT))
    if not files:
        raise UserError("no human loop has an output yet: groundloop a2i status tells how far they are")
    outputs = [_read(path) for path in files]
    dataset = from_a2i(folder, None if classes is None else tuple(classes))
    newest: dict[str, _Output] = {}
    for output in sorted(outputs, key=lambda one: (one.answered, one.human_loop_name)):
        if output.human_answers:
            newest[output.input_content.image] = output
    lines = manifest(dataset, CANONICAL, confidence=0, target="Ground Truth").splitlines()
    described = sorted(_described(line, newest.get(source_ref_of(line))) for line in lines)
    return Collected(
        content=b"".join(line + b"\n" for line in described),
        images=len(dataset.images),
        boxes=dataset.boxes,
        negatives=dataset.negatives,
        loops=tuple(sorted(output.human_loop_name for output in outputs)),
        notes=dataset.notes,
    )


def _read(path: Path) -> _Output:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Output)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UserError(f"{path}: is no output of a human loop: {error}; delete it, and collect again") from None


def _described(line: bytes, output: _Output | None) -> bytes:
    """Add to a line when and by which loop it was answered, and how its image was chosen."""
    if output is None:  # the image stands under another key of the input
        return line
    fields: dict[str, Any] = dict(_FIELDS.decode(line))
    metadata = msgspec.json.decode(fields[CANONICAL + METADATA])
    if output.answered:
        metadata["creation-date"] = output.answered.removesuffix("Z")
    metadata["job-name"] = f"a2i/{output.human_loop_name}"
    answers = output.human_answers or []
    workers = [one.worker_id for one in answers if one.worker_id]
    review = {**output.input_content.review, "answers": len(answers), "workers": workers}
    return msgspec.json.encode({**fields, CANONICAL + METADATA: metadata, REVIEW_KEY: review})
