"""A user's loader whose epochs are the same in every process, so that a run goes on within one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import count, islice
from types import SimpleNamespace
from typing import Any

import torch

from lrscope.training.generators import SeededGenerators


class ResumableLoader:
    """The batches of a loader that cannot say by itself where it stands (one that has a ``state_dict`` needs none of
    this). What it draws in an epoch, it draws from generators that begin at (seed, epoch): the order of the examples
    does not depend on what the training draws, nor on the epochs before. A run that goes on within an epoch reads the
    batches before once more and leaves them out, as workers and a stream give no other way to come to the same place.

    A ``torch.Generator`` that the loader or its sampler was given is carried through the checkpoint. A stream that
    keeps a state of another kind from one epoch to the next has to bring ``state_dict`` and ``load_state_dict``.
    """

    def __init__(self, loader: Iterable[Any], seed: int) -> None:
        self.loader = loader
        self.seed = seed
        self._epoch = 0
        self._position: dict[str, Any] = {"epoch": 0, "batches": 0, "generators": self._states()}
        self._resume: Mapping[str, Any] = {}

    def __len__(self) -> int:
        """Raises:
        TypeError: the loader has no length.
        """
        return len(self.loader)  # type: ignore[arg-type]

    @property
    def batch_sampler(self) -> SimpleNamespace:
        """Where Lightning looks for ``set_epoch``. Under ``sampler`` it would take this for a DataLoader."""
        return SimpleNamespace(sampler=self)

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch of the next pass."""
        self._epoch = epoch
        for sampler in self._samplers():
            if callable(told := getattr(sampler, "set_epoch", None)):
                told(epoch)

    def state_dict(self) -> dict[str, Any]:
        return {**self._position, "generators_now": self._states()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue that epoch after the batches handed out; any other epoch starts at its beginning. Empty: as new."""
        self._resume = state

    def __iter__(self) -> Iterator[Any]:
        # A generator reads the epoch at its first batch: Lightning makes the iterator before set_epoch.
        epoch, done = self._epoch, self._go_on()
        own, at_start = SeededGenerators(_seed(self.seed, epoch)), self._states()
        with own.swapped_in():
            batches = iter(self.loader)
            read = sum(1 for _ in islice(batches, done))
        for number in count(read + 1):
            with own.swapped_in():
                batch = next(batches, _END)
            if batch is _END:
                return
            self._position = {"epoch": epoch, "batches": number, "generators": at_start}
            yield batch

    def _go_on(self) -> int:
        """Batches of the next pass that an earlier process has trained on."""
        state, self._resume = self._resume, {}
        if not state:
            return 0
        within = state["epoch"] == self._epoch
        for generator, kept in zip(
            self._generators(), state["generators" if within else "generators_now"], strict=False
        ):
            generator.set_state(kept)
        return int(state["batches"]) if within else 0

    def _samplers(self) -> Iterator[Any]:
        batch_sampler = getattr(self.loader, "batch_sampler", None)
        yield from (getattr(self.loader, "sampler", None), batch_sampler, getattr(batch_sampler, "sampler", None))

    def _generators(self) -> list[torch.Generator]:
        found = (getattr(holder, "generator", None) for holder in (self.loader, *self._samplers()))
        return list({id(one): one for one in found if isinstance(one, torch.Generator)}.values())

    def _states(self) -> list[torch.Tensor]:
        return [generator.get_state() for generator in self._generators()]


_END = object()


def resumable(loader: Iterable[Any], seed: int) -> Iterable[Any]:
    """The loader such that a run goes on within its epochs."""
    own = all(callable(getattr(loader, name, None)) for name in ("state_dict", "load_state_dict"))
    return loader if own else ResumableLoader(loader, seed)


def _seed(seed: int, epoch: int) -> int:
    digest = hashlib.blake2b(f"{seed}/{epoch}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1
