"""The two losses and their gradients by the network's output."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from groundloop.local.detector.boxes import Floats
from groundloop.local.detector.targets import Targets

_TINY = 1e-6


@dataclass(frozen=True, eq=False)
class Loss:
    """Both parts of the loss, and the gradient of their sum, shaped like the network's output."""

    cross_entropy: float
    smooth_l1: float
    gradient: Floats


def detection_loss(output: Floats, targets: Targets) -> Loss:
    """Add focal loss of the heat maps and smooth L1 loss of the boxes; `output` as Network.forward returns it."""
    classes = targets.heat.shape[3]
    cross_entropy, by_logits = focal_loss(output[..., :classes], targets.heat)
    box_loss, by_box = smooth_l1_loss(output[..., classes:], targets.box, targets.weight)
    return Loss(cross_entropy, box_loss, np.concatenate([by_logits, by_box], axis=3))


def focal_loss(logits: Floats, heat: Floats) -> tuple[float, Floats]:
    """Compute the penalty-reduced focal loss of CornerNet and CenterNet (exponents 2 and 4) per centre.

    At a centre (heat 1) -(1-p)^2 log p; elsewhere -(1-heat)^4 p^2 log(1-p). Returns it and its gradient by the logits.
    """
    p = np.clip(1 / (1 + np.exp(-np.clip(logits, -30, 30))), _TINY, 1 - _TINY)
    q = 1 - p
    centre = heat == 1
    log_p, log_q = np.log(p), np.log(q)
    away = (1 - heat) ** 4
    count = max(1, int(centre.sum()))
    loss = np.where(centre, -q * q * log_p, -away * p * p * log_q)
    gradient = np.where(centre, q * q * (2 * p * log_p - q), away * p * p * (p - 2 * q * log_q))
    return float(loss.sum() / count), gradient / logits.dtype.type(count)


def smooth_l1_loss(values: Floats, target: Floats, weight: Floats) -> tuple[float, Floats]:
    """Compute smooth L1 (quadratic within 1), weighted per cell, over the sum of weights, and its gradient."""
    difference = values - target
    size = np.abs(difference)
    per_cell = np.where(size < 1, 0.5 * size * size, size - 0.5).sum(axis=3)
    total = max(float(weight.sum()), 1.0)
    gradient = np.clip(difference, -1, 1) * (weight / values.dtype.type(total))[..., None]
    return float((per_cell * weight).sum() / total), gradient
