"""The offline stand-in's network as an ONNX graph, so that a model trained offline goes the same way."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence

import numpy as np
import onnx

from groundloop.detections.count_error import CountError
from groundloop.errors import UserError
from groundloop.local.detector.artifact import DAMAGED_WEIGHTS
from groundloop.local.detector.images import GREY, SPREAD, working_size
from groundloop.local.detector.layers import BatchNormRelu, Block, Convolution
from groundloop.local.detector.network import Network
from groundloop.portable.model_archive import MAX_BYTES, STAND_IN_FILE, ModelArchive
from groundloop.portable.model_info import STAND_IN, HeatMapDecoder, ModelInfo, RowsDecoder
from groundloop.portable.onnx_graph import OnnxGraph, Tensor
from groundloop.portable.suppression import heat_map_rows


def to_onnx(
    archive: ModelArchive,
    classes: Sequence[str],
    thresholds: Mapping[str, float],
    model_package: str | None,
    count_error: CountError | None,
    *,
    with_nms: bool,
) -> onnx.ModelProto:
    """Convert a model of the stand-in; its output `maps` is (1, height, width, classes + 4), as the network's.

    Raises:
        UserError: the archive is corrupted.
    """
    network = _network(archive, len(classes))
    side = working_size(archive.number("image_shape"))
    graph = _Graph(side)
    maps = graph.network(network)
    nms_threshold = float(archive.hyperparameters.get("nms_threshold", "0.45"))
    info = ModelInfo(
        classes=tuple(classes),
        side=side,
        decoder=RowsDecoder() if with_nms else HeatMapDecoder(nms_threshold=nms_threshold),
        trained_by=STAND_IN,
        base_network=archive.hyperparameters.get("base_network", ""),
        mean=(float(GREY),) * 3,
        thresholds=dict(thresholds),
        model_package=model_package,
        artifact_sha256=archive.sha256,
        count_error=count_error,
    )
    if with_nms:
        rows = heat_map_rows(graph, maps, len(classes), nms_threshold)
        return graph.model([(rows, onnx.TensorProto.FLOAT, ("detections", 6))], info)
    maps = graph.add("Transpose", [maps], "maps", (1, *maps.shape[2:], maps.shape[1]), perm=[0, 2, 3, 1])
    return graph.model([(maps, onnx.TensorProto.FLOAT, maps.shape)], info)


def _network(archive: ModelArchive, classes: int) -> Network:
    network = Network(classes, seed=0)
    content = io.BytesIO(archive.files[STAND_IN_FILE])
    try:
        with zipfile.ZipFile(content) as arrays:
            if sum(item.file_size for item in arrays.infolist()) > MAX_BYTES[STAND_IN_FILE]:
                raise UserError(f"{archive.name}: {STAND_IN_FILE} unpacks to more than any model of the stand-in has")
        with np.load(content, allow_pickle=False) as weights:
            network.load_state({name: weights[name] for name in weights.files})
    except DAMAGED_WEIGHTS as error:
        raise UserError(f"{archive.name}: {STAND_IN_FILE} is corrupted: {error}") from None
    return network


class _Graph(OnnxGraph):
    """Adds the layers of the stand-in, in the channels-first layout of ONNX."""

    def network(self, network: Network) -> Tensor:
        grey = self.constant("grey", np.array(GREY, dtype=np.float32))
        spread = self.constant("spread", np.array(SPREAD, dtype=np.float32))
        x = self.add("Sub", [self.input, grey], "without_grey", self.input.shape)
        x = self.add("Div", [x, spread], "normalised", x.shape)
        at_8 = self._blocks(network.stem, x, "stem")
        at_16 = self._blocks(network.at_16, at_8, "at_16")
        at_32 = self._blocks(network.at_32, at_16, "at_32")
        coarse = self._upsampled(self._convolution(network.lateral_32, at_32, "lateral_32"), "from_32")
        coarse = self._added(self._convolution(network.lateral_16, at_16, "lateral_16"), coarse, "coarse")
        summed = self._added(at_8, self._upsampled(coarse, "from_16"), "summed")
        return self._convolution(network.head, self._blocks(network.neck, summed, "neck"), "head")

    def _blocks(self, blocks: Sequence[Block], x: Tensor, name: str) -> Tensor:
        for number, block in enumerate(blocks):
            place = f"{name}_{number}"
            y = self._convolution(block.convolution, x, f"{place}_convolution")
            y = self._normalised(block.norm, y, f"{place}_norm")
            y = self.add("Relu", [y], f"{place}_relu", y.shape)
            x = self._added(x, y, f"{place}_residual") if block.residual else y
        return x

    def _convolution(self, layer: Convolution, x: Tensor, name: str) -> Tensor:
        kernel, channels = layer.kernel, x.shape[1]
        weights = layer.weights.value
        outputs = weights.shape[1]
        taps = weights.reshape(kernel, kernel, channels, outputs).transpose(3, 2, 0, 1)
        inputs = [x, self.constant(f"{name}_weights", taps)]
        if layer.bias is not None:
            inputs.append(self.constant(f"{name}_bias", layer.bias.value))
        pad = kernel // 2
        sides = [-(-side // layer.stride) for side in x.shape[2:]]
        return self.add(
            "Conv",
            inputs,
            name,
            (1, outputs, *sides),
            kernel_shape=[kernel, kernel],
            strides=[layer.stride] * 2,
            pads=[pad] * 4,
        )

    def _normalised(self, norm: BatchNormRelu, x: Tensor, name: str) -> Tensor:
        arrays = {
            "gain": norm.gain.value,
            "shift": norm.shift.value,
            "mean": norm.running_mean,
            "variance": norm.running_variance,
        }
        constants = [self.constant(f"{name}_{kind}", array.astype(np.float32)) for kind, array in arrays.items()]
        return self.add("BatchNormalization", [x, *constants], name, x.shape, epsilon=norm.EPSILON)

    def _upsampled(self, x: Tensor, name: str) -> Tensor:
        scales = self.constant(f"{name}_scales", np.array([1, 1, 2, 2], dtype=np.float32))
        nothing = Tensor("", ())  # the region of interest, which this mode has none of
        shape = (*x.shape[:2], 2 * x.shape[2], 2 * x.shape[3])
        return self.add(
            "Resize",
            [x, nothing, scales],
            name,
            shape,
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        )

    def _added(self, first: Tensor, second: Tensor, name: str) -> Tensor:
        return self.add("Add", [first, second], name, first.shape)
