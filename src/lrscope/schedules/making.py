"""Makes the torch scheduler of a schedule that is plain data, without Hydra."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from lrscope.core.errors import InputError
from lrscope.schedules.rules import arguments, problems


def make(schedule: Mapping[str, Any], optimizer: Optimizer) -> LRScheduler | None:
    """The scheduler over all groups of ``optimizer``; None for a schedule without a ``_target_`` (constant).

    Raises:
        InputError: an argument breaks a rule; what the class itself refuses is raised as it comes.
    """
    if not schedule.get("_target_"):
        return None
    if found := problems(schedule, peak=float(optimizer.param_groups[0]["lr"])):
        raise InputError(found)
    module, _, name = schedule["_target_"].rpartition(".")
    made: LRScheduler = getattr(import_module(module), name)(optimizer, **arguments(schedule))
    return made
