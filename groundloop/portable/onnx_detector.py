"""A detector that runs an exported ONNX file with onnxruntime, on any machine."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from groundloop.detections.predictions import Detections
from groundloop.errors import UserError
from groundloop.images.access import one_line
from groundloop.images.decoding import MAX_PIXELS
from groundloop.local.detector.decoding import decode
from groundloop.local.detector.images import UnreadableImageError, decode_image
from groundloop.portable.model_info import INPUT, HeatMapDecoder, ModelInfo, from_metadata
from groundloop.portable.multibox import MultiBoxDecoder

#: What is decoded, by Pillow's names; others that Pillow knows run programs, or are no photos.
FORMATS = ("JPEG", "PNG", "BMP", "GIF", "TIFF", "WEBP", "AVIF", "JPEG2000", "PPM")


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
            metadata = self._session.get_modelmeta().custom_metadata_map
        except Exception as error:  # onnxruntime's own exceptions share no base
            raise UserError(f"{path} can't be run as an ONNX file: {one_line(error)}") from None
        self._name = str(path)
        self.info: ModelInfo = from_metadata(metadata, self._name)
        self.classes = self.info.classes
        self._check_graph()

    def _check_graph(self) -> None:
        """Check that the graph is the one that the metadata describes."""
        classes = len(self.classes)
        inputs = {item.name: item.shape for item in self._session.get_inputs()}
        shapes = [item.shape for item in self._session.get_outputs()]
        decoder = self.info.decoder
        if isinstance(decoder, MultiBoxDecoder):
            count = shapes[0][-1] if shapes and shapes[0] else None
            fits = (
                shapes == [[1, classes + 1, count], [1, 4 * count], [1, count, 4]] if isinstance(count, int) else False
            )
        elif isinstance(decoder, HeatMapDecoder):
            fits = len(shapes) == 1 and len(shapes[0]) == 4 and shapes[0][-1] == classes + 4
        else:
            fits = len(shapes) == 1 and len(shapes[0]) == 2 and shapes[0][-1] == 6
        if not fits or inputs != {INPUT: [1, 3, self.info.side, self.info.side]}:
            raise UserError(
                f"{self._name}: its graph is not the one that its metadata describes; export the model again"
            )

    def detect(self, image: bytes) -> Detections:
        """Detect the objects on one encoded image, as the endpoint of this model does.

        Raises:
            UserError: the bytes are not an image that can be decoded.
        """
        return self.detections(self.pixels(image))

    def detections(self, pixels: NDArray[np.float32]) -> Detections:
        """Detect the objects on one image, decoded as `pixels` does."""
        rows = self.rows(pixels)
        if not (np.isfinite(rows).all() and np.isin(rows[:, 0], np.arange(len(self.classes))).all()):
            raise UserError(f"{self._name} returns rows that are no detections: export the model again")
        boxes = np.clip(rows[:, 2:].astype(np.float64), 0, 1)
        return Detections(self.classes, rows[:, 0].astype(np.int64), rows[:, 1].astype(np.float64), boxes)

    def pixels(self, image: bytes) -> NDArray[np.float32]:
        """Decode and scale an image of one of `FORMATS`; return (1, 3, side, side), RGB from 0 to 255.

        The stored pixels are used, without turning by EXIF, as the built-in algorithm does.

        Raises:
            UserError: the bytes are not an image that can be decoded, or it has more than `MAX_PIXELS` pixels.
        """
        check_image(image)
        side = self.info.side
        if self.info.is_stand_in:
            try:
                pixels, _ = decode_image(image, side, FORMATS)
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
        try:
            outputs = self._session.run(None, {INPUT: pixels})
        except Exception as error:  # onnxruntime's own exceptions share no base
            raise UserError(f"{self._name} fails on this image: {one_line(error)}") from None
        decoder = self.info.decoder
        if isinstance(decoder, MultiBoxDecoder):
            probabilities, offsets, anchors = (output[0] for output in outputs)
            return decoder.rows(probabilities, offsets, anchors)
        if isinstance(decoder, HeatMapDecoder):
            (found,) = decode(outputs[0], len(self.classes), nms_threshold=decoder.nms_threshold)
            return np.column_stack([found.classes, found.scores, found.corners])
        return np.asarray(outputs[0])


def check_image(image: bytes) -> tuple[int, int]:
    """Read the header of an encoded image; return width and height in pixels, as stored.

    Raises:
        UserError: the bytes are not an image of `FORMATS`, or it has more than `MAX_PIXELS` pixels.
    """
    with _opened(image) as picture:
        width, height = picture.size
    if width * height > MAX_PIXELS:
        raise UserError(f"the image has {width} x {height} pixels, at most {MAX_PIXELS:,} are decoded: scale it down")
    return width, height


def _scaled(image: bytes, side: int) -> NDArray[np.uint8]:
    """Decode an image and scale it to a square, bilinear between pixel centres and without smoothing, as OpenCV."""
    with _opened(image) as picture:
        whole = picture.convert("RGB")
        box = (0, 0, *whole.size)
        return np.asarray(whole.transform((side, side), Image.Transform.EXTENT, box, Image.Resampling.BILINEAR))


@contextmanager
def _opened(image: bytes) -> Iterator[Image.Image]:
    try:
        with Image.open(io.BytesIO(image), formats=FORMATS) as picture:
            yield picture
    except UnidentifiedImageError:
        raise UserError(f"the {len(image)} bytes are not an image that can be decoded") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise UserError(f"the image has more than {MAX_PIXELS:,} pixels: scale it down") from None
    # Decoders raise every kind of error on damaged data.
    except Exception as error:
        raise UserError(f"the image can't be decoded: {one_line(error)}") from None
