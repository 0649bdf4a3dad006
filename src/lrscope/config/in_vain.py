"""Keys that were typed and that no run of the command would read, for want of another key."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from lrscope.core.errors import Problem
from lrscope.schedules.rules import PLATEAU

CYCLIC = "lrscope.schedules.cyclic.cyclic"


@dataclass(frozen=True)
class Need:
    """A key that ends in a star stands for all keys below it."""

    key: str
    is_met: Callable[[Any], bool]
    rule: str
    remedy: str


_MOMENTUM = "has an effect with cycle_momentum only", "Add scheduler.cycle_momentum=true."
_STOPPING = "has an effect with early stopping only", "Add callbacks.early_stopping.enabled=true."

NEEDS = (
    Need(
        "scheduler.*",
        lambda cfg: cfg.scheduler.get("_target_") is not None,
        "a constant rate reads no such key",
        "Choose a schedule, e.g. scheduler=cosine, or leave it out.",
    ),
    Need(
        "scheduler.monitor",
        lambda cfg: cfg.scheduler.get("_target_") in (None, PLATEAU) or not _is_torchs(cfg.scheduler._target_),
        "only scheduler=plateau looks at a metric",
        "Choose scheduler=plateau, or leave it out.",
    ),
    Need("scheduler.base_momentum", lambda cfg: cfg.scheduler.get("cycle_momentum", True), *_MOMENTUM),
    Need("scheduler.max_momentum", lambda cfg: cfg.scheduler.get("cycle_momentum", True), *_MOMENTUM),
    Need(
        "scheduler.gamma",
        lambda cfg: cfg.scheduler.get("_target_") != CYCLIC or cfg.scheduler.get("mode") == "exp_range",
        "has an effect with scheduler.mode=exp_range only",
        "Add scheduler.mode=exp_range.",
    ),
    Need("callbacks.early_stopping.monitor", lambda cfg: cfg.callbacks.early_stopping.enabled, *_STOPPING),
    Need("callbacks.early_stopping.patience", lambda cfg: cfg.callbacks.early_stopping.enabled, *_STOPPING),
    Need("callbacks.early_stopping.min_delta", lambda cfg: cfg.callbacks.early_stopping.enabled, *_STOPPING),
    Need("callbacks.early_stopping.mode", lambda cfg: cfg.callbacks.early_stopping.enabled, *_STOPPING),
    Need(
        "callbacks.stop_grace_epochs",
        lambda cfg: any(str(name) != "diverged" for name in cfg.callbacks.stop_when),
        "a divergence stops a run at once; other verdicts wait for it",
        "Add callbacks.stop_when=[diverged,collapsed].",
    ),
    Need(
        "callbacks.checkpoint.monitor",
        lambda cfg: cfg.callbacks.checkpoint.best,
        "the best epoch is not kept with callbacks.checkpoint.best=false",
        "Leave one of the two out.",
    ),
    Need(
        "trainer.gradient_clip_algorithm",
        lambda cfg: cfg.trainer.gradient_clip_val is not None,
        "has an effect with a limit only",
        "Add trainer.gradient_clip_val=1.",
    ),
)
"""What must be so for a key to be read."""

_NAMES = ("scheduler.name", "scheduler._target_")


def typed_in_vain(runs: Iterable[tuple[Any, Sequence[str]]]) -> list[Problem]:
    """The keys that were typed and that none of these runs reads. One of a sweep whose other members read it is fine.

    Args:
        runs: each run's config and its overrides as typed.
    """
    vain: dict[str, Problem] = {}
    read: set[str] = set()
    for cfg, overrides in runs:
        for override in overrides:
            key, _, value = override.lstrip("+").partition("=")
            need = next((need for need in NEEDS if _is_about(need, key) and not _is_met(need, cfg)), None)
            if need is None:
                read.add(key)
            else:
                vain.setdefault(key, Problem(key, value, need.rule, need.remedy))
    return [problem for key, problem in vain.items() if key not in read]


def _is_met(need: Need, cfg: Any) -> bool:
    from omegaconf.errors import OmegaConfBaseException

    try:
        return bool(need.is_met(cfg))
    except OmegaConfBaseException:
        return True  # a config that is broken: the check on paper says how


def _is_about(need: Need, key: str) -> bool:
    if need.key.endswith("*"):
        return key.startswith(need.key[:-1]) and key not in _NAMES
    return key == need.key


def _is_torchs(target: str) -> bool:
    return str(target).startswith(("torch.", "lrscope."))
