"""What may be wrong with the arguments of the schedules that ship; needs no torch, so a check is instant."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lrscope.core.as_typed import as_typed
from lrscope.core.errors import Problem

NOT_ARGUMENTS = frozenset({"name", "interval", "monitor", "frequency"})
"""Keys of a schedule that say how it is called and stepped. All others are arguments of the class it names."""

INTERVALS = ("step", "epoch")


def arguments(schedule: Mapping[str, Any]) -> dict[str, Any]:
    """What the class of that schedule is called with, beside the optimizer."""
    return {key: value for key, value in schedule.items() if key not in NOT_ARGUMENTS and key != "_target_"}


@dataclass(frozen=True)
class Bound:
    """A rule for one number."""

    holds: Callable[[float], bool]
    rule: str
    example: str


ABOVE_ZERO = Bound(lambda x: x > 0, "must be above 0", "0.5")
AT_LEAST_ZERO = Bound(lambda x: x >= 0, "must be 0 or above", "0")
WHOLE_ABOVE_ZERO = Bound(lambda x: x >= 1 and x == int(x), "must be a whole number above 0", "10")
WHOLE = Bound(lambda x: x >= 0 and x == int(x), "must be a whole number, 0 or above", "5")
BETWEEN = Bound(lambda x: 0 < x < 1, "must lie between 0 and 1", "0.5")
UP_TO_ONE = Bound(lambda x: 0 < x <= 1, "must be above 0 and at most 1", "0.96")
SHARE = Bound(lambda x: 0 <= x < 1, "must be 0 or above and below 1", "0.1")
ABOVE_ONE = Bound(lambda x: x > 1, "must be above 1", "25")

TORCH = "torch.optim.lr_scheduler."
PLATEAU = TORCH + "ReduceLROnPlateau"
MOMENTA = {"base_momentum": SHARE, "max_momentum": SHARE}
"""From 1 on, what a step adds never fades."""
BOUNDS: dict[str, dict[str, Bound]] = {
    TORCH + "StepLR": {"step_size": WHOLE_ABOVE_ZERO, "gamma": ABOVE_ZERO},
    TORCH + "MultiStepLR": {"gamma": ABOVE_ZERO},
    TORCH + "CosineAnnealingLR": {"T_max": WHOLE_ABOVE_ZERO, "eta_min": AT_LEAST_ZERO},
    PLATEAU: {
        "factor": BETWEEN,
        "patience": WHOLE,
        "cooldown": WHOLE,
        "threshold": AT_LEAST_ZERO,
        "min_lr": AT_LEAST_ZERO,
    },
    TORCH + "OneCycleLR": {
        "total_steps": WHOLE_ABOVE_ZERO,
        "max_lr": ABOVE_ZERO,
        "pct_start": BETWEEN,
        "div_factor": ABOVE_ONE,
        "final_div_factor": ABOVE_ONE,
        **MOMENTA,
    },
    "lrscope.schedules.exponential.exponential": {"decay_rate": ABOVE_ZERO, "decay_steps": WHOLE_ABOVE_ZERO},
    "lrscope.schedules.warmup_cosine.warmup_cosine": {
        "total_steps": WHOLE_ABOVE_ZERO,
        "warmup": SHARE,
        "floor": SHARE,
    },
    "lrscope.schedules.cyclic.cyclic": {
        "half_cycle_epochs": ABOVE_ZERO,
        "base_lr": AT_LEAST_ZERO,
        "gamma": UP_TO_ONE,
        "steps_per_epoch": WHOLE_ABOVE_ZERO,
        **MOMENTA,
    },
}
CHOICES: dict[str, dict[str, tuple[str, ...]]] = {
    PLATEAU: {"mode": ("min", "max"), "threshold_mode": ("rel", "abs")},
    TORCH + "OneCycleLR": {"anneal_strategy": ("cos", "linear")},
    "lrscope.schedules.cyclic.cyclic": {"mode": ("triangular", "triangular2", "exp_range")},
}
ONE_EACH = ("max_lr", "min_lr")
"""Arguments that may be a list, of a number for each parameter group."""
BELOW_PEAK = ("base_lr", "min_lr", "eta_min")
"""Arguments that name the bottom of a curve whose top is the peak rate."""


def problems(schedule: Mapping[str, Any], peak: float | None = None) -> list[Problem]:
    """Everything that is wrong with the schedule's numbers; None is left to whoever fills it in.

    Args:
        peak: the ``lr`` of the run, to hold lower ends against; None leaves these out.
    """
    target, given = schedule.get("_target_") or "", arguments(schedule)
    found = _stepping_problems(schedule)
    for key, bound in BOUNDS.get(target, {}).items():
        if given.get(key) is None or (key in ONE_EACH and isinstance(given[key], list)):
            continue
        if not _is_number(given[key], bound):
            found.append(_problem(key, given[key], bound.rule, bound.example))
    for key, choices in CHOICES.get(target, {}).items():
        if key in given and given[key] not in choices:
            found.append(_problem(key, given[key], f"must be one of {', '.join(choices)}", choices[0]))
    if target == TORCH + "MultiStepLR" and "milestones" in given:
        found += _milestone_problems(given["milestones"])
    if target in BOUNDS and peak is not None:
        found += _bottom_problems(given, peak)
    return found


def _is_number(value: Any, bound: Bound) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return False
    return bound.holds(value)


def _problem(key: str, value: Any, rule: str, example: str) -> Problem:
    return Problem(f"scheduler.{key}", as_typed(value), rule, f"Use e.g. scheduler.{key}={example}.")


def _stepping_problems(schedule: Mapping[str, Any]) -> list[Problem]:
    found = []
    if schedule.get("interval", "epoch") not in INTERVALS:
        found.append(_problem("interval", schedule["interval"], "must be step or epoch", "epoch"))
    if schedule.get("frequency") is not None and not _is_number(schedule["frequency"], WHOLE_ABOVE_ZERO):
        found.append(_problem("frequency", schedule["frequency"], WHOLE_ABOVE_ZERO.rule, "1"))
    if schedule.get("_target_") == PLATEAU:
        if not schedule.get("monitor"):
            found.append(_problem("monitor", schedule.get("monitor"), "must name a metric", "val/loss"))
        if schedule.get("interval") == "step":
            found.append(_problem("interval", "step", "its metric exists once an epoch", "epoch"))
    return found


def _milestone_problems(milestones: Any) -> list[Problem]:
    whole = isinstance(milestones, list | tuple) and all(_is_number(m, WHOLE_ABOVE_ZERO) for m in milestones)
    if whole and milestones and list(milestones) == sorted(set(milestones)):
        return []
    return [_problem("milestones", milestones, "must be whole numbers above 0 that rise", "[10,20]")]


def _bottom_problems(given: Mapping[str, Any], peak: float) -> list[Problem]:
    return [
        _problem(key, given[key], f"lies above the peak rate lr={peak:g}", f"{peak / 10:g}")
        for key in BELOW_PEAK
        if _is_number(given.get(key), AT_LEAST_ZERO) and given[key] > peak
    ]
