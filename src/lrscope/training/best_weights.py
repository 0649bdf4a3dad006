"""The best weights of a run so far."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

from lrscope.core.metric_goal import goal_of

Weights = Callable[[], Mapping[str, Tensor]]
"""The ``state_dict`` of a run's module as it is now, to be kept: nothing changes it any more."""


def copied_state(module: nn.Module) -> dict[str, Tensor]:
    """The weights of a module that trains on."""
    return {key: value.detach().clone() for key, value in module.state_dict().items()}


class BestWeights:
    """The weights of the epoch whose monitored metric was lowest, or highest where it is to rise.

    Until there is one, the initial weights: the last good ones of a run that diverges in its first epoch.

    Args:
        wanted: false keeps none.
    """

    def __init__(self, monitor: str, wanted: bool = True) -> None:
        self.monitor = monitor
        self.wanted = wanted
        self.sign = -1.0 if goal_of(monitor) == "max" else 1.0
        self.weights: dict[str, Tensor] = {}
        self.score: float | None = None
        self.epoch = 0

    def begin(self, weights: Weights) -> None:
        """Before the first update; a resumed run has weights already."""
        if self.wanted and not self.weights:
            self._keep(weights, 0)

    def end_epoch(self, epoch: int, value: float | None, weights: Weights) -> None:
        """So many epochs are done, and the metric came to this."""
        if not self.wanted or value is None or not math.isfinite(value):
            return
        score = self.sign * value
        if self.score is None or score < self.score:
            self.score = score
            self._keep(weights, epoch)

    def state_dict(self) -> dict[str, Any]:
        return {"weights": self.weights, "score": self.score, "epoch": self.epoch}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.weights, self.score, self.epoch = state["weights"], state["score"], state["epoch"]

    def _keep(self, weights: Weights, epoch: int) -> None:
        self.weights = dict(weights())
        self.epoch = epoch
