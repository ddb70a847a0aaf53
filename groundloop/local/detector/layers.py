"""Layers of the network, each with a hand-written backward pass. Tensors are (images, height, width, channels).

A layer keeps what its backward pass needs from the last forward pass, in buffers that the next forward pass
overwrites: large temporaries come from the system zeroed page by page, which would cost as much as the arithmetic.
So a result is valid until the layer's next call, and one network serves one thread at a time.
Every `backward` may overwrite the gradient it is given, and adds to nothing: parameter gradients are set anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from groundloop.local.detector.helper import Later, at_once

Array = npt.NDArray[np.floating[Any]]


@dataclass(eq=False)
class Parameter:
    """A trained array and the gradient of the loss by it. Biases and norms have no weight decay."""

    value: Array
    decays: bool
    grad: Array = field(init=False)

    def __post_init__(self) -> None:
        self.grad = np.zeros_like(self.value)


class Layer(Protocol):
    """Anything with parameters."""

    def parameters(self) -> Iterator[Parameter]:
        """Yield the trainable parameters, in a fixed order."""


class Buffers:
    """Arrays of a layer by use and shape, made once."""

    def __init__(self) -> None:
        self._arrays: dict[tuple[object, ...], Array] = {}

    def get(self, use: str, shape: tuple[int, ...], like: Array) -> Array:
        """Return an array of a shape and of `like`'s type: zeros at first, then whatever its last use left in it."""
        key = (use, shape, like.dtype)
        if key not in self._arrays:
            self._arrays[key] = np.zeros(shape, like.dtype)
        return self._arrays[key]


