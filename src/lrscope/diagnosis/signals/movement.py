"""How far the updates can have taken a run, by what is known of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrscope.core.trace import Trace

Floats = NDArray[np.float64]

SHORT_PATH = 0.1
"""Sum of the relative updates below which a network has hardly left its initial weights."""
SHORT_REACH = 0.02
"""The same of weights whose updates were not measured, where no weight can have moved by more than this in all: they
begin at about 0.1 of either sign."""
PARAMETERS = 10_000
"""Of a network whose size is not known."""
SURELY = 0.8
"""Share of a fall below which what the updates can have brought is surely less: norms are measured at some steps."""
TYPICAL_MOMENTUM = 0.9
"""Of SGD, where it is not known."""


@dataclass(frozen=True)
class Movement:
    """path: sum over the steps of ||dw||/||w||, from the steps that were measured. rates: sum of the rates: Adam moves
    no weight by more, about. reach: sum of lr · max(1, ||g||): SGD moves none by more either. change: by how much the
    updates can have changed the loss, by ||g|| · ||dw||. Each nan where it is not known; of ``reach`` the gradient is
    taken for 1 at most where no norm was recorded.
    """

    path: float
    rates: float
    reach: float
    change: float

    @classmethod
    def of(cls, trace: Trace, rates: Floats) -> Movement:
        """``rates``: of each step, nan where they are not known."""
        ratios, norms = trace.get("update_ratio").values, trace.get("grad_norm")
        path = float(np.mean(ratios)) * len(rates) if len(ratios) else math.nan
        total = float(rates.sum()) if len(rates) else math.nan
        if not len(norms):
            return cls(path, total, total, math.nan)
        place = np.maximum(np.searchsorted(norms.steps, np.arange(len(rates)), side="right") - 1, 0)
        norm = norms.values[place]
        with np.errstate(over="ignore", invalid="ignore"):
            reach = float((rates * np.maximum(1.0, norm)).sum())
            change = float((rates * norm * _longest_step(trace, norm)).sum())
        return cls(path, total, reach, change)

    def hardly(self, fall: float, first: float, noise: float) -> bool:
        """Whether the weights have gone nowhere. Of weights whose updates were measured, by a path that is short and a
        fall that drowns in the batches' noise, or is more than the updates can have brought; else by the rates.

        noise: standard error of L₀.
        """
        drowns = abs(fall) < max(0.02 * first, 2 * noise)
        if math.isnan(self.path):
            nowhere = self.reach < SHORT_REACH or (self.rates < SHORT_REACH and self.change < 2 * noise)
            return drowns and nowhere
        if self.path > SHORT_PATH / 10:
            drowns = abs(fall) < 2 * noise
        return self.path < SHORT_PATH and (drowns or self.change < SURELY * abs(fall))


def _longest_step(trace: Trace, norm: Floats) -> Floats:
    """Length of an update over its rate: SGD goes along the gradient, the others move each weight by about the rate.
    Of an unknown optimizer the longer of the two.
    """
    facts = trace.facts
    name, momentum = (facts.optimizer or "").lower(), facts.momentum
    by_gradient = norm / (1 - min(TYPICAL_MOMENTUM if momentum is None and not name else momentum or 0.0, 0.99))
    by_weight = np.full_like(norm, math.sqrt(facts.parameters or PARAMETERS))
    if name == "sgd":
        return by_gradient
    return by_weight if name else np.maximum(by_gradient, by_weight)
