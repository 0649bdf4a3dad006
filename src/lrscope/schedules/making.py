"""Makes the torch scheduler of a schedule, and puts what is wrong with its arguments in plain words."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from lrscope.errors import InputError, Problem
from lrscope.schedules.rules import arguments, problems


def make(schedule: Mapping[str, Any], optimizer: Optimizer) -> LRScheduler | None:
    """The scheduler over all groups of ``optimizer``; None for a schedule without a ``_target_`` (constant).

    Raises:
        InputError: an argument is unknown, missing, out of its range or refused by the class.
    """
    if not schedule.get("_target_"):
        return None
    given = arguments(schedule)
    factory = _located(schedule["_target_"])
    if found := problems(schedule, peak=float(optimizer.param_groups[0]["lr"])):
        raise InputError(found)
    name = schedule.get("name") or schedule["_target_"]
    try:
        inspect.signature(factory).bind(optimizer, **given)
    except TypeError as error:
        known = [parameter for parameter in inspect.signature(factory).parameters if parameter != "optimizer"]
        raise InputError(Problem("scheduler", name, str(error), f"It takes {', '.join(known)}.")) from error
    try:
        return factory(optimizer, **given)
    except (TypeError, ValueError, ArithmeticError) as error:
        remedy = f"Look at the arguments: {given}."
        raise InputError(Problem("scheduler", name, str(error) or type(error).__name__, remedy)) from error


def _located(target: str) -> Any:
    module, _, name = target.rpartition(".")
    try:
        return getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        remedy = "Use a full name, e.g. torch.optim.lr_scheduler.StepLR."
        raise InputError(Problem("scheduler._target_", target, f"cannot be imported ({error})", remedy)) from error
