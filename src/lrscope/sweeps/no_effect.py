"""Axes of a sweep that change nothing: members that would be the same training over and over."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lrscope.config.given_paths import KEYS as FILES
from lrscope.core.errors import Problem
from lrscope.core.fingerprint import digest_without, relevant
from lrscope.core.run_facts import RATE_KEYS

if TYPE_CHECKING:
    from omegaconf import DictConfig
    from torch.optim import Optimizer
    from torch.optim.lr_scheduler import LRScheduler

MOVES = 32
"""So many moves of two schedules are compared."""

Leaves = Mapping[str, Any]

_UNREAD: tuple[tuple[Callable[[Leaves], bool], tuple[str, ...], str], ...] = (
    (lambda _: True, ("lr",), "nothing refers to ${lr}"),
    (
        lambda c: (
            c.get("scheduler.max_lr") is not None
            and str(c.get("scheduler._target_", "")).rsplit(".", 1)[-1] in ("OneCycleLR", "CyclicLR")
        ),
        ("lr", "optimizer.lr"),
        "scheduler.max_lr sets the rate",
    ),
    (
        lambda c: c.get("trainer.gradient_clip_val") is None,
        ("trainer.gradient_clip_algorithm",),
        "trainer.gradient_clip_val=null clips nothing",
    ),
    (
        lambda c: not c.get("callbacks.early_stopping.enabled"),
        tuple(f"callbacks.early_stopping.{key}" for key in ("monitor", "patience", "min_delta", "mode")),
        "callbacks.early_stopping.enabled is false",
    ),
    (
        lambda c: set(c.get("callbacks.stop_when") or ()) <= {"diverged"},
        ("callbacks.stop_grace_epochs",),
        "callbacks.stop_when names no verdict that waits",
    ),
    (
        lambda c: c.get("scheduler.cycle_momentum") is False,
        ("scheduler.base_momentum", "scheduler.max_momentum"),
        "scheduler.cycle_momentum is false",
    ),
    (
        lambda c: c.get("scheduler.mode") in ("triangular", "triangular2"),
        ("scheduler.gamma",),
        "scheduler.mode has no use for it",
    ),
)
"""When which keys are not read, and why. ``lr`` itself never is: others refer to it."""


def idle_axes(cfgs: Sequence[DictConfig]) -> list[Problem]:
    """Of members whose configs differ in nothing but keys that are not read, as far as it shows on paper."""
    alike: dict[str, list[Leaves]] = defaultdict(list)
    for cfg in cfgs:
        leaves = _leaves(cfg)
        alike[json.dumps(_read(leaves), sort_keys=True, default=str)].append(leaves)
    problems: dict[str, Problem] = {}
    for members in alike.values():
        values = {key: list(dict.fromkeys(str(m.get(key)) for m in members)) for key in members[0]}
        idle = sorted(key for key, seen in values.items() if len(seen) > 1)
        for key in [key for key in idle if key != "optimizer.lr" or "lr" not in idle]:
            problems.setdefault(key, _problem(key, values[key], _reason(key, members[0])))
    return list(problems.values())


def _leaves(cfg: DictConfig) -> dict[str, Any]:
    from omegaconf import OmegaConf

    tree: Any = OmegaConf.to_container(cfg, resolve=True)
    files = {f"dataset.{key}": value for key, value in tree["dataset"].items() if key in FILES}
    return relevant(tree) | files


def _read(leaves: Leaves) -> dict[str, Any]:
    unread = {key for applies, keys, _ in _UNREAD if applies(leaves) for key in keys}
    return {key: value for key, value in leaves.items() if key not in unread}


def _reason(key: str, leaves: Leaves) -> str:
    reasons = [why for applies, keys, why in _UNREAD if key in keys and applies(leaves)]
    if key == "lr" and len(reasons) == 1 and leaves.get("optimizer.lr") is not None:
        return f"optimizer.lr={leaves['optimizer.lr']:g} sets the rate"
    return reasons[-1]


def _problem(key: str, values: Sequence[object], reason: str) -> Problem:
    shown = ",".join(map(str, values))
    setter = reason.partition(" ")[0].partition("=")[0]
    remedy = f"Sweep {setter} instead, or leave it out." if setter in RATE_KEYS else f"Leave the axis {key} out."
    return Problem(key, shown, f"changes nothing between members of this sweep: {reason}", remedy)


def idle_rates(cfgs: Sequence[DictConfig]) -> list[Problem]:
    """Of members that differ in their rate and whose schedule makes the same rates of it, as it shows when both are
    made; their steps are filled in.
    """
    from omegaconf import OmegaConf

    groups: dict[str, list[DictConfig]] = defaultdict(list)
    for cfg in cfgs:
        if cfg.scheduler.get("_target_") is not None:
            tree: Any = OmegaConf.to_container(cfg, resolve=True)
            groups[digest_without(tree, RATE_KEYS)].append(cfg)
    problems = []
    for group in groups.values():
        low, high = min(group, key=lambda cfg: cfg.lr), max(group, key=lambda cfg: cfg.lr)
        if low.lr != high.lr and _first_rates(low) == _first_rates(high):
            target = str(low.scheduler._target_).rsplit(".", 1)[-1]
            reason = f"scheduler._target_={target} makes the same rates of them"
            problems.append(_problem("lr", (low.lr, high.lr), reason))
    return problems


def _first_rates(cfg: DictConfig) -> list[float] | None:
    """What the optimizer and the schedule of a config do to one parameter; None, unequal to all, where they cannot."""
    import torch

    from lrscope.training import build

    try:
        optimizer = build.optimizer(cfg, [torch.nn.Parameter(torch.zeros(2, 2))])
        schedule = build.schedule(cfg, optimizer)
        return _rates(optimizer, schedule)  # type: ignore[arg-type]
    except Exception:  # a part that needs more than that is tried on its own
        return [float("nan")]


def _rates(optimizer: Optimizer, schedule: LRScheduler) -> list[float]:
    import warnings

    from torch.optim.lr_scheduler import ReduceLROnPlateau

    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch wants an optimizer's step before a schedule's
        for _ in range(MOVES):
            found.append(float(optimizer.param_groups[0]["lr"]))
            if isinstance(schedule, ReduceLROnPlateau):
                break
            schedule.step()
    return found
