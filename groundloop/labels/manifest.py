"""Reading Ground Truth `output.manifest` files, line by line, losing none.

The format: Amazon SageMaker developer guide, "Bounding box job output" and "Augmented manifest files"; real files vary
more than it says (floats after consolidation, class maps that list only the line's classes, other keys in between).
An id means only what the map of its own line says, so boxes carry class names from here on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence

import msgspec

from groundloop.errors import UserError
from groundloop.escaping import shortened
from groundloop.labels.attribute_limits import MAX_ATTRIBUTE_LENGTH, long_attributes
from groundloop.labels.attributes import METADATA
from groundloop.labels.boxes import CLIP_TOLERANCE, fit_box
from groundloop.labels.class_maps import MAX_CLASSES, is_class_id
from groundloop.labels.duplicate_keys import duplicate_key
from groundloop.labels.findings import LabelCode, LabelFinding, Severity
from groundloop.labels.label_types import DETECTION_TYPE
from groundloop.labels.line_decoding import (
    Label,
    LineDecoder,
    LineError,
    Metadata,
    check_source_ref,
    reject,
    reject_video,
    source_ref_of,
    unsupported,
)
from groundloop.labels.line_reader import MAX_LINE_BYTES, MAX_LINE_LENGTH, open_manifest, raw_lines
from groundloop.labels.records import Box, Line, LineStatus, Record, TrainingLine
from groundloop.suggestions import first_of

__all__ = ["MAX_CLASS_NAME_LENGTH", "ManifestReader", "is_class_name", "open_manifest", "raw_lines", "source_ref_of"]

MAX_CLASS_NAME_LENGTH = 256
MAX_FINDINGS_PER_CODE = 100
"""Findings of one code that a line keeps, each with its box."""
_MAX_ID = 10**18
_SHORT = 60


class ManifestReader:
    """Decodes and checks the lines of one manifest.

    Args:
        attribute: the label attribute to read, see `labels.attributes`.
        classes: the configured class names; a box of any other class is an error. None allows every class.
        clip_tolerance: pixels that a box may leave its image by and be clipped to it, with a warning; 0 clips none.

    Raises:
        UserError: the attribute cannot be a label attribute's name, or the tolerance is negative.
    """

    def __init__(
        self, attribute: str, classes: Collection[str] | None = None, clip_tolerance: float = CLIP_TOLERANCE
    ) -> None:
        if not clip_tolerance >= 0:
            raise UserError(f"the clip tolerance is {clip_tolerance:g} pixels: give 0 or more")
        self.attribute = attribute
        self._clip_tolerance = clip_tolerance
        self._classes = None if classes is None else frozenset(classes)
        self._decoder = LineDecoder(attribute)

    def read(self, stream: Iterable[bytes]) -> Iterator[Line]:
        """Yield every line of the stream, in order: as many `Line`s come out as lines went in."""
        for number, raw in enumerate(raw_lines(stream), start=1):
            yield self.read_line(number, raw)

    def read_line(self, number: int, raw: bytes) -> Line:
        """Decode and check one line (without its ending). Never raises: what is wrong becomes findings."""
        if len(raw) > MAX_LINE_BYTES:
            message = f"the line is longer than {MAX_LINE_BYTES:,} bytes and was not read; only its start is kept"
            return Line(
                number, raw, LineStatus.REJECTED, None, (LabelFinding(LabelCode.LINE_TOO_LONG, message, number),)
            )
        if not raw.strip():
            return Line(number, raw, LineStatus.BLANK)
        try:
            record, problems = self._record(raw)
        except LineError as fault:
            finding = LabelFinding(fault.code, str(fault), number, source_ref_of(raw))
            return Line(number, raw, fault.status, None, (finding,))
        if len(raw) > MAX_LINE_LENGTH and (length := len(raw.decode())) > MAX_LINE_LENGTH:
            message = f"the line has {length:,} characters; Ground Truth allows {MAX_LINE_LENGTH:,}; read anyway"
            problems.append((LabelCode.LONG_LINE, message))
        findings = tuple(LabelFinding(code, message, number, record.source_ref) for code, message in _first(problems))
        if len(raw) > MAX_ATTRIBUTE_LENGTH:
            findings += tuple(long_attributes(number, raw, record.source_ref))
        if any(finding.severity is Severity.ERROR for finding in findings):
            return Line(number, raw, LineStatus.REJECTED, None, findings)
        return Line(number, raw, LineStatus.LABELLED if record.boxes else LineStatus.NEGATIVE, record, findings)

    def read_training_line(self, number: int, raw: bytes) -> TrainingLine:
        """Read one line (without its ending) as training does. Never raises: what is wrong becomes its problem."""
        try:
            if len(raw) > MAX_LINE_BYTES:
                reject(LabelCode.LINE_TOO_LONG, f"the line is longer than {MAX_LINE_BYTES:,} bytes")
            if not raw.strip():
                reject(LabelCode.INVALID_JSON_LINE, "the line is blank")
            fields = self._decoder.decode(raw)
            check_source_ref(fields.source_ref)
            if fields.label is msgspec.UNSET:
                reject(LabelCode.UNLABELLED, self._no_label)
            if any(isinstance(box.class_id, str) for box in fields.label.annotations):
                reject(LabelCode.TEXT_CLASS_ID, "a class_id is text, not a whole number")
        except LineError as fault:
            return TrainingLine(number, source_ref_of(raw), 0, str(fault))
        return TrainingLine(number, fields.source_ref, len(fields.label.annotations))

    @property
    def _no_label(self) -> str:
        return f"not labelled: the line has no label attribute {self.attribute!r}"

    def _record(self, raw: bytes) -> tuple[Record, list[tuple[LabelCode, str]]]:
        fields = self._decoder.decode(raw)
        twice = duplicate_key(raw)
        if twice is not None:
            reject(
                LabelCode.DUPLICATE_KEY, f"the key {twice!r} appears twice in one object: remove the one that is wrong"
            )
        check_source_ref(fields.source_ref)
        metadata = fields.metadata
        if fields.label is msgspec.UNSET:
            if metadata is msgspec.UNSET:
                reject_video(raw)
                raise LineError(LineStatus.UNLABELLED, LabelCode.UNLABELLED, self._no_label)
            if metadata.failure_reason is not msgspec.UNSET:
                raise LineError(
                    LineStatus.FAILED, LabelCode.LABELLING_FAILED, f"labelling failed: {_text(metadata.failure_reason)}"
                )
            reject(LabelCode.INVALID_LABEL, f"{self.attribute!r} is missing although its metadata is there")
        if metadata is msgspec.UNSET:
            reject(LabelCode.INVALID_METADATA, f"{self.attribute + METADATA!r} is missing: without it ids mean nothing")
        if metadata.type != DETECTION_TYPE:
            reject(LabelCode.UNSUPPORTED_TYPE, unsupported(self.attribute, metadata.type))
        return self._checked(fields.source_ref, fields.label, metadata)

    def _checked(self, source_ref: str, label: Label, metadata: Metadata) -> tuple[Record, list[tuple[LabelCode, str]]]:
        if len(label.image_size) != 1 or label.image_size[0].width < 1 or label.image_size[0].height < 1:
            reject(
                LabelCode.INVALID_IMAGE_SIZE, "image_size must hold exactly one object with a positive width and height"
            )
        size = label.image_size[0]
        class_map = metadata.class_map
        if len(class_map) > MAX_CLASSES:
            reject(
                LabelCode.INVALID_METADATA, f"the class-map has {len(class_map):,} entries, more than {MAX_CLASSES:,}"
            )
        problems: list[tuple[LabelCode, str]] = []
        textual = 0
        boxes: list[Box] = []
        for index, item in enumerate(label.annotations, start=1):
            class_id = item.class_id
            if isinstance(class_id, str) and not is_class_id(class_id):
                message = f"box {index}: class_id {shortened(repr(class_id), _SHORT)} is not a whole number"
                problems.append((LabelCode.INVALID_BOX, message))
                continue
            name = class_map.get(str(class_id)) if isinstance(class_id, str) or abs(class_id) < _MAX_ID else None
            if name is None:
                message = f"box {index}: class_id {class_id} is not in the class-map ({first_of(class_map)})"
                problems.append((LabelCode.MISSING_CLASS_MAP_ID, message))
                continue
            textual += isinstance(class_id, str)
            problems += self._class_problems(index, name)
            drawn = Box(name, item.left, item.top, item.width, item.height)
            box, problem = fit_box(drawn, size.width, size.height, self._clip_tolerance)
            if problem is not None:
                problems.append((problem[0], f"box {index} {problem[1]}"))
            boxes.append(box)
        if textual:
            message = f"{textual} class_id given as text; read anyway, and written as whole numbers"
            problems.append((LabelCode.TEXT_CLASS_ID, message))
        if metadata.objects is None:
            if boxes:
                problems.append(
                    (LabelCode.NO_CONFIDENCES, "the metadata lists no objects with confidences; read anyway")
                )
        elif len(metadata.objects) != len(label.annotations):
            message = f"{len(label.annotations)} boxes but {len(metadata.objects)} confidences: the line may be damaged"
            problems.append((LabelCode.MISSING_CONFIDENCE, message))
        names = tuple(name for name in class_map.values() if is_class_name(name))
        by_machine = bytes(metadata.human_annotated) == b'"no"'
        return Record(source_ref, size.width, size.height, tuple(boxes), names, by_machine), problems

    def _class_problems(self, index: int, name: str) -> Iterator[tuple[LabelCode, str]]:
        if not is_class_name(name):
            message = f"box {index}: a class name has 1 to {MAX_CLASS_NAME_LENGTH} characters, not {len(name)}"
            yield LabelCode.INVALID_CLASS_NAME, message
        if self._classes is not None and name not in self._classes:
            message = (
                f"box {index}: class {name!r} is not in the class list ({first_of(sorted(self._classes))}); "
                "add it there or correct the label"
            )
            yield LabelCode.CLASS_NOT_CONFIGURED, message


def _first(problems: Sequence[tuple[LabelCode, str]]) -> Iterator[tuple[LabelCode, str]]:
    """Yield the first problems of each code, and how many more there are: a line can have a hundred thousand boxes."""
    if len(problems) <= MAX_FINDINGS_PER_CODE:
        yield from problems
        return
    counts: Counter[LabelCode] = Counter()
    for code, message in problems:
        counts[code] += 1
        if counts[code] <= MAX_FINDINGS_PER_CODE:
            yield code, message
    for code, count in counts.items():
        if count > MAX_FINDINGS_PER_CODE:
            yield code, f"{count - MAX_FINDINGS_PER_CODE:,} more boxes of the line have such a problem"


def is_class_name(name: str) -> bool:
    """Return whether a class can have this name."""
    return 1 <= len(name) <= MAX_CLASS_NAME_LENGTH


def _text(value: msgspec.Raw | msgspec.UnsetType) -> str:
    return bytes(value).decode().strip('"') if isinstance(value, msgspec.Raw) else ""
