"""Dropout whose masks are each member's own: the very masks that it would draw if it trained alone."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


class MaskSource:
    """One generator for every distinct seed; members with the same seed see the same masks, as they do alone.

    On the CPU a mask has the bits that ``torch.dropout`` draws from the global generator in the state given
    (what the generator is left in when the member's network has been made). Accelerators fuse drawing and
    masking into one kernel whose bits cannot be had; there masks are equal in distribution only.

    Args:
        seeds: of every member.
        states: the state of torch's CPU generator for every member, equal for members with equal seeds.
    """

    def __init__(self, seeds: Sequence[int], states: Sequence[Tensor], device: torch.device) -> None:
        self._seeds = list(seeds)
        self._device = device
        self._generators: dict[int, torch.Generator] = {}
        for seed, state in zip(seeds, states, strict=True):
            if seed not in self._generators:
                generator = torch.Generator(device)
                if device.type == "cpu":
                    generator.set_state(state)
                else:
                    generator.manual_seed(seed)
                self._generators[seed] = generator
        self._rows = self._rows_of()

    def draw(self, shape: tuple[int, ...], p: float, dtype: torch.dtype) -> Tensor:
        """Factors [M, *shape]: 0 with probability ``p``, else 1 / (1 - p)."""
        drawn = [
            torch.empty(shape, dtype=dtype, device=self._device).bernoulli_(1 - p, generator=generator)
            for generator in self._generators.values()
        ]
        factors = torch.stack(drawn).div_(1 - p)
        return factors.expand(len(self._seeds), *shape) if len(drawn) == 1 else factors[self._rows]

    def keep(self, rows: Sequence[int]) -> None:
        """Drop all members but these; the generators of the others go on where they are."""
        self._seeds = [self._seeds[row] for row in rows]
        self._generators = {seed: self._generators[seed] for seed in dict.fromkeys(self._seeds)}
        self._rows = self._rows_of()

    def state_of(self, row: int) -> Tensor:
        """The state of one member's generator."""
        return self._generators[self._seeds[row]].get_state()

    def _rows_of(self) -> Tensor:
        order = {seed: row for row, seed in enumerate(self._generators)}
        return torch.tensor([order[seed] for seed in self._seeds], device=self._device)
