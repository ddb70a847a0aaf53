"""Reading Ground Truth `output.manifest` files, line by line, losing none.

The format: Amazon SageMaker developer guide, "Bounding box job output" and "Augmented manifest files"; real files vary
more than it says (floats after consolidation, class maps that list only the line's classes, other keys in between).
An id means only what the map of its own line says, so boxes carry class names from here on.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, NoReturn, Protocol, cast

import msgspec

from labels.attributes import DETECTION_TYPE, METADATA
from labels.errors import UserError
from labels.findings import Code, Finding, Severity
from labels.records import Box, Kind, Line, Record

# Means over several workers give sums such as 1920.0000000000002: nothing is wrong with such a box.
EDGE_TOLERANCE = 0.01
LONGEST_CLASS_NAME = 256

_BOM = b"\xef\xbb\xbf"
_GZIP = b"\x1f\x8b"
_SOURCE_REF = re.compile(r"s3://[^/]+/.+", re.DOTALL)
_PATH = re.compile(r" - at `(\$.*)`$")


class _Annotation(msgspec.Struct):
    class_id: int
    left: float
    top: float
    width: float
    height: float


class _Size(msgspec.Struct):
    width: int
    height: int


class _Label(msgspec.Struct):
    annotations: list[_Annotation]
    image_size: list[_Size] = []


class _Metadata(msgspec.Struct, rename="kebab"):
    type: str = DETECTION_TYPE
    class_map: dict[str, str] = {}
    objects: list[msgspec.Raw] | None = None
    failure_reason: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class _Fields(Protocol):
    """One line; the label's two fields get their names in the file when the attribute is known."""

    source_ref: str
    label: _Label | msgspec.UnsetType
    metadata: _Metadata | msgspec.UnsetType


class _SourceRef(msgspec.Struct, rename="kebab"):
    source_ref: str = ""


