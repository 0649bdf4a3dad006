"""A linear warm-up to the peak, then half a cosine down."""

from __future__ import annotations

import math

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from lrscope.core.errors import InputError, Problem


class WarmupCosine:
    """The factor of a step ``t`` with ``w`` steps of warm-up out of ``total``.

    ``(t + 1) / (w + 1)`` while ``t < w``, then
    ``floor + (1 - floor) * (1 + cos(pi * (t - w) / (total - w))) / 2``; the peak is step ``w``.
    An object and not a lambda, so that a checkpoint holds its numbers.
    """

    def __init__(self, warmup_steps: int, total_steps: int, floor: float) -> None:
        self.warmup_steps = warmup_steps
        self.total_steps = total_steps
        self.floor = floor

    def __call__(self, step: int) -> float:
        if step < self.warmup_steps:
            return (step + 1) / (self.warmup_steps + 1)
        share = min(1.0, (step - self.warmup_steps) / (self.total_steps - self.warmup_steps))
        return self.floor + (1 - self.floor) * (1 + math.cos(math.pi * share)) / 2


def warmup_cosine(optimizer: Optimizer, total_steps: int | None, warmup: float = 0.1, floor: float = 0.0) -> LambdaLR:
    """Climb over the share ``warmup`` of ``total_steps``, then fall to ``floor`` of the peak; per update.

    Raises:
        InputError: ``total_steps`` is not known.
    """
    if not total_steps:
        rule = "the length of the run must be known"
        raise InputError(Problem("scheduler.total_steps", str(total_steps), rule, "Keep ${total_steps}."))
    factor = WarmupCosine(min(round(warmup * total_steps), total_steps - 1), total_steps, floor)
    return LambdaLR(optimizer, [factor] * len(optimizer.param_groups))
