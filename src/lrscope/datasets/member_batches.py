"""The batches of all members: the same for all where their seeds are equal, each member's own where they differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from lrscope.datasets.data import Part
from lrscope.datasets.index_batches import IndexBatches, order

Batch = tuple[Tensor, Tensor]


class MemberBatches:
    """Epoch by epoch the batches that every member would see alone, in the order of its seed.

    Inputs [B, ...] and targets [B] that all members share; or, where the seeds of the members differ (``own``),
    inputs [M, B, ...] and targets [M, B]. That is settled at the start: it stays so when members are dropped.

    Args:
        batch_size: examples of one update; None takes all of them.
        seeds: of every member.
        most: batches of an epoch at most; None takes all.
    """

    def __init__(self, part: Part, batch_size: int | None, seeds: Sequence[int], most: int | None = None) -> None:
        self.part = part
        self._seeds = list(seeds)
        self._shared = IndexBatches(part, batch_size, self._seeds[0])
        self._most = most
        self._orders: Tensor | None = None
        self.own = len(set(self._seeds)) > 1

    def __len__(self) -> int:
        return len(self._shared) if self._most is None else min(len(self._shared), self._most)

    def examples(self, number: int) -> int:
        """How many examples batch ``number`` of an epoch holds: the last one may be smaller."""
        return min(self._shared.batch_size, len(self.part) - number * self._shared.batch_size)

    def examples_until(self, done: int) -> int:
        """How many examples the first ``done`` batches of an epoch hold."""
        return min(done * self._shared.batch_size, len(self.part))

    def epoch(self, epoch: int, done: int = 0) -> Iterator[Batch]:
        """The batches of that epoch after the first ``done``."""
        batches = self._own_epoch(epoch, done) if self.own else self._shared_epoch(epoch, done)
        for number, batch in enumerate(batches, start=done):
            if number == len(self):
                return
            yield batch

    def keep(self, rows: Sequence[int]) -> None:
        """Drop all members but these, from the next batch on."""
        self._seeds = [self._seeds[row] for row in rows]
        if self._orders is not None:
            self._orders = self._orders[list(rows)]

    def _shared_epoch(self, epoch: int, done: int) -> Iterator[Batch]:
        self._shared.load_state_dict({"epoch": epoch, "batches": done})
        return iter(self._shared)

    def _own_epoch(self, epoch: int, done: int) -> Iterator[Batch]:
        inputs, targets = self.part.inputs, self.part.targets
        orders = {seed: order(seed, epoch, len(self.part)) for seed in set(self._seeds)}
        self._orders = torch.stack([orders[seed] for seed in self._seeds]).to(inputs.device)
        size = self._shared.batch_size
        for first in range(done * size, len(self.part), size):
            chosen = self._orders[:, first : first + size]
            flat = chosen.flatten()
            yield (
                inputs.index_select(0, flat).unflatten(0, chosen.shape),
                targets.index_select(0, flat).unflatten(0, chosen.shape),
            )
