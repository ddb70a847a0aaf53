"""An ONNX graph under construction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from groundloop.portable.model_info import INPUT, ModelInfo, as_metadata

#: Read by every onnxruntime since 1.14 (2023).
OPSET = 17
IR_VERSION = 8

Array = NDArray[Any]


@dataclass(frozen=True)
class Tensor:
    """A value of the graph.

    Attributes:
        name: its name in the graph.
        shape: its shape, with one image per batch.
        constant: its value, where no image is needed to know it.
    """

    name: str
    shape: tuple[int, ...]
    constant: Array | None = None


class OnnxGraph:
    """Collects nodes and constants; the input is `data`, (1, 3, side, side) floats, RGB from 0 to 255."""

    def __init__(self, side: int) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, onnx.TensorProto] = {}
        self._side = side
        self.input = Tensor(INPUT, (1, 3, side, side))

    def constant(self, name: str, value: Array) -> Tensor:
        """Add a constant."""
        self._constants[name] = numpy_helper.from_array(np.asarray(value, order="C"), name)
        return Tensor(name, value.shape, value)

    def add(
        self, operator: str, inputs: Sequence[Tensor], name: str, shape: Sequence[int] = (), **attributes: Any
    ) -> Tensor:
        """Add a node with one output, which has the node's name."""
        names = [tensor.name for tensor in inputs]
        self._nodes.append(helper.make_node(operator, names, [name], name=name, **attributes))
        return Tensor(name, tuple(shape))

    def add_two(self, operator: str, inputs: Sequence[Tensor], name: str, **attributes: Any) -> tuple[Tensor, Tensor]:
        """Add a node with two outputs."""
        outputs = [name, f"{name}_second"]
        names = [tensor.name for tensor in inputs]
        self._nodes.append(helper.make_node(operator, names, outputs, name=name, **attributes))
        return Tensor(outputs[0], ()), Tensor(outputs[1], ())

    def model(self, outputs: Sequence[tuple[Tensor, int, Sequence[int | str]]], info: ModelInfo) -> onnx.ModelProto:
        """Return the whole file's content, checked.

        Args:
            outputs: each with its ONNX type and shape; a text stands for a dimension that is not fixed.
            info: the metadata.
        """
        images = helper.make_tensor_value_info(INPUT, onnx.TensorProto.FLOAT, [1, 3, self._side, self._side])
        results = [helper.make_tensor_value_info(tensor.name, kind, list(shape)) for tensor, kind, shape in outputs]
        used = {name for node in self._nodes for name in node.input}
        constants = [tensor for name, tensor in self._constants.items() if name in used]
        graph = helper.make_graph(self._nodes, "detector", [images], results, constants)
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="groundloop",
        )
        helper.set_model_props(model, as_metadata(info))
        onnx.checker.check_model(model, full_check=True)
        return model
