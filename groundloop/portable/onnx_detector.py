"""A detector that runs an exported ONNX file with onnxruntime, on any machine."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from groundloop.detections.predictions import Detections
from groundloop.errors import UserError
from groundloop.local.detector.decoding import decode
from groundloop.local.detector.images import UnreadableImageError, decode_image
from groundloop.portable.model_info import INPUT, HeatMapDecoder, ModelInfo, from_metadata
from groundloop.portable.multibox import MultiBoxDecoder


class OnnxDetector:
    """Detects objects with an ONNX file that `groundloop export-model` wrote.

    Several threads may use one detector.

    Args:
        path: the file.
        threads: how many processors to use; None for all.
        providers: execution providers of onnxruntime, best first.

    Raises:
        UserError: onnxruntime is not installed, or the file is not such a file.

    Attributes:
        info: what travels inside of the file.
    """

    def __init__(
        self, path: Path, *, threads: int | None = None, providers: Sequence[str] = ("CPUExecutionProvider",)
    ) -> None:
        try:
            import onnxruntime
        except ImportError:
            raise UserError("running an ONNX file needs onnxruntime: pip install 'groundloop[onnx]'") from None
        if not path.is_file():
            raise UserError(f"{path} does not exist: groundloop export-model writes such a file")
        onnxruntime.disable_telemetry_events()
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # errors: the warnings are about the graph's optimisation
        if threads is not None:
            options.intra_op_num_threads = threads
        try:
            self._session = onnxruntime.InferenceSession(path, options, providers=list(providers))
        except Exception as error:  # onnxruntime's own exceptions share no base
            raise UserError(f"{path} can't be run as an ONNX file: {' '.join(str(error).split())}") from None
        self.info: ModelInfo = from_metadata(self._session.get_modelmeta().custom_metadata_map, str(path))
        self.classes = self.info.classes

    def detect(self, image: bytes) -> Detections:
        """Detect the objects on one encoded image, as the endpoint of this model does.

        Raises:
            UserError: the bytes are not an image that can be decoded.
        """
        rows = self.rows(self.pixels(image))
        boxes = np.clip(rows[:, 2:].astype(np.float64), 0, 1)
        return Detections(self.classes, rows[:, 0].astype(np.int64), rows[:, 1].astype(np.float64), boxes)

    def pixels(self, image: bytes) -> NDArray[np.float32]:
        """Decode and scale an image; return (1, 3, side, side), RGB from 0 to 255.

        The stored pixels are used, without turning by EXIF, as the built-in algorithm does.
        """
        side = self.info.side
        if self.info.is_stand_in:
            try:
                pixels, _ = decode_image(image, side)
            except UnreadableImageError as error:
                raise UserError(str(error)) from None
        else:
            pixels = _scaled(image, side)
        return np.ascontiguousarray(pixels.transpose(2, 0, 1)[None], dtype=np.float32)

    def rows(self, pixels: NDArray[np.float32]) -> NDArray[np.floating[Any]]:
        """Run the network; return (n, 6) class id, score, xmin, ymin, xmax, ymax, best first.

        Args:
            pixels: as `pixels` returns them.
        """
        outputs = self._session.run(None, {INPUT: pixels})
        decoder = self.info.decoder
        if isinstance(decoder, MultiBoxDecoder):
            probabilities, offsets, anchors = (output[0] for output in outputs)
            return decoder.rows(probabilities, offsets, anchors)
        if isinstance(decoder, HeatMapDecoder):
            (found,) = decode(outputs[0], len(self.classes), nms_threshold=decoder.nms_threshold)
            return np.column_stack([found.classes, found.scores, found.corners])
        return np.asarray(outputs[0])


def _scaled(image: bytes, side: int) -> NDArray[np.uint8]:
    """Decode an image and scale it to a square, bilinear between pixel centres and without smoothing, as OpenCV."""
    try:
        with Image.open(io.BytesIO(image)) as picture:
            whole = picture.convert("RGB")
            box = (0, 0, *whole.size)
            return np.asarray(whole.transform((side, side), Image.Transform.EXTENT, box, Image.Resampling.BILINEAR))
    except UnidentifiedImageError:
        raise UserError(f"the {len(image)} bytes are not an image") from None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UserError(f"the image can't be decoded: {error}") from None
