"""The coefficients of the coming updates, worked out and sent to the device many updates at a time."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lrscope.batched.model.numbers import Column, Numbers
from lrscope.batched.model.update_rules import Rule

MOST_AHEAD = 64
"""Updates whose coefficients are worked out at once. Doing it for each costs a tenth of a small stack's step."""


class Columns:
    """What an update rule reads, one tensor [M, 1] per coefficient, by the number of the update (1 is the first).

    While nothing moves, a growing number of updates is worked out ahead; a rate that moves throws them away, so that a
    schedule that moves at every update costs one at a time.

    Args:
        behind: updates that each member has skipped: it is so many behind.
    """

    def __init__(self, rule: Rule, numbers: Numbers, like: Tensor, behind: NDArray[np.int64] | None = None) -> None:
        self._rule = rule
        self._numbers = numbers
        self._like = like
        self._known: dict[int, dict[str, Tensor]] = {}
        self._ahead = 1
        self._behind = behind
        self._offsets = sorted(set(behind.tolist())) if behind is not None else [0]

    def at(self, step: int) -> dict[str, Tensor]:
        """The columns of this update."""
        # Where the coefficients do not count updates, the first differs from the others all the same (momentum).
        key = step if self._rule.counts_steps else min(step, 2 + self._offsets[-1])
        found = self._known.get(key)
        if found is None:
            found = self._work_out(key)
        return found

    def moved(self) -> None:
        """The members' numbers have changed."""
        self._known.clear()
        self._ahead = 1

    def _work_out(self, first: int) -> dict[str, Tensor]:
        ahead = self._ahead if self._rule.counts_steps else 1
        self._ahead = min(2 * ahead, MOST_AHEAD)
        columns = [self._coefficients(step) for step in range(first, first + ahead)]
        values = torch.from_numpy(np.array([list(own.values()) for own in columns]))
        sent = values.to(self._like.dtype).to(self._like.device, non_blocking=True).unsqueeze(-1)
        self._known = {
            first + k: dict(zip(own, tensors.unbind(), strict=True))
            for k, (own, tensors) in enumerate(zip(columns, sent.unbind(), strict=True))
        }
        return self._known[first]

    def _coefficients(self, step: int) -> dict[str, Column]:
        """Of the members' own updates, when so many have been made or skipped."""
        found = [self._rule.coefficients(self._numbers, max(step - offset, 1)) for offset in self._offsets]
        if self._behind is None or len(found) == 1:
            return found[0]
        rows = [self._behind == offset for offset in self._offsets]
        return {name: np.select(rows, [own[name] for own in found]) for name in found[0]}
