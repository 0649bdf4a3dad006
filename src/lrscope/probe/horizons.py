"""Copies of one start, each at a rate of its own, to where their losses are compared at several short horizons."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import torch
from torch import Tensor

from lrscope.batched.model.memory import most_members
from lrscope.core.trials import RATE
from lrscope.probe.continue_training import Update, in_updates
from lrscope.probe.copies import Copies, bytes_of, copies_of
from lrscope.probe.horizon_plan import HorizonPlan
from lrscope.probe.trial_start import Change, TrialStart
from lrscope.training import threads
from lrscope.training.generators import untouched_generators


@dataclass(eq=False)
class CopyRecord:
    """What was seen of one copy: the loss before training, the training losses on its longest way, and the loss at the
    end of each branch, inf once it diverged.
    """

    rate: float
    start: float
    ends: list[float] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)


def to_horizons(start: TrialStart, plan: HorizonPlan, key: str, stop: Callable[[], object]) -> list[CopyRecord] | None:
    """Train the copies of a plan to the end of each of its branches, as many at a time as fit into memory.

    Args:
        start: its ``examples`` are those that the losses are of.
        key: of the config, that sets the rate.

    Returns:
        One record a rate; None for a signal.
    """
    records: list[CopyRecord] = []
    with untouched_generators():
        members = [start.member(Change(RATE, {key: rate})) for rate in plan.rates]
        network, inputs = members[0].network, start.examples.inputs
        most = most_members(bytes_of(network, inputs).of_batch(start.batch_size), start.device)
        at_once = min(most, len(members))
        fitting = threads.fitting(network, inputs[:1], start.batch_size * at_once) if start.free_threads else None
        with threads.at(fitting):
            for first in range(0, len(members), at_once):
                piece = slice(first, first + at_once)
                found = _Way(start, plan, plan.rates[piece], copies_of(start, members[piece]), stop).run()
                if found is None:
                    return None
                records += found
    return records


class _Way:
    """Copies under way. What has diverged is dropped at the end of a branch."""

    def __init__(
        self,
        start: TrialStart,
        plan: HorizonPlan,
        rates: Sequence[float],
        copies: Copies,
        stop: Callable[[], object],
    ) -> None:
        self._start, self._plan, self._copies, self._stop = start, plan, copies, stop
        pairs = zip(rates, copies.evaluate(), strict=True)
        self._records = [CopyRecord(rate, own.loss) for rate, own in pairs]
        self._alive = list(self._records)

    def run(self) -> list[CopyRecord] | None:
        done = 0
        self._at(1.0)
        for number, branch in enumerate(self._plan.branches):
            trunk = self._train(done, [1.0] * (branch.start - done))
            if trunk is None:
                return None
            done = branch.start
            snapshot = self._copies.snapshot() if branch.shares else None
            ahead = self._train(done, branch.shares)
            if ahead is None:
                return None
            self._look()
            is_last = number == len(self._plan.branches) - 1
            self._keep_losses([*trunk, *ahead] if is_last else trunk)
            if is_last:
                break
            self._go_back(snapshot)
            if not self._alive:
                break
        for record in self._records:
            record.ends += [math.inf] * (len(self._plan.branches) - len(record.ends))
        return self._records

    def _train(self, done: int, shares: Sequence[float]) -> list[Tensor] | None:
        """An update for each share of the full rates; the losses of each. None for a signal."""
        losses, now = [], 1.0
        for share, batches in zip(shares, self._updates(done), strict=False):
            if self._stop():
                return None
            if share != now:
                self._at(share)
                now = share
            losses.append(self._copies.update(batches))
        return losses

    def _updates(self, done: int) -> Iterator[Update]:
        first, skipped = divmod(done, self._start.updates)
        return islice(in_updates(self._start.epoch, first, self._start.accumulate), skipped, None)

    def _at(self, share: float) -> None:
        self._copies.at_rates([record.rate * share for record in self._alive])

    def _look(self) -> None:
        for record, own in zip(self._alive, self._copies.evaluate(), strict=True):
            record.ends.append(own.loss if math.isfinite(own.loss) else math.inf)

    def _keep_losses(self, losses: Sequence[Tensor]) -> None:
        if losses:
            for record, own in zip(self._alive, torch.stack(list(losses)).T.tolist(), strict=True):
                record.losses += own

    def _go_back(self, snapshot: Any) -> None:
        """To the trunk, with those that have not diverged."""
        if snapshot is not None:
            self._copies.restore(snapshot)
        rows = [row for row, record in enumerate(self._alive) if math.isfinite(record.ends[-1])]
        if 0 < len(rows) < len(self._alive):
            self._copies.keep(rows)
        self._alive = [self._alive[row] for row in rows]
        if self._alive:
            self._at(1.0)
