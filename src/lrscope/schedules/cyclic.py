"""torch's CyclicLR with its half-cycle in epochs and its top at the optimizer's rate."""

from __future__ import annotations

from typing import Literal

from torch.optim import Optimizer
from torch.optim.lr_scheduler import CyclicLR

from lrscope.core.errors import InputError, Problem

BASE_SHARE = 0.1
"""Bottom of the cycle as a share of its top, where no ``base_lr`` is given."""


def cyclic(
    optimizer: Optimizer,
    steps_per_epoch: int | None,
    mode: Literal["triangular", "triangular2", "exp_range"] = "triangular",
    half_cycle_epochs: float = 2,
    base_lr: float | None = None,
    gamma: float = 1.0,
    cycle_momentum: bool = False,
    base_momentum: float = 0.8,
    max_momentum: float = 0.9,
) -> CyclicLR:
    """Climb from ``base_lr`` to the optimizer's rate in ``half_cycle_epochs``, and back; stepped per update.

    Smith 2017 (arXiv 1506.01186): ``triangular`` repeats, ``triangular2`` halves the height each cycle,
    ``exp_range`` scales the height of step ``t`` by ``gamma ** t``.

    Raises:
        InputError: ``steps_per_epoch`` is not known.
    """
    if not steps_per_epoch:
        rule = "the updates of an epoch must be known"
        remedy = "Keep ${steps_per_epoch}."
        raise InputError(Problem("scheduler.steps_per_epoch", str(steps_per_epoch), rule, remedy))
    tops = [group["lr"] for group in optimizer.param_groups]
    return CyclicLR(
        optimizer,
        base_lr=[BASE_SHARE * top if base_lr is None else base_lr for top in tops],
        max_lr=tops,
        step_size_up=max(1, round(half_cycle_epochs * steps_per_epoch)),
        mode=mode,
        gamma=gamma,
        cycle_momentum=cycle_momentum,
        base_momentum=base_momentum,
        max_momentum=max_momentum,
    )
