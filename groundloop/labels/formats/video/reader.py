"""Reader of the output of Ground Truth's video frame jobs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import msgspec

from groundloop.errors import UserError
from groundloop.images.local import ImageFolder
from groundloop.labels.attributes import AUTO, label_types_in
from groundloop.labels.class_maps import class_map_of, order_of_classes
from groundloop.labels.formats.dataset import BoxCheck, LabelledDataset, LabelledImage, check_classes, check_unique
from groundloop.labels.formats.disk import keys_of, read_bytes
from groundloop.labels.formats.image_sizes import Sizes
from groundloop.labels.label_types import is_video
from groundloop.labels.manifest import open_manifest, raw_lines
from groundloop.labels.video import KEYS, Frame, read_sequence

Fetch = Callable[[str], bytes]
"""Gives the content of an S3 URI; raises UserError."""

_REF = "-ref"
_NOT_KEPT = "not kept: numbers of frames, identities of objects, attributes of frames and objects"
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])


class _Line(msgspec.Struct, rename="kebab"):
    source_ref: str


class _SequenceFile(msgspec.Struct):
    """The input of a video job: where its frames are."""

    prefix: str


class _Read(NamedTuple):
    """The content of files: frames, each with the file that names it; class-maps with their lines; notes to report."""

    frames: list[tuple[str, Frame]]
    maps: list[tuple[int, Mapping[str, str]]]
    notes: list[str]


def from_video(
    path: Path, label_attribute: str = AUTO, images: ImageFolder | None = None, fetch: Fetch | None = None
) -> LabelledDataset:
    """Read an output manifest, or one SeqLabel.json.

    Args:
        label_attribute: of a manifest, with or without the `-ref` at its end; `auto`: the only one of a video job.
        images: where to look up the frames' sizes; without it they are not known.
        fetch: reads the files in S3 that a manifest names.

    Raises:
        UserError: naming the file, line or frame that is wrong.
    """
    read = _sequence(path) if keys_of(read_bytes(path)) & KEYS else _manifest(path, label_attribute, fetch)
    check, sizes = BoxCheck(), Sizes(images)
    found = tuple(_image(where, frame, check, sizes) for where, frame in read.frames)
    check_unique(found, path)
    classes, contradiction = order_of_classes(read.maps)
    check_classes(classes, path)
    return LabelledDataset(found, classes, (*read.notes, *contradiction, _NOT_KEPT, *check.notes, *sizes.notes))


def _sequence(path: Path) -> _Read:
    try:
        sequence = read_sequence(read_bytes(path).removeprefix(b"\xef\xbb\xbf"))
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    return _Read([(str(path), frame) for frame in sequence.frames], [(1, sequence.class_map)], [])


def _image(where: str, frame: Frame, check: BoxCheck, sizes: Sizes) -> LabelledImage:
    width, height = sizes.of(frame.name)
    boxes = tuple(check(f"{where}: frame {frame.name}", box, width, height) for box in frame.boxes)
    return LabelledImage(frame.name, width, height, boxes)


def _manifest(path: Path, label_attribute: str, fetch: Fetch | None) -> _Read:
    with open_manifest(path) as stream:
        lines = [(number, raw) for number, raw in enumerate(raw_lines(stream), start=1) if raw.strip()]
    attribute = _attribute(path, lines, label_attribute)
    read, without = _Read([], [], []), []
    for number, raw in lines:
        if attribute not in _fields(path, number, raw):
            without.append(number)
            continue
        class_map = class_map_of(raw, attribute)
        where, named = _frames(f"{path}, line {number}", raw, attribute, class_map, fetch)
        read.maps.append((number, class_map))
        read.frames.extend((where, frame) for frame in named)
    if without:
        read.notes.append(f"{len(without)} of {len(lines)} videos are not labelled, first: line {without[0]}")
    return read


def _attribute(path: Path, lines: Iterable[tuple[int, bytes]], label_attribute: str) -> str:
    found = Counter(name for _, raw in lines for name, label_type in label_types_in(raw) if is_video(label_type))
    if label_attribute != AUTO:
        attribute = label_attribute.removesuffix(_REF) + _REF
        if attribute not in found:
            raise UserError(f"{path}: no line has labels of a video under {attribute!r} ({', '.join(found) or 'none'})")
        return attribute
    if len(found) != 1:
        several = f"{len(found)} label attributes of videos ({', '.join(found)}): choose one with --label-attribute"
        raise UserError(f"{path}: holds {several if found else 'no labels of a video job: is it the right file?'}")
    return next(iter(found))


def _fields(path: Path, number: int, raw: bytes) -> dict[str, msgspec.Raw]:
    try:
        raw.decode()
        return _FIELDS.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UserError(f"{path}, line {number}: not JSON: {error}") from None


def _frames(
    where: str, raw: bytes, attribute: str, class_map: dict[str, str], fetch: Fetch | None
) -> tuple[str, Sequence[Frame]]:
    """Return the URI of a line's SeqLabel.json, and its frames, named by their S3 URIs."""
    try:
        uri = msgspec.json.decode(_FIELDS.decode(raw)[attribute], type=str)
        source = msgspec.json.decode(raw, type=_Line).source_ref
    except msgspec.DecodeError as error:
        raise UserError(f"{where}: the line of a video needs a source-ref and {attribute!r}: {error}") from None
    for named in (uri, source):
        if not named.startswith("s3://"):
            raise UserError(f"{where}: {named!r} is not an S3 URI: it should name a file of the labelling job")
    if fetch is None:
        raise UserError(f"{where}: its labels are in {uri}: convert the manifest with groundloop labels convert")
    try:
        folder = msgspec.json.decode(fetch(source), type=_SequenceFile).prefix.rstrip("/")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UserError(f"{source}: not the sequence file of a video job: {error}") from None
    if not folder.startswith("s3://"):
        raise UserError(f"{source}: its prefix {folder!r} is not an S3 URI: it should be the folder of the frames")
    try:
        sequence = read_sequence(fetch(uri), class_map or None)
    except UserError as error:
        raise UserError(f"{uri}: {str(error).removeprefix(f'{uri}: ')}") from None
    return uri, [replace(frame, name=f"{folder}/{frame.name}") for frame in sequence.frames]
