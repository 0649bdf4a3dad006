"""The whole curve of a schedule, without training: it is stepped on an optimizer that has nothing to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.optim.lr_scheduler import ReduceLROnPlateau

from lrscope.schedules.making import make
from lrscope.schedules.stepping import Interval, stepping


def rates(
    schedule: Mapping[str, Any],
    peak: float,
    steps_per_epoch: int,
    total_steps: int,
    metric: Sequence[float] | None = None,
) -> NDArray[np.float64]:
    """The rate of every update: float64 [total_steps], element 0 that of the first one.

    Args:
        schedule: resolved, as a run with these numbers of steps would have it.
        metric: of each epoch, for a schedule that waits for one; None keeps it flat, so it cuts when it can.

    Raises:
        InputError: an argument of the schedule is wrong.
    """
    # Momentum, so that a schedule which cycles it finds one.
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=peak, momentum=0.9)
    scheduler = make(schedule, optimizer)
    optimizer.step()  # does nothing without gradients; torch warns where a schedule is stepped before it
    per_update = stepping(schedule).interval is Interval.STEP
    curve = np.empty(total_steps)
    for step in range(total_steps):
        curve[step] = optimizer.param_groups[0]["lr"]
        epoch, last_of_epoch = step // steps_per_epoch, (step + 1) % steps_per_epoch == 0
        if scheduler is None or not (per_update or last_of_epoch):
            continue
        if isinstance(scheduler, ReduceLROnPlateau):
            scheduler.step(1.0 if metric is None else metric[epoch])
        else:
            scheduler.step()
    return curve
