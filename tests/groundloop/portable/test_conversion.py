"""The built-in algorithm's artifacts as ONNX files: the same rows as a reference that runs the graph in NumPy."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="the onnx extra is not installed")
pytest.importorskip("onnxruntime", reason="the onnx extra is not installed")

from groundloop.errors import UserError  # noqa: E402
from groundloop.local.detector import artifact  # noqa: E402
from groundloop.portable.conversion import VGG_MEAN, to_onnx  # noqa: E402
from groundloop.portable.model_archive import read_model_archive  # noqa: E402
from groundloop.portable.onnx_detector import OnnxDetector  # noqa: E402
from pipeline.demo.synthetic_images import draw_image  # noqa: E402
from tests.fixtures import mxnet_reference  # noqa: E402
from tests.fixtures.exported_models import CLASSES  # noqa: E402
from tests.fixtures.mxnet_files import Symbol, algorithm_files, resnet_50, vgg_16, write_archive  # noqa: E402

NETWORKS: dict[str, tuple[Callable[..., Symbol], int]] = {"resnet-50": (resnet_50, 128), "vgg-16": (vgg_16, 300)}


@pytest.mark.parametrize("training", [True, False], ids=["training symbol", "deploy symbol"])
@pytest.mark.parametrize("base_network", NETWORKS)
def test_the_rows_are_those_of_the_reference(base_network: str, training: bool, tmp_path: Path) -> None:
    make, side = NETWORKS[base_network]
    symbol = make(len(CLASSES), training=training)
    archive = write_archive(tmp_path / "model.tar.gz", algorithm_files(symbol, side=side, base_network=base_network))
    path = tmp_path / "detector.onnx"
    onnx.save(to_onnx(read_model_archive(archive), CLASSES), path)
    detector = OnnxDetector(path, threads=1)
    pixels = np.random.default_rng(3).uniform(0, 255, (1, 3, side, side)).astype(np.float32)
    rows = detector.rows(pixels)
    mean = np.array(VGG_MEAN if base_network == "vgg-16" else (0, 0, 0), np.float32)[:, None, None]
    expected = mxnet_reference.detections(symbol.json(), symbol.arrays, pixels - mean)
    assert len(expected) > 20, "the comparison must not be about nothing"
    assert rows.shape == expected.shape
    np.testing.assert_allclose(rows, expected, atol=1e-4)
    inside = tmp_path / "with-nms.onnx"
    onnx.save(to_onnx(read_model_archive(archive), CLASSES, with_nms=True), inside)
    np.testing.assert_allclose(OnnxDetector(inside, threads=1).rows(pixels), expected, atol=1e-4)


@pytest.mark.parametrize(
    ("operator", "attributes", "message"),
    [
        pytest.param("LeakyReLU", {}, "LeakyReLU 'odd': this operator can't be converted", id="an unknown operator"),
        pytest.param("Activation", {"act_type": "gelu"}, "activation 'gelu' can't be converted", id="an activation"),
        pytest.param("Pooling", {"pool_type": "lp", "kernel": "(1, 1)"}, "pooling by 'lp'", id="a pooling"),
        pytest.param("Reshape", {"shape": "(-3, 0)"}, "a reshape to '(-3, 0)'", id="a reshape"),
        pytest.param("softmax", {}, "it is not a softmax over axis 1", id="a softmax over another axis"),
        pytest.param("L2Normalization", {}, "it does not normalise over the channels", id="a normalisation"),
        pytest.param("BatchNorm", {"axis": "3"}, "it normalises axis 3", id="channels last"),
        pytest.param("Pooling", {"kernel": "wide"}, "kernel is 'wide', numbers are needed", id="an argument"),
    ],
)
def test_what_is_not_the_algorithms_is_named_with_its_node(
    operator: str, attributes: dict[str, str], message: str, tmp_path: Path
) -> None:
    symbol = vgg_16(3, training=False, thin=64)
    relu = next(node for node in symbol.nodes if node["name"] == "relu1_1")
    relu.update(op=operator, name="odd", attrs=attributes)
    files = algorithm_files(symbol, side=300, base_network="vgg-16")
    with pytest.raises(UserError) as caught:
        to_onnx(read_model_archive(write_archive(tmp_path / "model.tar.gz", files)), CLASSES)
    assert message in str(caught.value)


def test_another_image_shape_than_the_networks_is_said(tmp_path: Path) -> None:
    files = algorithm_files(vgg_16(3, training=False, thin=64), side=128, base_network="vgg-16")
    with pytest.raises(UserError, match="image_shape is not the network's"):
        to_onnx(read_model_archive(write_archive(tmp_path / "model.tar.gz", files)), CLASSES)


@pytest.mark.parametrize("with_nms", [False, True], ids=["decoded outside", "with suppression inside"])
def test_the_offline_stand_in_goes_the_same_way(
    stand_in: tuple[Path, artifact.Detector], with_nms: bool, tmp_path: Path
) -> None:
    archive, detector = stand_in
    path = tmp_path / "detector.onnx"
    onnx.save(to_onnx(read_model_archive(archive), CLASSES, with_nms=with_nms), path)
    exported = OnnxDetector(path, threads=1)
    chance = random.Random(1)  # noqa: S311 - pictures, not secrets
    for _ in range(5):
        content = io.BytesIO()
        draw_image(chance).image.save(content, "JPEG")
        expected = np.array(detector.detect(content.getvalue()))
        assert len(expected) > 5, "the comparison must not be about nothing"
        rows = exported.rows(exported.pixels(content.getvalue()))
        np.testing.assert_allclose(rows, expected, atol=1e-4)
