"""One update and the moves of a schedule, before a run is made: what raises would crash it."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from lrscope.config.instantiate import reason_of
from lrscope.core.errors import InputError, Problem
from lrscope.training.generators import quietly

MOST_MOVES = 2000
"""Of a schedule that are tried."""


def try_step(
    optimizer: Optimizer, schedule: LRScheduler | ReduceLROnPlateau | None, target: str, moves: int = 1
) -> None:
    """One update with the gradients that the network holds, and the moves of the schedule.

    Args:
        target: of the optimizer, for the words of a problem.
        moves: how often a schedule of the user's own moves in the run.

    Raises:
        InputError: one of them raises, or the optimizer never asks for the loss.
    """
    asked: list[bool] = []

    def closure() -> Any:
        asked.append(True)
        return torch.zeros(())

    with quietly(torch.device("cpu")):
        if not any(parameter.grad is not None for group in optimizer.param_groups for parameter in group["params"]):
            raise _refused_update(target, "holds none of the network's parameters")
        try:
            optimizer.step(closure=closure)
        except (Exception, SystemExit) as error:
            raise _refused_update(target, f"cannot make an update ({reason_of(error)})") from error
        if not asked:
            raise _refused_update(target, "never calls the closure that its step is given, which computes the loss")
        if schedule is not None:
            _try_moves(optimizer, schedule, moves)


def _try_moves(optimizer: Optimizer, schedule: LRScheduler | ReduceLROnPlateau, moves: int) -> None:
    name = type(schedule).__name__
    if schedule.optimizer is not optimizer:
        remedy = "Make it over the optimizer that it is given."
        raise InputError(Problem("scheduler", name, "moves the rate of another optimizer", remedy))
    looks_at = (0.0,) if isinstance(schedule, ReduceLROnPlateau) else ()
    for move in range(1, min(moves, MOST_MOVES) + 1):
        try:
            schedule.step(*looks_at)
        except (Exception, SystemExit) as error:
            rule = f"cannot move on ({reason_of(error)}{f'; at its move {move}' if move > 1 else ''})"
            raise InputError(Problem("scheduler", name, rule, "Try scheduler=constant.")) from error
        wrong = [float(group["lr"]) for group in optimizer.param_groups if not 0 <= float(group["lr"]) < math.inf]
        if wrong:
            rule = f"sets the rate to {wrong[0]:.4g} at its move {move}"
            raise InputError(Problem("scheduler", name, rule, "A rate is a finite number, 0 or above."))


def _refused_update(target: str, rule: str) -> InputError:
    other = "sgd" if target.startswith("torch.optim.Adam") else "adam"
    remedy = f"Choose another, e.g. optimizer={other}; your own takes step(closure)."
    return InputError(Problem("optimizer._target_", target, rule, remedy))
