"""A loss scale for each member: what ``torch.amp.GradScaler`` is to a run alone, with its numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

START = 2.0**16
GROWTH, BACKOFF, INTERVAL = 2.0, 0.5, 2000
"""The scale grows behind so many updates that were taken one after the other, and falls with each that is skipped."""


class LossScales:
    """Scales the losses [M], unscales the gradients [M, P], and has members with a gradient that is not finite skip the
    update.

    Which members those are is read from the device once an update, for all at once; a run alone reads as often. So the
    scales are kept on the host, and sent when one has changed.

    Args:
        states: of the members' scalers, where they go on from a checkpoint.
        taken: updates that each has made, without those that it skipped.
    """

    def __init__(
        self, states: Sequence[Mapping[str, Any] | None], taken: Sequence[int], device: torch.device | str
    ) -> None:
        known = [state or {"scale": START, "_growth_tracker": 0} for state in states]
        self._scale = torch.tensor([state["scale"] for state in known], dtype=torch.float32)
        self._since = torch.tensor([state["_growth_tracker"] for state in known])
        self.taken = torch.tensor(taken)
        self._device = device
        self._finite = torch.ones(len(known), dtype=torch.bool)
        self._send()

    def scaled(self, losses: Tensor) -> Tensor:
        """The losses [M] whose gradients are computed."""
        return losses * self._sent

    def unscale(self, gradients: Tensor) -> None:
        """Bring the gradients to their size, in place, and note whose are not finite."""
        largest = torch.linalg.vector_norm(gradients, ord=torch.inf, dim=1)
        gradients.mul_(self._inverse)
        self._finite = largest.isfinite().cpu()

    @contextmanager
    def skipping(self, tensors: Sequence[Tensor]) -> Iterator[bool]:
        """Around the update of ``tensors`` [M, P], behind ``unscale``: the rows that skip it stay as they are; whether
        there are any.
        """
        self.taken += self._finite
        rows = (~self._finite).nonzero().squeeze(1).to(self._device)
        held = [tensor[rows] for tensor in tensors] if len(rows) else []
        yield bool(held)
        for tensor, own in zip(tensors, held, strict=False):
            tensor[rows] = own
        self._adapt()

    def keep(self, rows: Sequence[int]) -> None:
        """Drop all members but these."""
        index = torch.tensor(rows)
        self._scale, self._since, self.taken = self._scale[index], self._since[index], self.taken[index]
        self._finite = self._finite[index]
        self._send()

    def member_state(self, row: int) -> dict[str, Any]:
        """The ``state_dict`` of that member's scaler."""
        return {
            "scale": float(self._scale[row]),
            "growth_factor": GROWTH,
            "backoff_factor": BACKOFF,
            "growth_interval": INTERVAL,
            "_growth_tracker": int(self._since[row]),
        }

    def _adapt(self) -> None:
        self._since = torch.where(self._finite, self._since + 1, 0)
        due = self._since == INTERVAL
        if self._finite.all() and not due.any():
            return
        self._since[due] = 0
        grown = self._scale * GROWTH
        grown = torch.where(due & grown.isfinite(), grown, self._scale)
        self._scale = torch.where(self._finite, grown, self._scale * BACKOFF)
        self._send()

    def _send(self) -> None:
        self._sent = self._scale.to(self._device)
        self._inverse = self._scale.double().reciprocal().float().unsqueeze(1).to(self._device)
