"""How far an update moves the weights, and whether it turns back on the one before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class UpdateReading:
    """One measured update; 0-dim tensors, read from the device only when the record is flushed.

    ratio: ||w_after − w_before|| / ||w_before||, over all trainable parameters taken as one vector; with w_before = 0
        (zero initialisation) the ratio is infinite.
    cosine: of the angle between this update and the one before it; None where the one before was not followed,
        nan where one of the two is 0. −1: the updates point against each other, +1: the same way.
    """

    ratio: Tensor
    cosine: Tensor | None


class UpdateMeter:
    """Follows the weights around the steps that are measured.

    Call ``before`` ahead of every optimizer step and ``after`` behind it. A step that is not measured, and whose
    successor is not measured either, costs two attribute checks. The cosine needs the update before the measured
    one, hence ``next_measured``: the meter then takes one copy of the weights ahead of time.
    """

    def __init__(self, parameters: Iterable[Tensor]) -> None:
        self._parameters = [p for p in parameters if p.requires_grad]
        self._weights: Tensor | None = None
        self._update: Tensor | None = None
        self._update_norm: Tensor | None = None
        self._measured = False
        self._follow = False
        self._views: list[Tensor] = []

    def before(self, measured: bool, next_measured: bool) -> None:
        """Before the optimizer step: whether this one is measured, and whether the next one is."""
        self._measured = measured
        self._follow = measured or next_measured
        if not self._follow:
            self._weights = self._update = None
            self._views.clear()
        elif self._weights is None:
            self._weights = self._flat()

    def after(self) -> UpdateReading | None:
        """After the optimizer step: what it did, or None where it is not measured."""
        if not self._follow or self._weights is None:
            return None
        weights = self._flat()
        update = weights - self._weights
        norm = torch.linalg.vector_norm(update)
        reading = None
        if self._measured:
            cosine = None
            if self._update is not None and self._update_norm is not None:
                cosine = torch.dot(update, self._update) / (norm * self._update_norm)
            reading = UpdateReading(norm / torch.linalg.vector_norm(self._weights), cosine)
        self._weights, self._update, self._update_norm = weights, update, norm
        return reading

    def state_dict(self) -> dict[str, Tensor | None]:
        """What the next reading needs of the steps before: tensors only, so that a resumed run reads the same."""
        return {"weights": self._weights, "update": self._update, "update_norm": self._update_norm}

    def load_state_dict(self, state: dict[str, Tensor | None]) -> None:
        self._weights, self._update, self._update_norm = state["weights"], state["update"], state["update_norm"]

    def _flat(self) -> Tensor:
        """A copy of all weights as one vector; views of them are kept while steps are followed, which halves its
        cost.
        """
        first = self._parameters[0]
        if not self._views or self._views[0].data_ptr() != first.data_ptr():
            self._views = [p.detach().reshape(-1) for p in self._parameters]
        flat = torch.cat(self._views)
        if not all(p.is_contiguous() for p in self._parameters):
            self._views.clear()  # those were copies
        return flat
