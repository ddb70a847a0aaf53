"""MXNet's operators in terms of ONNX's, for the graphs of the built-in algorithm.

Meaning of the attributes and their defaults: the operators' reference of MXNet 1.x.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from types import MappingProxyType

import numpy as np

from groundloop.errors import UserError
from groundloop.portable.multibox import prior_boxes
from groundloop.portable.mxnet_symbol import Node
from groundloop.portable.onnx_graph import OnnxGraph, Tensor

Converter = Callable[[OnnxGraph, Node, Sequence[Tensor]], Tensor]


def convert(graph: OnnxGraph, node: Node, inputs: Sequence[Tensor]) -> Tensor:
    """Add what a node computes to the graph; what depends on no image is computed here instead.

    Raises:
        UserError: the operator, or an argument of it, is not one of the built-in algorithm's.
    """
    converter = _CONVERTERS.get(node.operator)
    if converter is None:
        raise UserError(f"{node}: this operator can't be converted; it is not one of the built-in algorithm's networks")
    try:
        return converter(graph, node, inputs)
    except (IndexError, ZeroDivisionError, ValueError) as error:
        raise UserError(f"{node} can't be converted: {error}") from None


def _convolution(graph: OnnxGraph, node: Node, inputs: Sequence[Tensor]) -> Tensor:
    data, weights = inputs[0], inputs[1]
    kernel = node.integers("kernel", [])
    stride, dilate, pad = _window(node, "stride", 1), _window(node, "dilate", 1), _window(node, "pad", 0)
    groups = int(node.number("num_group", 1))
    expected = (int(node.number("num_filter", 0)), data.shape[1] // groups, *kernel)
    if weights.shape != expected:
        raise UserError(f"{node}: its weights have the shape {weights.shape}, {expected} is needed")
    reach = [(side - 1) * gap + 1 for side, gap in zip(kernel, dilate, strict=True)]
    sides = [_floor_steps(data.shape[2 + i], reach[i], stride[i], pad[i]) for i in range(2)]
    if min(sides) < 1:
        raise UserError(f"{node}: its input of {data.shape[2:]} pixels is too small: image_shape is not the network's")
    return graph.add(
        "Conv",
        inputs,
        node.name,
        (1, expected[0], *sides),
        kernel_shape=kernel,
        strides=stride,
        dilations=dilate,
        pads=[*pad, *pad],
        group=groups,
    )


def _window(node: Node, name: str, default: int) -> list[int]:
    return node.integers(name, [default, default])


def _floor_steps(side: int, reach: int, stride: int, pad: int) -> int:
    return (side + 2 * pad - reach) // stride + 1


def _batch_norm(graph: OnnxGraph, node: Node, inputs: Sequence[Tensor]) -> Tensor:
    if node.number("axis", 1) != 1:
        raise UserError(f"{node}: it normalises axis {node.text('axis', '1')}; only channels (1) are converted")
    data, gamma, *others = inputs
    if node.flag("fix_gamma", default=True):
        gamma = graph.constant(f"{node.name}_fixed_gamma", np.ones(gamma.shape, np.float32))
    epsilon = node.number("eps", 1e-3)
    return graph.add("BatchNormalization", [data, gamma, *others], node.name, data.shape, epsilon=epsilon)


_ACTIVATIONS = MappingProxyType({"relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh", "softrelu": "Softplus"})


def _activation(graph: OnnxGraph, node: Node, inputs: Sequence[Tensor]) -> Tensor:
    kind = node.text("act_type", "")
    if kind not in _ACTIVATIONS:
        raise UserError(f"{node}: activation {kind!r} can't be converted")
    return graph.add(_ACTIVATIONS[kind], inputs, node.name, inputs[0].shape)


def _pooling(graph: OnnxGraph, node: Node, inputs: Sequence[Tensor]) -> Tensor:
    (data,) = inputs
    kind = node.text("pool_type", "max")
    if kind not in ("max", "avg"):
        raise UserError(f"{node}: pooling by {kind!r} can't be converted")
    if node.flag("global_pool", default=False):
        operator = "GlobalMaxPool" if kind == "max" else "GlobalAveragePool"
        return graph.add(operator, inputs, node.name, (*data.shape[:2], 1, 1))
    kernel, stride, pad = node.integers("kernel", []), _window(node, "stride", 1), _window(node, "pad", 0)
    convention = node.text("pooling_convention", "valid")
    if convention not in ("valid", "full"):
        raise UserError(f"{node}: pooling_convention {convention!r} can't be converted")
    full = convention == "full"
    sides = []
    for i in range(2):
        steps = (data.shape[2 + i] + 2 * pad[i] - kernel[i]) / stride[i]
        sides.append((math.ceil(steps) if full else math.floor(steps)) + 1)
    more = {} if kind == "max" else {"count_include_pad": int(node.flag("count_include_pad", default=True))}
    return graph.add(
        "MaxPool" if kind == "max" else "AveragePool",
        inputs,
        node.name,
        (*data.shape[:2], *sides),
        kernel_shape=kernel,
        strides=stride,
        pads=[*pad, *pad],
        ceil_mode=int(full),
        **more,
    )


def _flatten(graph: OnnxGraph, node: Node, inputs: Sequence[Tensor]) -> Tensor:
    (data,) = inputs
    shape = (data.shape[0], math.prod(data.shape[1:]))
    if data.constant is not None:
        return graph.constant(node.name, data.constant.reshape(shape))
    return graph.add("Flatten", inputs, node.name, shape, axis=1)


def _transpose(graph: OnnxGraph, node: Node, inputs: Sequence[Tensor]) -> Tensor:
    (data,) = inputs
    axes = node.integers("axes", list(range(len(data.shape)))[::-1])
    return graph.add("Transpose", inputs, node.name, [data.shape[axis] for axis in axes], perm=axes)


def _concat(graph: OnnxGraph, node: Node, inputs: Sequence[Tensor]) -> Tensor:
    axis = int(node.number("dim", 1))
    constants = [tensor.constant for tensor in inputs if tensor.constant is not None]
    if len(constants) == len(inputs):
        return graph.constant(node.name, np.concatenate(constants, axis=axis))
    shape = list(inputs[0].shape)
    shape[axis] = sum(tensor.shape[axis] for tensor in inputs)
    return graph.add("Concat", inputs, node.name, shape, axis=axis)


def _reshape(graph: OnnxGraph, node: Node, inputs: Sequence[Tensor]) -> Tensor:
    (data,) = inputs
    wanted = node.integers("shape", [])
    if any(side < -1 for side in wanted) or node.flag("reverse", default=False):
        raise UserError(f"{node}: a reshape to {node.text('shape', '')!r} can't be converted")
    copied = [data.shape[i] if side == 0 else side for i, side in enumerate(wanted)]
    known = math.prod(side for side in copied if side != -1)
    shape = [math.prod(data.shape) // known if side == -1 else side for side in copied]
    if data.constant is not None:
        return graph.constant(node.name, data.constant.reshape(shape))
    target = graph.constant(f"{node.name}_shape", np.array(shape, dtype=np.int64))
    return graph.add("Reshape", [data, target], node.name, shape)


def _softmax(graph: OnnxGraph, node: Node, inputs: Sequence[Tensor]) -> Tensor:
    """Convert a softmax over the classes; training symbols take the labels as a second input."""
    over_classes = {
        "SoftmaxOutput": node.flag("multi_output", default=False),
        "SoftmaxActivation": node.text("mode", "instance") == "channel",
        "softmax": node.number("axis", -1) == 1,
    }
    if not over_classes[node.operator]:
        raise UserError(f"{node}: it is not a softmax over axis 1, the classes")
    return graph.add("Softmax", inputs[:1], node.name, inputs[0].shape, axis=1)


def _sum(graph: OnnxGraph, node: Node, inputs: Sequence[Tensor]) -> Tensor:
    if len({tensor.shape for tensor in inputs}) != 1:
        raise UserError(f"{node}: its inputs have the shapes {[tensor.shape for tensor in inputs]}")
    return graph.add("Add", inputs, node.name, inputs[0].shape)


def _product(graph: OnnxGraph, node: Node, inputs: Sequence[Tensor]) -> Tensor:
    shape = np.broadcast_shapes(*(tensor.shape for tensor in inputs))
    return graph.add("Mul", inputs, node.name, shape)


def _l2_normalization(graph: OnnxGraph, node: Node, inputs: Sequence[Tensor]) -> Tensor:
    """Convert a division by the root of the sum of squares over the channels."""
    (data,) = inputs
    if node.text("mode", "instance") != "channel":
        raise UserError(f"{node}: it does not normalise over the channels")
    name, across = node.name, (1, 1, *data.shape[2:])
    axes = graph.constant(f"{name}_axes", np.array([1], dtype=np.int64))
    epsilon = graph.constant(f"{name}_eps", np.array(node.number("eps", 1e-10), dtype=np.float32))
    squares = graph.add("Mul", [data, data], f"{name}_squares", data.shape)
    total = graph.add("ReduceSum", [squares, axes], f"{name}_sum", across, keepdims=1)
    norm = graph.add("Sqrt", [graph.add("Add", [total, epsilon], f"{name}_total", across)], f"{name}_norm", across)
    return graph.add("Div", [data, norm], name, data.shape)


def _identity(graph: OnnxGraph, node: Node, inputs: Sequence[Tensor]) -> Tensor:
    return inputs[0]


def _multibox_prior(graph: OnnxGraph, node: Node, inputs: Sequence[Tensor]) -> Tensor:
    height, width = inputs[0].shape[2:]
    anchors = prior_boxes(
        height,
        width,
        sizes=node.numbers("sizes", [1.0]),
        ratios=node.numbers("ratios", [1.0]),
        steps=node.numbers("steps", [-1.0, -1.0]),
        offsets=node.numbers("offsets", [0.5, 0.5]),
        clip=node.flag("clip", default=False),
    )
    return graph.constant(node.name, anchors[None])


_CONVERTERS: MappingProxyType[str, Converter] = MappingProxyType(
    {
        "Convolution": _convolution,
        "BatchNorm": _batch_norm,
        "Activation": _activation,
        "Pooling": _pooling,
        "Flatten": _flatten,
        "transpose": _transpose,
        "Concat": _concat,
        "Reshape": _reshape,
        "SoftmaxOutput": _softmax,
        "SoftmaxActivation": _softmax,
        "softmax": _softmax,
        "elemwise_add": _sum,
        "_Plus": _sum,
        "_plus": _sum,
        "broadcast_mul": _product,
        "L2Normalization": _l2_normalization,
        # Without effect outside of training.
        "Dropout": _identity,
        "BlockGrad": _identity,
        "MakeLoss": _identity,
        "_copy": _identity,
        "identity": _identity,
        "_contrib_MultiBoxPrior": _multibox_prior,
    }
)
