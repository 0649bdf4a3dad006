"""Exponential decay per step, continuous or in stairs."""

from __future__ import annotations

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR


class ExponentialDecay:
    """The factor of a step: ``decay_rate ** (step / decay_steps)``; a staircase floors the exponent.

    At 0.96 and 100,000 the factors of steps 0, 1, 2 are 1.0, 0.9999996, 0.9999992; at 100,000 it is 0.96.
    An object and not a lambda, so that a checkpoint holds its numbers.
    """

    def __init__(self, decay_rate: float, decay_steps: float, staircase: bool) -> None:
        self.decay_rate = decay_rate
        self.decay_steps = decay_steps
        self.staircase = staircase

    def __call__(self, step: int) -> float:
        exponent = step // self.decay_steps if self.staircase else step / self.decay_steps
        return float(self.decay_rate**exponent)


def exponential(
    optimizer: Optimizer, decay_rate: float = 0.96, decay_steps: float = 100, staircase: bool = False
) -> LambdaLR:
    """``lr = peak * decay_rate ** (step / decay_steps)``, to be stepped after every update.

    torch's own ExponentialLR has no ``decay_steps``; the formula is TensorFlow's ``exponential_decay``.
    """
    decay = ExponentialDecay(decay_rate, decay_steps, staircase)
    return LambdaLR(optimizer, [decay] * len(optimizer.param_groups))
