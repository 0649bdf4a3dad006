"""The measures of ``lrscope.training.measures`` for all members at once; every value is [M]."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor


def grad_norms(gradients: Tensor) -> Tensor:
    """Global L2 norm of each row of the gradients [M, P]."""
    return torch.linalg.vector_norm(gradients, dim=1)


class UpdateMeters:
    """``training.measures.UpdateMeter`` for a stack: how far an update moves each member, and whether it turns back on
    the last.

    A step that is neither measured nor followed by one that is costs nothing.
    """

    def __init__(self) -> None:
        self._weights: Tensor | None = None
        self._update: Tensor | None = None
        self._measured = self._follow = False

    def before(self, weights: Tensor, measured: bool, next_measured: bool) -> None:
        """Before the update of ``weights`` [M, P]: whether this one is measured, and whether the next one is."""
        self._measured = measured
        self._follow = measured or next_measured
        if not self._follow:
            self._weights = self._update = None
        elif self._weights is None:
            self._weights = weights.clone()

    def after(self, weights: Tensor) -> tuple[Tensor, Tensor | None] | None:
        """Ratio and cosine, [M] each, where this update is measured; no cosine where the one before was not
        followed.
        """
        if not self._follow or self._weights is None:
            return None
        update = weights - self._weights
        reading = None
        if self._measured:
            norms = torch.linalg.vector_norm(update, dim=1)
            cosine = None
            if self._update is not None:
                before = torch.linalg.vector_norm(self._update, dim=1)
                cosine = torch.linalg.vecdot(update, self._update, dim=1) / (norms * before)
            reading = norms / torch.linalg.vector_norm(self._weights, dim=1), cosine
        self._weights, self._update = weights.clone(), update
        return reading

    def keep(self, rows: Tensor) -> None:
        """Drop all members but these."""
        self._weights = self._weights[rows] if self._weights is not None else None
        self._update = self._update[rows] if self._update is not None else None

    def member_state(self, row: int) -> dict[str, Tensor | None]:
        """What ``training.measures.UpdateMeter`` of that member would save now."""
        weights, update = (t[row].clone() if t is not None else None for t in (self._weights, self._update))
        norm = torch.linalg.vector_norm(update) if update is not None else None
        return {"weights": weights, "update": update, "update_norm": norm}

    def load(self, states: Sequence[Mapping[str, Tensor | None]], device: torch.device) -> None:
        """Continue from the members' states; all were saved behind the same step. A member that was killed ahead of its
        first one has none, nor need the others have: they stand at the beginning, too.
        """
        kept = ([state.get(key) for state in states] for key in ("weights", "update"))
        self._weights, self._update = (_rows(tensors, device) for tensors in kept)


def _rows(tensors: Sequence[Tensor | None], device: torch.device) -> Tensor | None:
    found = [tensor for tensor in tensors if tensor is not None]
    return torch.stack(found).to(device) if len(found) == len(tensors) else None
