"""What travels inside of an ONNX file beside the network: everything that is needed to use it."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from groundloop.detections.count_error import CountError
from groundloop.errors import UserError
from groundloop.portable.multibox import MultiBoxDecoder

#: The key of the file's metadata.
METADATA_KEY = "groundloop"
INPUT = "data"
ROWS = "rows"
MAX_SIDE = 4096


class HeatMapDecoder(msgspec.Struct, frozen=True, tag="heat-map", kw_only=True):
    """The decoding of the offline stand-in: peaks of class heat maps, and non-maximum suppression."""

    nms_threshold: float


class RowsDecoder(msgspec.Struct, frozen=True, tag="rows", kw_only=True):
    """Nothing is left to decode: the graph itself suppresses and returns rows."""


class ModelInfo(msgspec.Struct, frozen=True, kw_only=True):
    """The metadata of an exported model.

    Attributes:
        classes: class names in the order of their ids.
        side: width and height of the network's input, in pixels.
        decoder: how the outputs become detections.
        trained_by: `sagemaker-object-detection` or `groundloop-stand-in`.
        base_network: of the training job.
        mean: what the graph subtracts from red, green and blue.
        thresholds: operating threshold by class, from the evaluation; empty if none is known.
        model_package: ARN of the model package; None if the model is in no registry.
        artifact_sha256: of model.tar.gz.
        quantization: None, or `int8`.
        count_error: of counts in the evaluation; None if none is known.
    """

    classes: tuple[str, ...]
    side: int
    decoder: MultiBoxDecoder | HeatMapDecoder | RowsDecoder
    trained_by: str
    base_network: str
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    thresholds: dict[str, float] = {}
    model_package: str | None = None
    artifact_sha256: str
    quantization: str | None = None
    count_error: CountError | None = None

    @property
    def is_stand_in(self) -> bool:
        """Whether the offline stand-in trained it, whose input is scaled by its own rules."""
        return self.trained_by == STAND_IN


ALGORITHM = "sagemaker-object-detection"
STAND_IN = "groundloop-stand-in"


def as_metadata(info: ModelInfo) -> dict[str, str]:
    """Return the metadata properties of an ONNX file."""
    return {METADATA_KEY: msgspec.json.encode(info).decode()}


def from_metadata(properties: Mapping[str, str], name: str) -> ModelInfo:
    """Read the metadata properties of an ONNX file.

    Raises:
        UserError: `groundloop export-model` did not write it.
    """
    if METADATA_KEY not in properties:
        raise UserError(f"{name} has no class list inside: it was not written by groundloop export-model")
    try:
        info = msgspec.json.decode(properties[METADATA_KEY], type=ModelInfo)
    except (msgspec.DecodeError, RecursionError) as error:
        raise UserError(f"{name}: its metadata can't be read: {error}; export the model again") from None
    if not info.classes or not 0 < info.side <= MAX_SIDE:
        raise UserError(f"{name}: its metadata can't be right: {len(info.classes)} classes, side {info.side}")
    return info
