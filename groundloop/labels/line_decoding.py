"""Decoding of a manifest's line: the fields that are read, and the errors of a line that does not have them."""

from __future__ import annotations

import re
from typing import NoReturn, Protocol, cast

import msgspec

from groundloop.errors import UserError
from groundloop.labels.attributes import METADATA, label_types_in
from groundloop.labels.findings import LabelCode
from groundloop.labels.label_types import DETECTION_TYPE, is_video, label_type_of, remedy
from groundloop.labels.records import LineStatus

_SOURCE_REF = re.compile(r"s3://[^/]+/.+", re.DOTALL)
_PATH = re.compile(r" - at `(\$.*)`$")


class Annotation(msgspec.Struct):
    """A box, in pixels from the image's top left corner."""

    class_id: int | str  # text in manifests that other tools wrote
    left: float
    top: float
    width: float
    height: float


class Size(msgspec.Struct):
    """The size of the image, in pixels."""

    width: int
    height: int


class Label(msgspec.Struct):
    """The value of the label attribute."""

    annotations: list[Annotation]
    image_size: list[Size] = []


class Metadata(msgspec.Struct, rename="kebab"):
    """The metadata of the label."""

    type: str = DETECTION_TYPE
    class_map: dict[str, str] = {}
    objects: list[msgspec.Raw] | None = None
    human_annotated: msgspec.Raw = msgspec.Raw(b"")
    failure_reason: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class Fields(Protocol):
    """One line; the label's two fields get their names in the file when the attribute is known."""

    source_ref: str
    label: Label | msgspec.UnsetType
    metadata: Metadata | msgspec.UnsetType


class _SourceRef(msgspec.Struct, rename="kebab"):
    source_ref: str = ""


class LineError(Exception):
    """Stops the reading of one line."""

    def __init__(self, status: LineStatus, code: LabelCode, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class LineDecoder:
    """Decodes the lines of one manifest.

    Args:
        attribute: the label attribute to read.

    Raises:
        UserError: it cannot be a label attribute's name.
    """

    def __init__(self, attribute: str) -> None:
        self._attribute = attribute
        try:
            # A typed decoder skips every other field of the line in C.
            fields = msgspec.defstruct(
                "Fields",
                [
                    ("source_ref", str, ""),
                    ("label", Label | msgspec.UnsetType, msgspec.UNSET),
                    ("metadata", Metadata | msgspec.UnsetType, msgspec.UNSET),
                ],
                rename={"source_ref": "source-ref", "label": attribute, "metadata": attribute + METADATA},
            )
        except ValueError:
            raise UserError(f"{attribute!r} cannot be a label attribute's name: check --label-attribute") from None
        self._decoder = cast("msgspec.json.Decoder[Fields]", msgspec.json.Decoder(fields))

    def decode(self, raw: bytes) -> Fields:
        """Return the fields of a line.

        Raises:
            LineError: the line is no JSON, or a field has another type.
        """
        try:
            if not raw.isascii():
                raw.decode()  # msgspec skips unknown strings without looking at their encoding
            return self._decoder.decode(raw)
        except UnicodeDecodeError as error:
            reject(
                LabelCode.INVALID_JSON_LINE, f"not UTF-8: byte {error.start + 1} of the line is wrong; save it as UTF-8"
            )
        except RecursionError:
            reject(LabelCode.INVALID_JSON_LINE, "nested too deeply to be a manifest line")
        except msgspec.ValidationError as error:
            self._reject_types(raw, str(error))
        except msgspec.DecodeError as error:
            hint = "; JSON has no NaN or Infinity" if b"NaN" in raw or b"Infinity" in raw else ""
            reject(LabelCode.INVALID_JSON_LINE, f"not JSON: {error}{hint}")

    def _reject_types(self, raw: bytes, message: str) -> NoReturn:
        found = _PATH.search(message)
        path = found.group(1) if found else "$"
        label, metadata = f"$.{self._attribute}", f"$.{self._attribute}{METADATA}"
        if path == "$":
            reject(LabelCode.INVALID_JSON_LINE, f"not a manifest line: {message}")
        if path == "$.source-ref":
            reject(LabelCode.INVALID_SOURCE_REF, f"source-ref must be text: {message}")
        if path.startswith(metadata):
            reject(LabelCode.INVALID_METADATA, f"the label's metadata is wrong: {message}")
        kind = _label_type(raw, self._attribute)
        if kind != DETECTION_TYPE:
            reject(LabelCode.UNSUPPORTED_TYPE, unsupported(self._attribute, kind))
        if path.startswith(f"{label}.image_size"):
            reject(LabelCode.INVALID_IMAGE_SIZE, f"image_size must hold one object with whole numbers: {message}")
        if path.startswith(f"{label}.annotations["):
            reject(LabelCode.INVALID_BOX, f"a box has a missing or wrong number: {message}")
        reject(LabelCode.INVALID_LABEL, f"the label is not a list of boxes: {message}")


def reject(code: LabelCode, message: str) -> NoReturn:
    """Raise the error that rejects the line."""
    raise LineError(LineStatus.REJECTED, code, message)


def check_source_ref(source_ref: str) -> None:
    """Check that a line names an image in S3.

    Raises:
        LineError: it does not.
    """
    if not source_ref:
        reject(
            LabelCode.MISSING_SOURCE_REF,
            "the line names no image: it needs a source-ref such as s3://bucket/key.jpg",
        )
    if not _SOURCE_REF.fullmatch(source_ref):
        reject(LabelCode.INVALID_SOURCE_REF, f"source-ref {source_ref!r} is not of the form s3://bucket/key")


def unsupported(attribute: str, kind: str) -> str:
    """Return the message about labels that are no boxes on images."""
    return f"{attribute!r} holds labels of type {kind!r}; {remedy(kind)}"


def reject_video(raw: bytes) -> None:
    """Reject a line of a video job: its labels have a name of their own, so it would pass for unlabelled."""
    if b'-ref-metadata"' in raw:
        for name, kind in label_types_in(raw):
            if is_video(kind):
                reject(LabelCode.UNSUPPORTED_TYPE, unsupported(name, kind))


def _label_type(raw: bytes, attribute: str) -> str:
    """Return the type in the label's metadata; a missing or unreadable one counts as detection."""
    try:
        fields = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
        return label_type_of(fields[attribute + METADATA]) or DETECTION_TYPE
    except (KeyError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return DETECTION_TYPE


def source_ref_of(raw: bytes) -> str:
    """Return the image's URI where the line is valid enough to say it, else ""."""
    try:
        return msgspec.json.decode(raw, type=_SourceRef).source_ref
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
