"""The peak rate of a config set in optimizers, and schedules over them, that were made at another one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from torch.optim import Optimizer

OF_GROUP = ("lr", "initial_lr", "max_lr", "min_lr")
"""Rates in a parameter group, torch's schedules' among them."""

OF_SCHEDULE = ("base_lrs", "max_lrs", "_last_lr")
"""Rates that torch's schedules remember, a list with one for each group."""


def set_rates(optimizers: Sequence[Optimizer], schedules: Iterable[Any], rate: float) -> None:
    """Bring the first group's peak to this rate, and every other rate in proportion: groups keep their ratios.

    Args:
        schedules: as Lightning takes them, plain or in a dict.
    """
    every = list(_each(schedules))
    tops = [s.max_lrs[0] for s in every if getattr(s, "optimizer", None) is optimizers[0] and hasattr(s, "max_lrs")]
    peak = float(tops[0]) if tops else peak_of(optimizers[0].param_groups[0])

    def scaled(value: float) -> float:
        return rate if value == peak else value * (rate / peak) if peak else rate

    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group.update({key: scaled(float(group[key])) for key in OF_GROUP if key in group})
    for schedule in every:
        for key in OF_SCHEDULE:
            if isinstance(held := getattr(schedule, key, None), list):
                setattr(schedule, key, [scaled(float(value)) for value in held])


def peak_of(group: dict[str, Any]) -> float:
    """The rate that a group was made with: a schedule may have moved it already, or have a top of its own."""
    return float(group.get("max_lr", group.get("initial_lr", group["lr"])))


def _each(schedules: Iterable[Any]) -> Iterator[Any]:
    for one in schedules:
        schedule = one["scheduler"] if isinstance(one, dict) else one
        yield schedule
        yield from _each(getattr(schedule, "_schedulers", ()))
