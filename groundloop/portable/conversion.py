"""Conversion of a training job's artifact into one ONNX file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import onnx

from groundloop.detections.count_error import CountError
from groundloop.errors import UserError
from groundloop.portable import stand_in
from groundloop.portable.model_archive import PARAMS_FILE, SYMBOL_FILE, ModelArchive
from groundloop.portable.model_info import ALGORITHM, MAX_SIDE, ModelInfo, RowsDecoder
from groundloop.portable.multibox import MultiBoxDecoder
from groundloop.portable.mxnet_params import read_params
from groundloop.portable.mxnet_symbol import VARIABLE, Node, needed_for, read_symbol
from groundloop.portable.onnx_graph import OnnxGraph, Tensor
from groundloop.portable.operators import convert
from groundloop.portable.suppression import multibox_rows

_DETECTION = "_contrib_MultiBoxDetection"
_FLOAT = onnx.TensorProto.FLOAT
#: Of the network's lineage; AWS doesn't publish what its image subtracts.
VGG_MEAN = (123.0, 117.0, 104.0)


def to_onnx(
    archive: ModelArchive,
    classes: Sequence[str],
    *,
    with_nms: bool = False,
    mean: tuple[float, float, float] | None = None,
    thresholds: Mapping[str, float] | None = None,
    model_package: str | None = None,
    count_error: CountError | None = None,
) -> onnx.ModelProto:
    """Convert a model into ONNX, with everything inside that its use needs.

    Without `with_nms` the graph ends before non-maximum suppression, and `OnnxDetector` answers as the endpoint does.

    Args:
        archive: the training job's artifact.
        classes: class names in the order of their ids.
        with_nms: whether the graph itself suppresses, for devices that run nothing else; see `suppression`.
        mean: what to subtract from red, green and blue; None for what the network's lineage does.
        thresholds: operating threshold by class.
        model_package: ARN of the model package.
        count_error: of counts in the evaluation.

    Raises:
        UserError: the archive's files are not those of the built-in algorithm or of the stand-in, or are corrupted,
            or it was trained on another number of classes.
    """
    if archive.number("num_classes") != len(classes):
        raise UserError(
            f"{archive.name} was trained on {archive.number('num_classes')} classes, and {len(classes)} names are given"
        )
    if archive.is_stand_in:
        return stand_in.to_onnx(archive, classes, thresholds or {}, model_package, count_error, with_nms=with_nms)
    side = archive.number("image_shape")
    if not 0 < side <= MAX_SIDE:
        raise UserError(f"{archive.name}: image_shape is {side}")
    base_network = archive.hyperparameters.get("base_network", "")
    if mean is None:
        mean = VGG_MEAN if base_network.startswith("vgg") else (0.0, 0.0, 0.0)
    nodes = read_symbol(archive.files[SYMBOL_FILE], SYMBOL_FILE)
    detection = _detection(nodes)
    graph = OnnxGraph(side)
    tensors = _tensors(archive, graph, nodes, detection, _without_mean(graph, mean))
    probabilities, offsets, anchors = (tensors[index] for index in detection.inputs)
    _check_outputs(detection, (probabilities, offsets, anchors), len(classes))
    decoder = _decoder(detection)
    info = ModelInfo(
        classes=tuple(classes),
        side=side,
        decoder=RowsDecoder() if with_nms else decoder,
        trained_by=ALGORITHM,
        base_network=base_network,
        mean=mean,
        thresholds=dict(thresholds or {}),
        model_package=model_package,
        artifact_sha256=archive.sha256,
        count_error=count_error,
    )
    if with_nms:
        rows = multibox_rows(graph, probabilities, offsets, anchors, decoder)
        return graph.model([(rows, _FLOAT, ("detections", 6))], info)
    outputs = [
        graph.add("Identity", [tensor], name, tensor.shape)
        for tensor, name in ((probabilities, "probabilities"), (offsets, "offsets"), (anchors, "anchors"))
    ]
    return graph.model([(tensor, _FLOAT, tensor.shape) for tensor in outputs], info)


def _without_mean(graph: OnnxGraph, mean: tuple[float, float, float]) -> Tensor:
    if not any(mean):
        return graph.input
    values = graph.constant("mean", np.array(mean, dtype=np.float32).reshape(1, 3, 1, 1))
    return graph.add("Sub", [graph.input, values], "without_mean", graph.input.shape)


def _detection(nodes: Sequence[Node]) -> Node:
    found = [node for node in nodes if node.operator == _DETECTION]
    if len(found) != 1 or len(found[0].inputs) != 3:
        raise UserError(
            f"{SYMBOL_FILE} has {len(found)} nodes {_DETECTION}, one is needed: it is not a detector's graph"
        )
    return found[0]


def _tensors(
    archive: ModelArchive, graph: OnnxGraph, nodes: Sequence[Node], detection: Node, images: Tensor
) -> dict[int, Tensor]:
    """Convert all nodes that the detections depend on; return their outputs by index."""
    params = read_params(archive.files[PARAMS_FILE], PARAMS_FILE)
    tensors: dict[int, Tensor] = {}
    for node in needed_for(nodes, detection.inputs):
        if node.operator != VARIABLE:
            tensors[node.index] = convert(graph, node, [tensors[index] for index in node.data_inputs])
        elif node.name == "data":
            tensors[node.index] = images
        elif node.name in params:
            tensors[node.index] = graph.constant(node.name, params[node.name])
        else:
            raise UserError(f"{PARAMS_FILE} has no array {node.name!r}, which {SYMBOL_FILE} needs")
    return tensors


def _check_outputs(detection: Node, outputs: tuple[Tensor, Tensor, Tensor], classes: int) -> None:
    probabilities, offsets, anchors = (tensor.shape for tensor in outputs)
    count = anchors[1] if len(anchors) == 3 else 0
    if (probabilities, offsets, anchors) != ((1, classes + 1, count), (1, 4 * count), (1, count, 4)):
        raise UserError(
            f"{detection}: with {classes} classes, its inputs have the shapes {probabilities}, {offsets} and "
            f"{anchors}: image_shape or num_classes in hyperparams.json is not that of {SYMBOL_FILE}"
        )


def _decoder(detection: Node) -> MultiBoxDecoder:
    variances = detection.numbers("variances", [0.1, 0.1, 0.2, 0.2])
    if len(variances) != 4 or detection.number("background_id", 0) != 0:
        raise UserError(f"{detection}: four variances and the background as class 0 are needed")
    return MultiBoxDecoder(
        threshold=detection.number("threshold", 0.01),
        nms_threshold=detection.number("nms_threshold", 0.5),
        nms_topk=int(detection.number("nms_topk", -1)),
        class_agnostic=detection.flag("force_suppress", default=False),
        clip=detection.flag("clip", default=True),
        variances=(variances[0], variances[1], variances[2], variances[3]),
    )
