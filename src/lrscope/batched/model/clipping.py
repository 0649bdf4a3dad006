"""Gradient clipping, member by member."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lrscope.batched.model.stack import Stack


@dataclass(frozen=True)
class Clipping:
    """``limit`` on the gradient: its global norm (``norm``) or the size of each entry (``value``), as Lightning
    has them.
    """

    limit: float
    algorithm: str = "norm"


class Clipper:
    """Clips every member's gradient by its own limit; members without one are left as they are."""

    def __init__(self, clippings: Sequence[Clipping | None]) -> None:
        self._clippings = list(clippings)
        self._limits = {
            algorithm: [c.limit if c and c.algorithm == algorithm else float("inf") for c in clippings]
            for algorithm in ("norm", "value")
            if any(c is not None and c.algorithm == algorithm for c in clippings)
        }

    def keep(self, rows: Sequence[int]) -> Clipper:
        return Clipper([self._clippings[row] for row in rows])

    @torch.no_grad()
    def clip(self, stack: Stack) -> None:
        """Change ``stack.gradients`` in place, as ``torch.nn.utils.clip_grad_norm_`` and ``clip_grad_value_``
        do.
        """
        gradients = stack.gradients
        if (limits := self._column("norm", gradients)) is not None:
            each = [torch.linalg.vector_norm(view.flatten(1), dim=1) for view in stack.view(gradients).values()]
            norms = torch.linalg.vector_norm(torch.stack(each, dim=1), dim=1, keepdim=True)
            gradients.mul_((limits / (norms + 1e-6)).clamp_max(1.0))
        if (limits := self._column("value", gradients)) is not None:
            torch.clamp(gradients, -limits, limits, out=gradients)

    def _column(self, algorithm: str, like: Tensor) -> Tensor | None:
        limits = self._limits.get(algorithm)
        return None if limits is None else torch.tensor(limits, dtype=like.dtype, device=like.device).unsqueeze(1)
