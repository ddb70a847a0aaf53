"""Input manifests of labelling jobs: what is not labelled yet, or the labels of an earlier job to look at again.

Format: SageMaker developer guide, "Input manifest file": one JSON object per line, with `source-ref` and whatever other
keys, which come back in the output manifest.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec

from groundloop.errors import UserError
from groundloop.labels.attribute_limits import long_attributes
from groundloop.labels.manifest import source_ref_of
from groundloop.labels.records import Line, LineStatus
from groundloop.labels.split import digest
from groundloop.spec.labeling_jobs import MAX_LINE_CHARACTERS, MAX_OBJECTS

_LABELLED = frozenset({LineStatus.LABELLED, LineStatus.NEGATIVE})
_SEED = 1


@dataclass(frozen=True, slots=True)
class InputManifest:
    """The input of a labelling job.

    Attributes:
        content: of the file.
        objects: its lines.
        labelled: images that were left out, as they are labelled already.
        later: images that were left out, as only so many were asked for.
    """

    content: bytes
    objects: int
    labelled: int = 0
    later: int = 0


def unlabelled_manifest(images: Iterable[str], known: Sequence[Line], limit: int | None = None) -> InputManifest:
    r"""Return the images without labels.

    Args:
        images: S3 URIs.
        known: lines of the data set's manifests. Those that are not labelled are kept as they are, with their keys.
        limit: how many images at most, drawn by a hash of their names: a part that resembles the whole.

    Raises:
        UserError: every image is labelled already, or a job can't hold so many.

    Example:
        >>> unlabelled_manifest(["s3://b/1.jpg"], []).content
        b'{"source-ref":"s3://b/1.jpg"}\n'
    """
    labelled = {line.record.source_ref for line in known if line.status in _LABELLED and line.record}
    lines = {image: msgspec.json.encode({"source-ref": image}) for image in images}
    left_out = len(labelled & lines.keys())
    for line in known:
        if line.status in {LineStatus.UNLABELLED, LineStatus.FAILED} and (image := source_ref_of(line.raw)):
            lines[image] = line.raw
    todo = {image: raw for image, raw in lines.items() if image not in labelled}
    if not lines:
        raise UserError("there is no JPEG or PNG image to label")
    if not todo:
        raise UserError(f"all of {len(lines)} images are labelled already: there is nothing to label")
    return _manifest(todo, limit, left_out)


def chained_manifest(lines: Sequence[Line], limit: int | None = None) -> InputManifest:
    """Return the lines of an earlier job that hold labels, as they are.

    Args:
        lines: as read with the attribute of the earlier job.
        limit: how many images at most, drawn by a hash of their names.

    Raises:
        UserError: no line is labelled, or a job can't hold so many.
    """
    labelled = {line.record.source_ref: line.raw for line in lines if line.status in _LABELLED and line.record}
    if not labelled:
        raise UserError("no image has labels of the earlier job: there is nothing to look at again")
    return _manifest(labelled, limit, 0)


def _manifest(lines: dict[str, bytes], limit: int | None, labelled: int) -> InputManifest:
    chosen = sorted(lines) if limit is None else sorted(sorted(lines, key=lambda one: digest(one, _SEED))[:limit])
    if len(chosen) > MAX_OBJECTS:
        raise UserError(f"a labelling job takes {MAX_OBJECTS:,} images, and there are {len(chosen):,}: give --limit")
    for image in chosen:
        _check(image, lines[image])
    content = b"".join(lines[image] + b"\n" for image in chosen)
    return InputManifest(content, len(chosen), labelled, len(lines) - len(chosen))


def _check(image: str, raw: bytes) -> None:
    characters = len(raw.decode())
    if characters > MAX_LINE_CHARACTERS:
        raise UserError(
            f"{image}: its line has {characters:,} characters, and a labelling job takes {MAX_LINE_CHARACTERS:,}: "
            "remove keys that the job doesn't need"
        )
    for finding in long_attributes(0, raw, image):
        raise UserError(f"{image}: {finding.message}")
