"""The learning rate during training, and early stopping."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from groundloop.local.detector.hyperparameters import Hyperparameters

# The algorithm's rates are meant for SGD on pretrained weights. Its default of 0.001 becomes 0.005 here, which is what
# AdamW wants for this network from scratch (0.003 to 0.01 work nearly as well).
RATE_SCALE = 5.0
_WARM_UP = 0.08


def learning_rate(hyperparameters: Hyperparameters, step: int, steps_per_epoch: int) -> float:
    """Return the rate of a step, counted from 0: a linear warm-up over 8 % of the run, then a half cosine to 0.

    With lr_scheduler_step it stays level instead, and is multiplied by lr_scheduler_factor at each of those epochs.
    """
    total = hyperparameters.epochs * steps_per_epoch
    warm_up = max(1.0, _WARM_UP * total)
    rate = hyperparameters.learning_rate * RATE_SCALE
    if step < warm_up:
        return rate * (step + 1) / (warm_up + 1)
    if hyperparameters.lr_scheduler_step:
        drops = sum(step >= epoch * steps_per_epoch for epoch in hyperparameters.lr_scheduler_step)
        return float(rate * hyperparameters.lr_scheduler_factor**drops)
    # More steps than planned (num_training_samples was too small) get the last rate.
    done = min(1.0, (step + 1 - warm_up) / max(1.0, total - warm_up))
    return rate * max(0.5 * (1 + math.cos(math.pi * done)), 1e-3)


@dataclass
class EarlyStopping:
    """Decides, as the early_stopping_* hyperparameters say, whether the validation score still improves."""

    hyperparameters: Hyperparameters
    _best: float = 0.0
    _waited: int = field(default=0)

    def should_stop(self, epoch: int, score: float) -> bool:
        """Return whether training should end; call it once per epoch, counted from 0."""
        if not self.hyperparameters.early_stopping:
            return False
        if score > self._best * (1 + self.hyperparameters.early_stopping_tolerance):
            self._best, self._waited = score, 0
        else:
            self._waited += 1
        enough = epoch + 1 >= self.hyperparameters.early_stopping_min_epochs
        return enough and self._waited >= self.hyperparameters.early_stopping_patience
