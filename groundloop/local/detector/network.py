"""The network: a small convolutional body, three scales summed at stride 8, and one head for classes and boxes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from groundloop.local.detector.helper import Later, Tasks
from groundloop.local.detector.layers import Array, Block, Convolution, Layer, Parameter, upsample, upsample_backward

STRIDE = 8
BOX_VALUES = 4

# The class scores start low (sigmoid of -2.5 is 0.08), since nearly every cell is background.
_FIRST_SCORE_BIAS = -2.5


class Network:
    """The network: (images, S, S, 3) normalised pixels -> (images, S/8, S/8, classes + 4); S is a multiple of 32.

    The first `num_classes` channels are the logits of the class heat maps, the last four are dx, dy (from the cell's
    middle to the box's, in cells), log width and log height (in cells).

    Args:
        num_classes: number of classes.
        seed: of the initial weights; None for a network that gets its state from another.
        width: number of channels that those of all layers follow.
    """

    def __init__(self, num_classes: int, *, seed: int | None, width: int = 32) -> None:
        rng = None if seed is None else np.random.default_rng(seed)
        self.num_classes, self.width = num_classes, width
        w = width
        self.stem = [
            Block(rng, 3, 16, stride=2),
            Block(rng, 16, w, stride=2),
            Block(rng, w, 2 * w, stride=2),
            Block(rng, 2 * w, 2 * w, residual=True),
        ]
        self.at_16 = [Block(rng, 2 * w, 3 * w, stride=2), Block(rng, 3 * w, 3 * w, residual=True)]
        self.at_32 = [Block(rng, 3 * w, 3 * w, stride=2), Block(rng, 3 * w, 3 * w, residual=True)]
        self.lateral_16 = Convolution(rng, 3 * w, 2 * w, kernel=1)
        self.lateral_32 = Convolution(rng, 3 * w, 2 * w, kernel=1)
        self.neck = [Block(rng, 2 * w, 2 * w)]
        first_bias = np.array([_FIRST_SCORE_BIAS] * num_classes + [0.0] * BOX_VALUES)
        self.head = Convolution(rng, 2 * w, num_classes + BOX_VALUES, kernel=1, bias=first_bias)
        self.head.weights.value *= 0.1

    def forward(self, x: Array, *, training: bool) -> Array:
        """Compute the output maps, at an eighth of the resolution, of a batch of normalised images."""
        at_8 = _forward(self.stem, x, training)
        at_16 = _forward(self.at_16, at_8, training)
        at_32 = _forward(self.at_32, at_16, training)
        coarse = self.lateral_16.forward(at_16) + upsample(self.lateral_32.forward(at_32))
        return self.head.forward(_forward(self.neck, at_8 + upsample(coarse), training))

    def backward(self, gradient: Array) -> None:
        """Set every parameter's gradient from the gradient of the loss by the last training pass's output."""
        # Only the gradients by the inputs wait for each other, from the output to the image.
        tasks = Tasks()
        later = tasks.later
        summed = _backward(self.neck, self.head.backward(gradient, later), later)
        coarse = upsample_backward(summed)
        by_32 = _backward(self.at_32, self.lateral_32.backward(upsample_backward(coarse), later), later)
        by_16 = _backward(self.at_16, self.lateral_16.backward(coarse, later) + by_32, later)
        self.stem[0].backward_first(_backward(self.stem[1:], summed + by_16, later), later)
        tasks.finish()

    def blocks(self) -> Iterator[Block]:
        """Yield the blocks from the input to the output."""
        for group in (self.stem, self.at_16, self.at_32, self.neck):
            yield from group

    def parameters(self) -> list[Parameter]:
        """List the trainable parameters, in a fixed order."""
        layers: list[Layer] = [*self.blocks(), self.lateral_16, self.lateral_32, self.head]
        return [parameter for layer in layers for parameter in layer.parameters()]

    def state(self) -> dict[str, Array]:
        """Return the arrays of the trained network by name; the arrays themselves, not copies."""
        state = {f"parameter_{i:02d}": parameter.value for i, parameter in enumerate(self.parameters())}
        for i, block in enumerate(self.blocks()):
            state[f"mean_{i:02d}"] = block.norm.running_mean
            state[f"variance_{i:02d}"] = block.norm.running_variance
        return state

    def load_state(self, state: dict[str, Array]) -> None:
        """Take over the arrays of another network.

        Raises:
            ValueError: a name or a shape differs from this network's.
        """
        own = self.state()
        if own.keys() != state.keys():
            raise ValueError(f"arrays differ by name: {', '.join(sorted(own.keys() ^ state.keys()))}")
        for name, array in own.items():
            if array.shape != state[name].shape:
                raise ValueError(f"{name} has the shape {state[name].shape}, the network needs {array.shape}")
        for name, array in own.items():
            array[...] = state[name]


def _forward(blocks: list[Block], x: Array, training: bool) -> Array:
    for block in blocks:
        x = block.forward(x, training=training)
    return x


def _backward(blocks: list[Block], gradient: Array, later: Later) -> Array:
    for block in reversed(blocks):
        gradient = block.backward(gradient, later)
    return gradient