class _LineError(Exception):
    """Stops the reading of one line."""

    def __init__(self, kind: Kind, code: Code, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.code = code


def open_manifest(path: Path) -> BinaryIO:
    """The file, ready to be read as lines.

    Raises:
        UserError: it is missing, a folder, or compressed.
    """
    try:
        stream = path.open("rb")
    except FileNotFoundError:
        raise UserError(f"the manifest {path} does not exist: check the path") from None
    except OSError as error:
        raise UserError(f"the manifest {path} cannot be read: {error.strerror}") from None
    start = stream.read(2)
    stream.seek(0)
    if start == _GZIP:
        stream.close()
        raise UserError(f"the manifest {path} is gzip-compressed: unpack it first (gunzip)")
    return stream


def raw_lines(stream: Iterable[bytes]) -> Iterator[bytes]:
    """Lines without their ending (LF or CRLF); a byte order mark at the start is dropped."""
    for number, line in enumerate(stream):
        if number == 0:
            line = line.removeprefix(_BOM)
        yield line.removesuffix(b"\n").removesuffix(b"\r")


class ManifestReader:
    """Decodes and checks the lines of one manifest.

    Args:
        attribute: the label attribute to read, see `labels.attributes`.
        classes: the configured class names; a box of any other class is an error. None allows every class.

    Raises:
        UserError: the attribute cannot be a label attribute's name.
    """

    def __init__(self, attribute: str, classes: Collection[str] | None = None) -> None:
        self.attribute = attribute
        self._classes = None if classes is None else frozenset(classes)
        try:
            # A typed decoder skips every other field of the line in C.
            fields = msgspec.defstruct(
                "Fields",
                [
                    ("source_ref", str, ""),
                    ("label", _Label | msgspec.UnsetType, msgspec.UNSET),
                    ("metadata", _Metadata | msgspec.UnsetType, msgspec.UNSET),
                ],
                rename={"source_ref": "source-ref", "label": attribute, "metadata": attribute + METADATA},
            )
        except ValueError:
            raise UserError(f"{attribute!r} cannot be a label attribute's name: check --label-attribute") from None
        self._decoder = cast("msgspec.json.Decoder[_Fields]", msgspec.json.Decoder(fields))

    def read(self, stream: Iterable[bytes]) -> Iterator[Line]:
        """Every line of the stream, in order: as many `Line`s come out as lines went in."""
        for number, raw in enumerate(raw_lines(stream), start=1):
            yield self.read_line(number, raw)

    def read_line(self, number: int, raw: bytes) -> Line:
        """Decode and check one line (without its ending). Never raises: what is wrong becomes findings."""
        if not raw.strip():
            return Line(number, raw, Kind.BLANK)
        try:
            record, problems = self._record(raw)
        except _LineError as fault:
            finding = Finding(fault.code, str(fault), number, _source_ref(raw))
            return Line(number, raw, fault.kind, None, (finding,))
        findings = tuple(Finding(code, message, number, record.source_ref) for code, message in problems)
        if any(finding.severity is Severity.ERROR for finding in findings):
            return Line(number, raw, Kind.REJECTED, None, findings)
        return Line(number, raw, Kind.LABELLED if record.boxes else Kind.NEGATIVE, record, findings)

    def _record(self, raw: bytes) -> tuple[Record, list[tuple[Code, str]]]:
        fields = self._decode(raw)
        if not fields.source_ref:
            _reject(
                Code.MISSING_SOURCE_REF, "the line names no image: it needs a source-ref such as s3://bucket/key.jpg"
            )
        if not _SOURCE_REF.fullmatch(fields.source_ref):
            _reject(Code.INVALID_SOURCE_REF, f"source-ref {fields.source_ref!r} is not of the form s3://bucket/key")
        metadata = fields.metadata
        if fields.label is msgspec.UNSET:
            if metadata is msgspec.UNSET:
                raise _LineError(
                    Kind.UNLABELLED,
                    Code.UNLABELLED,
                    f"not labelled: the line has no label attribute {self.attribute!r}",
                )
            if metadata.failure_reason is not msgspec.UNSET:
                raise _LineError(
                    Kind.FAILED, Code.LABELLING_FAILED, f"labelling failed: {_text(metadata.failure_reason)}"
                )
            _reject(Code.INVALID_LABEL, f"{self.attribute!r} is missing although its metadata is there")
        if metadata is msgspec.UNSET:
            _reject(Code.INVALID_METADATA, f"{self.attribute + METADATA!r} is missing: without it ids mean nothing")
        if metadata.type != DETECTION_TYPE:
            _reject(Code.UNSUPPORTED_TYPE, _unsupported(self.attribute, metadata.type))
        return self._checked(fields.source_ref, fields.label, metadata)

    def _decode(self, raw: bytes) -> _Fields:
        try:
            if not raw.isascii():
                raw.decode()  # msgspec skips unknown strings without looking at their encoding
            return self._decoder.decode(raw)
        except UnicodeDecodeError as error:
            _reject(Code.INVALID_JSON_LINE, f"not UTF-8: byte {error.start + 1} of the line is wrong; save it as UTF-8")
        except RecursionError:
            _reject(Code.INVALID_JSON_LINE, "nested too deeply to be a manifest line")
        except msgspec.ValidationError as error:
            self._reject_types(raw, str(error))
        except msgspec.DecodeError as error:
            hint = "; JSON has no NaN or Infinity" if b"NaN" in raw or b"Infinity" in raw else ""
            _reject(Code.INVALID_JSON_LINE, f"not JSON: {error}{hint}")

    def _reject_types(self, raw: bytes, message: str) -> NoReturn:
        found = _PATH.search(message)
        path = found.group(1) if found else "$"
        label, metadata = f"$.{self.attribute}", f"$.{self.attribute}{METADATA}"
        if path == "$":
            _reject(Code.INVALID_JSON_LINE, f"not a manifest line: {message}")
        if path == "$.source-ref":
            _reject(Code.INVALID_SOURCE_REF, f"source-ref must be text: {message}")
        if path.startswith(metadata):
            _reject(Code.INVALID_METADATA, f"the label's metadata is wrong: {message}")
        kind = _label_type(raw, self.attribute)
        if kind != DETECTION_TYPE:
            _reject(Code.UNSUPPORTED_TYPE, _unsupported(self.attribute, kind))
        if path.startswith(f"{label}.image_size"):
            _reject(Code.INVALID_IMAGE_SIZE, f"image_size must hold one object with whole numbers: {message}")
        if path.startswith(f"{label}.annotations["):
            _reject(Code.INVALID_BOX, f"a box has a missing or wrong number: {message}")
        _reject(Code.INVALID_LABEL, f"the label is not a list of boxes: {message}")

    def _checked(self, source_ref: str, label: _Label, metadata: _Metadata) -> tuple[Record, list[tuple[Code, str]]]:
        if len(label.image_size) != 1 or label.image_size[0].width < 1 or label.image_size[0].height < 1:
            _reject(Code.INVALID_IMAGE_SIZE, "image_size must hold exactly one object with a positive width and height")
        size = label.image_size[0]
        class_map = metadata.class_map
        problems: list[tuple[Code, str]] = []
        boxes: list[Box] = []
        for index, item in enumerate(label.annotations, start=1):
            name = class_map.get(str(item.class_id))
            if name is None:
                known = ", ".join(class_map) or "none"
                problems.append(
                    (
                        Code.MISSING_CLASS_MAP_ID,
                        f"box {index}: class_id {item.class_id} is not in the class-map ({known})",
                    )
                )
                continue
            problems += self._class_problems(index, name)
            problems += _box_problems(index, item, size)
            boxes.append(Box(name, item.left, item.top, item.width, item.height))
        if metadata.objects is None:
            if boxes:
                problems.append(
                    (Code.NO_CONFIDENCES, "the metadata lists no objects with confidences; read all the same")
                )
        elif len(metadata.objects) != len(label.annotations):
            told = f"{len(label.annotations)} boxes but {len(metadata.objects)} objects with confidences: line damaged?"
            problems.append((Code.MISSING_CONFIDENCE, told))
        names = tuple(name for name in class_map.values() if _is_class_name(name))
        return Record(source_ref, size.width, size.height, tuple(boxes), names), problems

    def _class_problems(self, index: int, name: str) -> Iterator[tuple[Code, str]]:
        if not _is_class_name(name):
            told = f"box {index}: a class name has 1 to {LONGEST_CLASS_NAME} characters, not {len(name)}"
            yield Code.INVALID_CLASS_NAME, told
        if self._classes is not None and name not in self._classes:
            listed = ", ".join(sorted(self._classes))
            told = f"box {index}: class {name!r} is not in the class list ({listed}); add it there or correct the label"
            yield Code.CLASS_NOT_CONFIGURED, told


def _box_problems(index: int, box: _Annotation, size: _Size) -> Iterator[tuple[Code, str]]:
    if box.width <= 0 or box.height <= 0:
        yield Code.BOX_TOO_SMALL, f"box {index} has no area: {box.width:g} x {box.height:g} pixels"
    elif (
        box.left < -EDGE_TOLERANCE
        or box.top < -EDGE_TOLERANCE
        or box.left + box.width > size.width + EDGE_TOLERANCE
        or box.top + box.height > size.height + EDGE_TOLERANCE
    ):
        extent = f"x {box.left:g} to {box.left + box.width:g}, y {box.top:g} to {box.top + box.height:g}"
        yield Code.INVALID_BOX, f"box {index} ({extent}) leaves the image of {size.width} x {size.height} pixels"


def _is_class_name(name: str) -> bool:
    return 1 <= len(name) <= LONGEST_CLASS_NAME


def _reject(code: Code, message: str) -> NoReturn:
    raise _LineError(Kind.REJECTED, code, message)


def _unsupported(attribute: str, kind: str) -> str:
    return f"{attribute!r} holds labels of type {kind!r}; only bounding boxes ({DETECTION_TYPE}) can be used"


def _label_type(raw: bytes, attribute: str) -> str:
    """The type in the label's metadata; a missing or unreadable one counts as detection."""
    try:
        fields = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
        return msgspec.json.decode(fields[attribute + METADATA], type=_Metadata).type
    except (KeyError, msgspec.DecodeError, UnicodeDecodeError):
        return DETECTION_TYPE


def _source_ref(raw: bytes) -> str:
    """The image's URI where the line is sound enough to say it, else ""."""
    try:
        return msgspec.json.decode(raw, type=_SourceRef).source_ref
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""


def _text(value: msgspec.Raw | msgspec.UnsetType) -> str:
    return bytes(value).decode().strip('"') if isinstance(value, msgspec.Raw) else ""
