"""Batches of data in memory: index batches on the training device, in an order of (seed, epoch) alone.

A DataLoader costs several times the step of a small network. Here an epoch is one permutation and one gather
(one for several batches or for each where ``GATHER_BYTES`` does not hold them), and a batch is a view of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from types import SimpleNamespace
from typing import TypedDict

import torch
from torch import Tensor

from lrscope.core.errors import InputError, Problem
from lrscope.datasets.data import Part

GATHER_BYTES = 2**20
"""How much of an epoch is gathered at once. Measured: 2 µs a batch of digits against 11 with a gather each;
above some MiB fresh memory costs more than calls save (SIGNS: 140 µs a batch singly, 500 all at once)."""

Batch = tuple[Tensor, Tensor]


class Position(TypedDict):
    """Where an epoch was left: ``batches`` of ``epoch`` have been handed out."""

    epoch: int
    batches: int


def order(seed: int, epoch: int, n: int) -> Tensor:
    """The order of ``n`` examples in that epoch: int64 [n], on the CPU, the same on every machine."""
    digest = hashlib.blake2b(f"{seed}/{epoch}".encode(), digest_size=8).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(digest, "big") >> 1)
    return torch.randperm(n, generator=generator)


class IndexBatches:
    """The loader of one part: iterating gives ``(inputs [B, ...], targets [B, ...])`` for one epoch.

    The last batch is smaller where ``batch_size`` does not divide the examples (1,080 by 32: 33 of 32 and one
    of 24), unless ``drop_last``. With several processes (``world`` > 1) each takes its ``rank``'s share of
    every batch, so that the batches stay what they are with one; a batch that does not divide evenly repeats
    its first examples.

    Lightning calls ``set_epoch`` (through ``batch_sampler``) before an epoch, and ``state_dict`` and
    ``load_state_dict`` when a run is saved or resumed, within an epoch too.

    Args:
        batch_size: examples of one update; None takes all of them.

    Raises:
        InputError: ``batch_size`` is below 1 or above the number of examples.
    """

    def __init__(
        self,
        part: Part,
        batch_size: int | None = None,
        seed: int = 0,
        *,
        shuffle: bool = True,
        drop_last: bool = False,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        self.part = part
        self.batch_size = _checked(batch_size, len(part))
        self.seed = seed
        self.shuffle = shuffle
        self.drop_last = drop_last
        self.rank = rank
        self.world = world
        self._epoch = 0
        self._position = Position(epoch=0, batches=0)
        self._resume: Position | None = None

    def __len__(self) -> int:
        whole, rest = divmod(len(self.part), self.batch_size)
        return whole + (rest > 0 and not self.drop_last)

    @property
    def batch_sampler(self) -> SimpleNamespace:
        """Where Lightning looks for ``set_epoch``. Under ``sampler`` it would take this for a DataLoader."""
        return SimpleNamespace(sampler=self)

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of the next pass; without a call every pass has the order of epoch 0."""
        self._epoch = epoch

    def state_dict(self) -> Position:
        return self._position

    def load_state_dict(self, state: Position) -> None:
        """Continue that epoch after the batches handed out; any other epoch starts at its beginning."""
        self._position = self._resume = state
        self._epoch = state["epoch"]

    def __iter__(self) -> Iterator[Batch]:
        # A generator reads the epoch at its first batch: Lightning makes the iterator before set_epoch.
        epoch, resume = self._epoch, self._resume
        self._resume = None
        done = resume["batches"] if resume is not None and resume["epoch"] == epoch else 0
        for number, batch in enumerate(self._epoch_from(done), start=done + 1):
            self._position = Position(epoch=epoch, batches=number)
            yield batch

    def _epoch_from(self, done: int) -> Iterator[Batch]:
        inputs, targets = self.part.inputs, self.part.targets
        indices, size = self._own_share()
        indices = indices[done * size :].to(inputs.device)
        batch_bytes = inputs[:1].numel() * inputs.element_size() * size
        block = size * max(1, GATHER_BYTES // max(1, batch_bytes))
        for chosen in indices.split(block):
            gathered = inputs.index_select(0, chosen), targets.index_select(0, chosen)
            yield from zip(gathered[0].split(size), gathered[1].split(size), strict=True)

    def _own_share(self) -> tuple[Tensor, int]:
        """This process's indices of the whole epoch, and how many of them make a batch."""
        n = len(self.part)
        indices = order(self.seed, self._epoch, n) if self.shuffle else torch.arange(n)
        indices = indices[: len(self) * self.batch_size]
        if self.world == 1:
            return indices, self.batch_size
        shares = [_share(batch, self.rank, self.world) for batch in indices.split(self.batch_size)]
        return torch.cat(shares), len(shares[0])


def _share(batch: Tensor, rank: int, world: int) -> Tensor:
    rounded_up = -(-len(batch) // world) * world
    return batch[torch.arange(rank, rounded_up, world) % len(batch)]


def _checked(batch_size: int | None, n: int) -> int:
    if batch_size is None:
        return n
    if 1 <= batch_size <= n:
        return batch_size
    rule = f"must be from 1 to {n}, the number of training examples"
    remedy = f"Use batch_size=null for all {n} at once."
    raise InputError(Problem("batch_size", str(batch_size), rule, remedy))
