"""The rates of all members, driven by torch's own schedulers."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

Scheduler = LRScheduler | ReduceLROnPlateau

_PER_GROUP = frozenset({"base_lrs", "_last_lr", "lr_lambdas", "max_lrs", "base_momentums", "max_momentums"})
"""Attributes of torch's schedulers that hold one entry per parameter group; the rest belongs to the scheduler."""

_NOT_SHARED = frozenset({"optimizer", "_scale_fn_ref", "_schedulers"})
"""References that every scheduler keeps to its own."""


@dataclass(frozen=True)
class Schedule:
    """A member's schedule as its single run would have it: the scheduler, when it moves, and on which metric."""

    scheduler: Scheduler
    interval: str = "step"
    """``step`` or ``epoch``."""
    monitor: str | None = None


class _Groups:
    """What a merged scheduler takes for its optimizer: the parameter groups of several, and a step that was
    taken.
    """

    def __init__(self, optimizers: Sequence[Optimizer]) -> None:
        self.param_groups = [group for optimizer in optimizers for group in optimizer.param_groups]
        self.defaults = optimizers[0].defaults
        self._opt_called = True

    def step(self) -> None:
        """Never called; torch looks whether a scheduler has wrapped it."""

    step._wrapped_by_lr_sched = True  # type: ignore[attr-defined]


@dataclass(frozen=True)
class _Driver:
    """One scheduler and the members (rows) whose rates it sets, in the order of its groups."""

    scheduler: Scheduler
    rows: tuple[int, ...]
    interval: str
    monitor: str | None


class Rates:
    """Steps the members' schedules; ``current`` holds the rate of every member as the Python float that torch made, of
    the first parameter group where there are several; ``by_group`` those of each group.

    torch's schedulers act per parameter group, so members whose schedules differ in nothing but what belongs to
    the group (the peak rate) share one scheduler with a group each: a step costs one call, not one per member.
    Plateau schedules look at a metric of their own and stay apart. The groups are those of the members'
    optimizers: whatever a schedule writes (rates, cycled momenta) stands where a single run has it. Constant
    rates cost nothing."""

    def __init__(self, optimizers: Sequence[Optimizer], schedules: Sequence[Schedule | None]) -> None:
        self._optimizers = list(optimizers)
        self._schedules = list(schedules)
        self._begin()

    def after_step(self) -> bool:
        """An update was made; whether any rate may have changed."""
        return self._advance("step", None)

    def after_epoch(self, metrics: Sequence[Mapping[str, float]]) -> bool:
        """An epoch has ended with these metrics, one mapping per member; whether any rate may have changed.

        Raises:
            KeyError: a plateau schedule's metric is not among them.
        """
        return self._advance("epoch", metrics)

    def keep(self, rows: Sequence[int]) -> None:
        """Drop all members but these."""
        for row in rows:
            self.scheduler_of(row)
        self._optimizers = [self._optimizers[row] for row in rows]
        self._schedules = [self._schedules[row] for row in rows]
        self._begin()

    def scheduler_of(self, row: int) -> Scheduler | None:
        """A member's own scheduler in the state that its single run would have it in now."""
        schedule = self._schedules[row]
        if schedule is None:
            return None
        driver, position = self._places[row]
        _separate(driver.scheduler, position, schedule.scheduler)
        return schedule.scheduler

    def _begin(self) -> None:
        for optimizer in self._optimizers:
            optimizer._opt_called = True  # type: ignore[attr-defined]
        self._drivers = _drivers(self._optimizers, self._schedules)
        self._places = {row: (driver, k) for driver in self._drivers for k, row in enumerate(driver.rows)}
        self.moves_momentum = any(getattr(d.scheduler, "cycle_momentum", False) for d in self._drivers)
        self.current = self._read()

    def _read(self) -> list[float]:
        groups = zip(*(optimizer.param_groups for optimizer in self._optimizers), strict=True)
        self.by_group = [[float(own["lr"]) for own in members] for members in groups]
        return self.by_group[0]

    def _advance(self, interval: str, metrics: Sequence[Mapping[str, float]] | None) -> bool:
        moved = False
        for driver in self._drivers:
            if driver.interval != interval:
                continue
            moved = True
            if isinstance(driver.scheduler, ReduceLROnPlateau):
                assert metrics is not None and driver.monitor is not None
                driver.scheduler.step(metrics[driver.rows[0]][driver.monitor])
            else:
                driver.scheduler.step()
        if moved:
            self.current = self._read()
        return moved


def _drivers(optimizers: Sequence[Optimizer], schedules: Sequence[Schedule | None]) -> list[_Driver]:
    alike: dict[object, list[int]] = {}
    for row, schedule in enumerate(schedules):
        if schedule is not None:
            key: object = (schedule.interval, _shared(schedule.scheduler)) if _mergeable(schedule.scheduler) else row
            alike.setdefault(key, []).append(row)
    drivers = []
    for rows in alike.values():
        members = [schedule for row in rows if (schedule := schedules[row]) is not None]
        scheduler = members[0].scheduler
        if len(rows) > 1:
            scheduler = _merged([m.scheduler for m in members], _Groups([optimizers[row] for row in rows]))
        drivers.append(_Driver(scheduler, tuple(rows), members[0].interval, members[0].monitor))
    return drivers


def _mergeable(scheduler: Scheduler) -> bool:
    """Whether the class is one of torch's, whose attributes are known, and looks at no metric."""
    if isinstance(scheduler, ReduceLROnPlateau) or type(scheduler).__module__ != LRScheduler.__module__:
        return False
    return all(_mergeable(part) for part in getattr(scheduler, "_schedulers", ()))


def _shared(scheduler: Scheduler) -> str:
    """Everything that does not belong to a group, as a text that is equal for schedulers that can be merged."""
    shared = {k: v for k, v in vars(scheduler).items() if k not in _PER_GROUP | _NOT_SHARED}
    parts = [_shared(part) for part in getattr(scheduler, "_schedulers", ())]
    return f"{type(scheduler).__name__} {sorted(shared.items(), key=lambda item: item[0])} {parts}"


def _merged(schedulers: Sequence[Scheduler], groups: _Groups) -> Scheduler:
    """One scheduler over the groups of several that share everything else."""
    merged = copy.copy(schedulers[0])
    merged.optimizer = groups  # type: ignore[assignment]
    for name in _PER_GROUP & vars(merged).keys():
        setattr(merged, name, [entry for scheduler in schedulers for entry in getattr(scheduler, name)])
    if hasattr(merged, "_schedulers"):
        chains = zip(*(vars(scheduler)["_schedulers"] for scheduler in schedulers), strict=True)
        merged._schedulers = [_merged(parts, groups) for parts in chains]
    return merged


def _separate(merged: Scheduler, position: int, own: Scheduler) -> None:
    """Bring a member's own scheduler to the state of the merged one."""
    if merged is own:
        return
    groups = len(own.optimizer.param_groups)
    for name, value in vars(merged).items():
        if name not in _NOT_SHARED:
            mine = slice(position * groups, (position + 1) * groups)
            setattr(own, name, list(value[mine]) if name in _PER_GROUP else copy.copy(value))
    for part, own_part in zip(getattr(merged, "_schedulers", ()), getattr(own, "_schedulers", ()), strict=True):
        _separate(part, position, own_part)