class Convolution:
    """A square convolution with zero padding of (kernel - 1) / 2: patches as rows, then one matrix product."""

    def __init__(
        self,
        rng: np.random.Generator | None,
        inputs: int,
        outputs: int,
        *,
        kernel: int = 3,
        stride: int = 1,
        bias: Array | None = None,
    ) -> None:
        """Initialise the weights (He et al.), to zeros where there is no `rng`.

        `bias` (outputs,) sets the initial biases, there are none without it.
        """
        self.kernel, self.stride = kernel, stride
        fan_in = kernel * kernel * inputs
        weights: Array = np.zeros((fan_in, outputs), np.float32)
        if rng is not None:
            weights[...] = rng.standard_normal((fan_in, outputs)) * np.sqrt(2.0 / fan_in)
        self.weights = Parameter(weights, decays=True)
        self.bias = Parameter(bias.astype(np.float32), decays=False) if bias is not None else None
        self._buffers = Buffers()

    def parameters(self) -> Iterator[Parameter]:
        """Yield the weights and, if there is one, the bias."""
        yield self.weights
        if self.bias is not None:
            yield self.bias

    def forward(self, x: Array) -> Array:
        """Convolve a batch of shape (images, height, width, channels)."""
        self._shape = x.shape
        self._rows = self._patches(x, self.stride, "x")
        images, height, width, _ = x.shape
        shape = (images, -(-height // self.stride), -(-width // self.stride), self.weights.value.shape[1])
        y = self._buffers.get("y", shape, x)
        flat = y.reshape(-1, shape[3])
        np.matmul(self._rows, self.weights.value, out=flat)
        if self.bias is not None:
            flat += self.bias.value
        return y

    def backward(self, gradient: Array, later: Later = at_once) -> Array:
        """Set the gradients by the parameters; return the gradient by the input.

        Args:
            gradient: of the loss by the output.
            later: sets the gradients by the parameters, from `gradient`, when it likes.
        """
        later(lambda: self.set_gradients(gradient))
        if self.stride == 1:
            return self._backward_dense(gradient)
        return self._backward_strided(gradient.reshape(-1, gradient.shape[3]))

    def set_gradients(self, gradient: Array) -> None:
        """Set the gradients by the parameters only: the first layer needs no more."""
        flat = gradient.reshape(-1, gradient.shape[3])
        np.matmul(self._rows.T, flat, out=self.weights.grad)
        if self.bias is not None:
            self.bias.grad[...] = column_sums(flat)

    def _backward_dense(self, gradient: Array) -> Array:
        """Return the gradient by the input for stride 1: a convolution with the kernel rotated by 180 degrees."""
        outputs, inputs = gradient.shape[3], self._shape[3]
        taps = self.weights.value.reshape(self.kernel, self.kernel, inputs, outputs)
        turned = np.ascontiguousarray(taps[::-1, ::-1].transpose(0, 1, 3, 2)).reshape(-1, inputs)
        result = self._buffers.get("dx", self._shape, gradient)
        np.matmul(self._patches(gradient, 1, "dy"), turned, out=result.reshape(-1, inputs))
        return result

    def _backward_strided(self, gradient: Array) -> Array:
        """Add each patch's gradient back where the patch was cut out."""
        images, height, width, inputs = self._shape
        kernel, stride, pad = self.kernel, self.stride, self.kernel // 2
        rows = self._buffers.get("drows", self._rows.shape, gradient)
        np.matmul(gradient, self.weights.value.T, out=rows)
        out_height, out_width = -(-height // stride), -(-width // stride)
        patches = rows.reshape(images, out_height, out_width, kernel, kernel, inputs)
        padded = self._buffers.get("dpadded", (images, height + 2 * pad, width + 2 * pad, inputs), gradient)
        padded.fill(0)
        for dy in range(kernel):
            for dx in range(kernel):
                target = padded[:, dy : dy + stride * out_height : stride, dx : dx + stride * out_width : stride]
                target += patches[:, :, :, dy, dx]
        # A copy without the border: what follows works in place, and needs one run of memory.
        result = self._buffers.get("dx", self._shape, gradient)
        result[...] = padded[:, pad : pad + height, pad : pad + width]
        return result

    def _patches(self, x: Array, stride: int, use: str) -> Array:
        """Return the patch under each position of the kernel as one row: (positions, kernel * kernel * channels)."""
        images, height, width, channels = x.shape
        kernel, pad = self.kernel, self.kernel // 2
        if kernel == 1 and stride == 1:
            return x.reshape(-1, channels)
        padded = self._buffers.get("padded " + use, (images, height + 2 * pad, width + 2 * pad, channels), x)
        padded[:, pad : pad + height, pad : pad + width] = x
        s_image, s_row, s_column, s_channel = padded.strides
        # One line of a patch is contiguous (column, then channel), so it is copied as one run of kernel * channels.
        view = np.lib.stride_tricks.as_strided(
            padded,
            (images, -(-height // stride), -(-width // stride), kernel, kernel * channels),
            (s_image, stride * s_row, stride * s_column, s_row, s_channel),
            writeable=False,
        )
        rows = self._buffers.get("rows " + use, view.shape, x)
        np.copyto(rows, view)
        return rows.reshape(-1, kernel * kernel * channels)


class BatchNormRelu:
    """Batch normalisation and ReLU in one pass and in place: their cost is moving data."""

    MOMENTUM = 0.1
    EPSILON = 1e-5

    def __init__(self, channels: int) -> None:
        self.gain = Parameter(np.ones(channels, np.float32), decays=False)
        self.shift = Parameter(np.zeros(channels, np.float32), decays=False)
        self.running_mean: Array = np.zeros(channels, np.float32)
        self.running_variance: Array = np.ones(channels, np.float32)
        self._batches = 0
        self._buffers = Buffers()

    def parameters(self) -> Iterator[Parameter]:
        """Yield the scale and the shift of each channel."""
        yield self.gain
        yield self.shift

    def forward(self, x: Array, *, training: bool) -> Array:
        """Normalise each channel by the statistics of the batch (outside training, the running ones) and cut at 0."""
        flat = x.reshape(-1, x.shape[3])
        if not training:
            scale = self.gain.value / np.sqrt(self.running_variance + self.EPSILON)
            return self._scale_and_cut(x, scale, self.shift.value - self.running_mean * scale, out=x)
        count = len(flat)
        mean = column_sums(flat) / count
        squares = self._buffers.get("squares", flat.shape, x)
        np.multiply(flat, flat, out=squares)
        variance = np.maximum(column_sums(squares) / count - mean * mean, 0)
        # A plain mean over the first batches, a fading one later: short runs validate with usable statistics too.
        self._batches += 1
        share = max(self.MOMENTUM, 1 / self._batches)
        self.running_mean += share * (mean - self.running_mean)
        self.running_variance += share * (variance - self.running_variance)
        self._x, self._mean, self._inverse = flat, mean, 1 / np.sqrt(variance + self.EPSILON)
        scale = self.gain.value * self._inverse
        self._y = self._scale_and_cut(x, scale, self.shift.value - mean * scale, self._buffers.get("y", x.shape, x))
        return self._y

    def _scale_and_cut(self, x: Array, scale: Array, shift: Array, out: Array) -> Array:
        np.multiply(wide(x), wide_row(scale, x), out=wide(out))
        np.add(wide(out), wide_row(shift, x), out=wide(out))
        return np.maximum(out, 0, out=out)

    def backward(self, gradient: Array) -> Array:
        """Compute the gradient of batch normalisation as  gradient * a + x * b + c  with a, b, c per channel."""
        np.multiply(gradient, self._y > 0, out=gradient)
        flat, count = gradient.reshape(self._x.shape), len(self._x)
        products = self._buffers.get("squares", self._x.shape, gradient)
        np.multiply(flat, self._x, out=products)
        total = column_sums(flat)
        by_normalised = (column_sums(products) - self._mean * total) * self._inverse
        self.shift.grad[...] = total
        self.gain.grad[...] = by_normalised
        scale = self.gain.value * self._inverse
        slope = -scale * self._inverse * by_normalised / count
        np.multiply(wide(gradient), wide_row(scale, gradient), out=wide(gradient))
        x = self._x.reshape(gradient.shape)
        np.multiply(wide(x), wide_row(slope, x), out=wide(x))
        np.add(gradient, x, out=gradient)
        np.add(wide(gradient), wide_row(-slope * self._mean - scale * total / count, gradient), out=wide(gradient))
        return gradient


class Block:
    """Convolution, batch normalisation, ReLU; a residual block adds its input to the output."""

    def __init__(
        self, rng: np.random.Generator | None, inputs: int, outputs: int, *, stride: int = 1, residual: bool = False
    ) -> None:
        self.convolution = Convolution(rng, inputs, outputs, stride=stride)
        self.norm = BatchNormRelu(outputs)
        self.residual = residual

    def parameters(self) -> Iterator[Parameter]:
        """Yield the parameters of the convolution and of the normalisation."""
        yield from self.convolution.parameters()
        yield from self.norm.parameters()

    def forward(self, x: Array, *, training: bool) -> Array:
        """Convolve, normalise and cut at 0; a residual block adds its input."""
        y = self.norm.forward(self.convolution.forward(x), training=training)
        # A sum of its own: the mask of the ReLU is read from y on the way back.
        return x + y if self.residual else y

    def backward(self, gradient: Array, later: Later = at_once) -> Array:
        """Set the gradients by the parameters; return the gradient by the input. Arguments as of `Convolution`."""
        passed_on = gradient.copy() if self.residual else None
        result = self.convolution.backward(self.norm.backward(gradient), later)
        if passed_on is not None:
            result += passed_on
        return result

    def backward_first(self, gradient: Array, later: Later = at_once) -> None:
        """Set the gradients of the block that sees the image, whose gradient by the input is not needed."""
        by_output = self.norm.backward(gradient)
        later(lambda: self.convolution.set_gradients(by_output))


def upsample(x: Array) -> Array:
    """Double the height and width by repetition."""
    images, height, width, channels = x.shape
    doubled = np.broadcast_to(x[:, :, None, :, None], (images, height, 2, width, 2, channels))
    return doubled.reshape(images, 2 * height, 2 * width, channels)


def upsample_backward(gradient: Array) -> Array:
    """Sum the four gradients of each repeated value."""
    images, height, width, channels = gradient.shape
    lines = gradient.reshape(images, height // 2, 2, width, channels)
    pairs = (lines[:, :, 0] + lines[:, :, 1]).reshape(images, height // 2, width // 2, 2, channels)
    return np.asarray(pairs[:, :, :, 0] + pairs[:, :, :, 1])


def column_sums(x: Array) -> Array:
    """Sum over the rows by a matrix product: NumPy's own reduction over the first axis is 20 times slower here."""
    return np.asarray(np.ones(len(x), x.dtype) @ x)


def wide(x: Array) -> Array:
    """View `x` as rows of several pixels: with the channels of one pixel per row NumPy's loop overhead dominates."""
    return x.reshape(-1, x.shape[3] * _pixels_per_row(x), copy=False)


def wide_row(per_channel: Array, x: Array) -> Array:
    """Repeat a value per channel to the length of one row of `wide(x)`."""
    return np.tile(per_channel.astype(x.dtype, copy=False), _pixels_per_row(x))


def _pixels_per_row(x: Array) -> int:
    """Return the largest power of two that divides the number of pixels and gives a row of at most 512 values."""
    pixels, channels = x.size // x.shape[3], x.shape[3]
    power = 1
    while pixels % (2 * power) == 0 and 2 * power * channels <= 512:
        power *= 2
    return power
