"""Static quantization of an exported model to int8, with onnxruntime's tools.

Weights and activations of the convolutions become 8-bit integers; the ranges of activations are those that calibration
images reach. The last convolutions, which give the scores and boxes, stay as they are: they cost little time and most
accuracy.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import onnx
from numpy.typing import NDArray

from groundloop.portable.model_info import INPUT, as_metadata, from_metadata

INT8 = "int8"
_QUANTIZED = ("Conv", "Add", "Relu", "MaxPool", "Concat", "Resize")


def to_int8(model: onnx.ModelProto, images: Iterable[NDArray[np.float32]]) -> onnx.ModelProto:
    """Quantize an exported model.

    Args:
        model: as `to_onnx` returns it.
        images: calibration images as `OnnxDetector.pixels` returns them; at least one.
    """
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    properties = {item.key: item.value for item in model.metadata_props}
    info = from_metadata(properties, "the model")
    with tempfile.TemporaryDirectory() as folder, _quiet():
        given, prepared, quantized = (Path(folder) / f"{name}.onnx" for name in ("given", "prepared", "quantized"))
        onnx.save(model, given)
        # Merges batch normalisation into the convolutions; all shapes are fixed, so none has to be inferred.
        quant_pre_process(given, prepared, skip_symbolic_shape=True)
        nodes = list(onnx.load(prepared).graph.node)
        quantize_static(
            prepared,
            quantized,
            _calibration_reader(images),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(_QUANTIZED),
            per_channel=True,
            # Seven bits of weights: processors without VNNI would overflow with eight.
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=_after_the_last_convolutions(nodes),
        )
        result = onnx.load(quantized)
    onnx.helper.set_model_props(result, as_metadata(msgspec.structs.replace(info, quantization=INT8)))
    return result


def _after_the_last_convolutions(nodes: Sequence[onnx.NodeProto]) -> list[str]:
    """Return the nodes from which no further convolution depends, those convolutions included."""
    needed: set[str] = set()
    rest = []
    for node in reversed(nodes):  # ONNX keeps nodes in topological order
        feeds = any(output in needed for output in node.output)
        if feeds or node.op_type == "Conv":
            needed.update(node.input)
        if not feeds:
            rest.append(node.name)
    return rest


def _calibration_reader(images: Iterable[NDArray[np.float32]]) -> Any:
    from onnxruntime.quantization import CalibrationDataReader

    class Reader(CalibrationDataReader):
        """Gives the images one by one."""

        def __init__(self) -> None:
            self._images = iter(images)

        def get_next(self) -> dict[str, NDArray[np.float32]] | None:
            """Return the next image; None after the last."""
            image = next(self._images, None)
            return None if image is None else {INPUT: image}

    return Reader()


@contextmanager
def _quiet() -> Iterator[None]:
    """Switch off what onnxruntime's tools log: advice to their developers' own users."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
