"""Every hand-written backward pass agrees with numeric differentiation, in double precision, within 1 %."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from groundloop.local.detector.boxes import Boxes
from groundloop.local.detector.layers import (
    Array,
    BatchNormRelu,
    Block,
    Convolution,
    Layer,
    upsample,
    upsample_backward,
)
from groundloop.local.detector.loss import detection_loss, focal_loss, smooth_l1_loss
from groundloop.local.detector.network import Network
from groundloop.local.detector.optimiser import AdamW
from groundloop.local.detector.targets import make_targets

# Small, since the many ReLUs of the whole network have kinks nearby; large enough for double precision.
EPSILON = 1e-6
Function = Callable[[], float]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(3)


def in_double(layer: Layer | Network) -> list[Array]:
    """Turns the parameters into doubles and returns their values."""
    for parameter in layer.parameters():
        parameter.value = parameter.value.astype(np.float64)
        parameter.grad = np.zeros_like(parameter.value)
    return [parameter.value for parameter in layer.parameters()]


def numeric(function: Function, array: Array, index: tuple[int, ...]) -> float:
    before = array[index]
    array[index] = before + EPSILON
    above = function()
    array[index] = before - EPSILON
    below = function()
    array[index] = before
    return (above - below) / (2 * EPSILON)


def assert_gradient(function: Function, array: Array, gradient: Array, rng: np.random.Generator) -> None:
    """At 20 random places of the array (or all, when it has fewer)."""
    assert gradient.shape == array.shape
    places = rng.permutation(array.size)[:20]
    indices = [tuple(int(i) for i in np.unravel_index(place, array.shape)) for place in places]
    expected = np.array([numeric(function, array, index) for index in indices])
    found = np.array([gradient[index] for index in indices])
    assert np.abs(expected).max() > 0, "a gradient of zero everywhere checks nothing"
    np.testing.assert_allclose(found, expected, rtol=0.01, atol=1e-6 * np.abs(expected).max())


@pytest.mark.parametrize(
    ("kernel", "stride", "with_bias", "size"),
    [
        pytest.param(3, 1, False, 6, id="3x3"),
        pytest.param(3, 2, False, 6, id="3x3 stride 2"),
        pytest.param(3, 2, False, 5, id="3x3 stride 2 on an odd size"),
        pytest.param(1, 1, True, 4, id="1x1 with bias"),
    ],
)
def test_convolution(kernel: int, stride: int, with_bias: bool, size: int, rng: np.random.Generator) -> None:
    bias = rng.standard_normal(5) if with_bias else None
    layer = Convolution(rng, 3, 5, kernel=kernel, stride=stride, bias=bias)
    in_double(layer)
    x = rng.standard_normal((2, size, size, 3))
    weights = rng.standard_normal(layer.forward(x).shape)

    def loss() -> float:
        return float((layer.forward(x) * weights).sum())

    loss()
    by_input = layer.backward(weights.copy()).copy()
    grads = [parameter.grad.copy() for parameter in layer.parameters()]
    assert_gradient(loss, x, by_input, rng)
    for parameter, grad in zip(layer.parameters(), grads, strict=True):
        assert_gradient(loss, parameter.value, grad, rng)


def test_batch_norm_with_relu(rng: np.random.Generator) -> None:
    layer = BatchNormRelu(4)
    for values in in_double(layer):
        values += rng.standard_normal(4) * 0.3
    x = rng.standard_normal((3, 4, 4, 4)) * 2 + 1
    weights = rng.standard_normal(x.shape)

    def loss() -> float:
        return float((layer.forward(x.copy(), training=True) * weights).sum())

    loss()
    by_input = layer.backward(weights.copy()).copy()
    grads = [parameter.grad.copy() for parameter in layer.parameters()]
    assert_gradient(loss, x, by_input, rng)
    for parameter, grad in zip(layer.parameters(), grads, strict=True):
        assert_gradient(loss, parameter.value, grad, rng)


@pytest.mark.parametrize(
    ("outputs", "stride", "residual"),
    [pytest.param(6, 2, False, id="strided"), pytest.param(4, 1, True, id="residual")],
)
def test_block(outputs: int, stride: int, residual: bool, rng: np.random.Generator) -> None:
    block = Block(rng, 4, outputs, stride=stride, residual=residual)
    in_double(block)
    x = rng.standard_normal((2, 6, 6, 4))
    weights = rng.standard_normal(block.forward(x, training=True).shape)

    def loss() -> float:
        return float((block.forward(x, training=True) * weights).sum())

    loss()
    by_input = block.backward(weights.copy()).copy()
    assert_gradient(loss, x, by_input, rng)
    assert_gradient(loss, block.convolution.weights.value, block.convolution.weights.grad.copy(), rng)


def test_upsampling(rng: np.random.Generator) -> None:
    x = rng.standard_normal((2, 3, 4, 5))
    weights = rng.standard_normal((2, 6, 8, 5))
    assert upsample(x)[0, 3, 6, 1] == x[0, 1, 3, 1]
    assert_gradient(lambda: float((upsample(x) * weights).sum()), x, upsample_backward(weights), rng)


def test_focal_loss(rng: np.random.Generator) -> None:
    logits = rng.standard_normal((2, 4, 4, 3)) * 3
    heat = rng.uniform(0, 0.9, logits.shape)
    heat[0, 1, 2, 0] = heat[1, 3, 0, 2] = 1.0
    assert_gradient(lambda: focal_loss(logits, heat)[0], logits, focal_loss(logits, heat)[1], rng)


def test_smooth_l1_loss(rng: np.random.Generator) -> None:
    values, wanted = rng.standard_normal((2, 2, 4, 4, 4)) * 2
    weight = rng.uniform(0, 1, (2, 4, 4))
    gradient = smooth_l1_loss(values, wanted, weight)[1]
    assert_gradient(lambda: smooth_l1_loss(values, wanted, weight)[0], values, gradient, rng)


def test_an_image_without_objects_has_a_finite_loss_and_no_gradient_by_the_boxes() -> None:
    nothing = Boxes(np.zeros(0, np.intp), np.zeros((0, 4)))
    loss = detection_loss(np.zeros((1, 4, 4, 6), np.float32), make_targets([nothing], 2, 4))
    assert loss.smooth_l1 == 0
    assert loss.cross_entropy > 0
    assert not loss.gradient[..., 2:].any()
    assert (loss.gradient[..., :2] > 0).all()


def test_the_whole_network(rng: np.random.Generator) -> None:
    """The paths that meet in the sums at stride 8 and 16, too."""
    network = Network(2, seed=1, width=4)
    in_double(network)
    x = rng.standard_normal((2, 64, 64, 3))
    weights = rng.standard_normal(network.forward(x, training=True).shape)

    def loss() -> float:
        return float((network.forward(x, training=True) * weights).sum())

    loss()
    network.backward(weights.copy())
    layers = (network.stem[0].convolution, network.stem[3].norm, network.at_32[0].convolution, network.lateral_16)
    for parameter in [next(iter(layer.parameters())) for layer in (*layers, network.head)]:
        assert_gradient(loss, parameter.value, parameter.grad.copy(), rng)


def test_the_optimiser_moves_against_the_gradient_and_decays_weights_only(rng: np.random.Generator) -> None:
    layer = Convolution(rng, 2, 3, kernel=1, bias=np.ones(3))
    before = [parameter.value.copy() for parameter in layer.parameters()]
    optimiser = AdamW(list(layer.parameters()))
    for parameter in layer.parameters():
        parameter.grad[...] = 0
    layer.weights.grad[0, 0] = 1000.0  # far above the clip: Adam's first step has the rate's length anyhow
    optimiser.collect()
    optimiser.step(0.01)
    assert layer.weights.value[0, 0] == pytest.approx(before[0][0, 0] - 0.01, abs=1e-4)
    assert layer.bias is not None
    np.testing.assert_array_equal(layer.bias.value, before[1])
    np.testing.assert_allclose(layer.weights.value[1], before[0][1] * (1 - 0.01 * 1e-4), rtol=1e-6)
